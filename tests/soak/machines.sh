#!/bin/bash
# SPDX-License-Identifier: MIT
# CPU models, features taken away and kinds of machine: each boots a guest to its end, or says why not (ONLY=REGEX)
set -u
. bench/machine.sh
export PASTURE=${PASTURE:-build/debug/pasture} TIMEOUT=${TIMEOUT:-60}
declare -A tally=([boots]=0 [refuses]=0 [WRONG]=0)

# judge STATUS: sets `verdict` and `why`.  A refusal is one line that says why; the boot code
# in front of the hypervisor has nobody to tell but the serial line, and stops there.
judge() {
	local log=build/jobs/machines/console.log

	verdict=WRONG
	why=$(grep -a -m1 'panic\|PANIC\|assertion' $log || tail -n 1 $log)
	if [ "$1" = 0 ] && grep -aq '^(d1 canary) Test result: SUCCESS' $log; then
		verdict=boots
		why=$(grep -a 'warning:' $log | grep -av 'no hardware random' |
			sed 's/^pasture: warning: //' | paste -sd ';')
	elif grep -aq '^pasture: \(error: \|this processor\|not started\)' $log; then
		verdict=refuses
		why=$(grep -a -m1 '^pasture: \(error: \|this processor\|not started\)' $log)
	fi
}

# try TITLE WHAT-IT-MUST-DO MIB CPUS QEMU-OPTION...: a row of the table.
try() {
	local title=$1 wanted=$2 mib=$3 cpus=$4 status mark

	shift 4
	[[ $title =~ ${ONLY:-.} ]] || return 0
	machine machines "$mib" "$cpus" "$@" >/dev/null \
		<<<"domain name=canary kernel=canary.elf memory=8M"
	status=$?
	judge $status
	mark=
	[ $verdict = "$wanted" ] || { mark=' <--'; verdict=WRONG; }
	tally[$verdict]=$((tally[$verdict] + 1))
	printf '%-34s %-8s %s%s\n' "$title" $verdict "$why" "$mark"
	[ $verdict != WRONG ] || cp build/jobs/machines/console.log \
		"build/soak/machines/${title//[ \/]/-}.log"
}

# A model with 32 bits only is stopped by the boot code, which hangs there.
try_model() {
	local wanted=boots

	case $1 in
	486*|pentium*|athlon*|coreduo*|kvm32*|n270*|qemu32*|base) wanted=refuses ;;
	esac
	if [ $wanted = refuses ]; then
		TIMEOUT=5 CPU_MODEL=$1 try "model $1" $wanted 256 1
	else
		CPU_MODEL=$1 try "model $1" $wanted 256 1
	fi
}

try_models() {
	local model

	for model in $("${QEMU:-qemu-system-x86_64}" -cpu help | awk '/^x86/ { print $2 }'); do
		case $model in
		host|*-v[1-9]) ;;	# not without KVM; the unversioned name is one of these
		*) try_model "$model" ;;
		esac
	done
}

# Of the model that has all, one at a time; then of the oldest, what it has.
features='nx pge pat pdpe1gb smap smep fsgsbase pcid xsave rdrand rdseed mce mtrr avx avx2
	pse36 sse3 ssse3 sse4.1 cx16 popcnt clflush lahf-lm movbe abm 3dnowprefetch apic tsc
	pae pse msr cx8 sep cmov mmx fxsr sse sse2 syscall lm de invtsc hypervisor la57 pku umip'
needed=' apic tsc pae pse msr cx8 cmov mmx fxsr sse sse2 syscall lm '

try_features() {
	local f wanted

	for f in $features; do
		wanted=boots
		[ "${needed/ $f /}" = "$needed" ] || wanted=refuses
		# The boot code has no way to end the machine.
		[ $wanted = boots ] || export TIMEOUT=5
		CPU_MODEL=max,$f=off try "max without $f" $wanted 256 1
		TIMEOUT=60
	done
	CPU_MODEL=qemu64,nx=off,pge=off,pat=off try 'qemu64 without nx pge pat' boots 256 2
	CPU_MODEL=max,level=6 try 'max, CPUID ends at 6' boots 256 1
	CPU_MODEL=max,xlevel=0x80000001 try 'max, CPUID ends at 80000001' boots 256 1
	CPU_MODEL=max,phys-bits=36,host-phys-bits=off try 'max, 36 physical bits' boots 256 1
}

try_machines() {
	local cpus

	for cpus in 1 2 3 8 64 70; do
		try "pc, $cpus processors" boots 512 "$cpus" -machine pc
	done
	try 'q35, 4 processors' boots 256 4 -machine q35
	try 'q35, 70 processors' boots 512 70 -machine q35
	try 'isapc' boots 256 1 -machine isapc
	try 'pc without HPET' boots 256 2 -machine pc,hpet=off
	try 'pc without ACPI' boots 256 2 -machine pc,acpi=off
	try 'pc, APIC ids with gaps' boots 256 6 -smp 6,sockets=2,cores=3,threads=1
	try 'pc, -icount' boots 256 1 -icount shift=0
	try 'microvm' boots 256 2 -machine microvm -bios bios-microvm.bin
	try 'microvm with nothing' boots 256 1 \
		-machine microvm,pit=off,pic=off,rtc=off,acpi=off -bios bios-microvm.bin
	try 'microvm without PIT' boots 256 1 -machine microvm,pit=off -bios bios-microvm.bin
	try 'microvm without RTC' boots 256 1 -machine microvm,rtc=off -bios bios-microvm.bin
}

try_memory() {
	local mib

	try 'memory 32 MiB' refuses 32 1
	for mib in 64 65 100 127 1000 2047 3500 5000; do
		try "memory $mib MiB" boots $mib 1
	done
	try 'memory 3000 MiB, half above 4 GiB' boots 3000 1 -machine pc,max-ram-below-4g=1G
	try 'memory in two nodes' boots 512 2 -smp 2 \
		-object memory-backend-ram,id=a,size=256M -object memory-backend-ram,id=b,size=256M \
		-numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1
}

mkdir -p build/soak/machines
try_models
try_features
try_machines
try_memory
echo "machines: ${tally[boots]} boot, ${tally[refuses]} say why not, ${tally[WRONG]} wrong"
[ "${tally[WRONG]}" = 0 ] || exit 1
echo "All is well."
