#!/bin/bash
# SPDX-License-Identifier: MIT
# 8 guests of 4 vCPUs that share, break, grant, come and go, RUNS=3 times 10 minutes (MINUTES=); an operator kills more
# ICOUNT=1: as in a test.cfg, for a host with more to do, on which CPUs wait long for each other
# reads: MINUTES RUNS ICOUNT CPUS ACCEL QEMU CPU_MODEL APPEND PASTURE
set -u
. bench/machine.sh
export PASTURE=${PASTURE:-build/debug/pasture} APPEND="ctl=com2 ${APPEND-}"
minutes=${MINUTES:-10} cpus=${CPUS:-4} words=()
[ "${ICOUNT-0}" = 0 ] || words=(-icount shift=3,sleep=off)
log=build/jobs/vcpus/console.log
mkdir -p build/soak
sock=build/soak/vcpus.sock said=build/soak/vcpus-operator.log
ctl="build/pasturectl -s $sock"

names=(t1 t2 t3 t4 t5)		# one life after the other
killed=(k1 k2 k3)		# whom the operator kills, and starts again

life() { # NAME GROUP WORKS
	echo "domain name=$1 kernel=tumult.elf memory=8M vcpus=4 group=$2 cmdline=\"works=$3\""
}

# In each second, more or less: a guest is killed and started again, or stopped for a while; now and then an audit.
operate() {
	local name round=0

	while kill -0 "$machine" 2>/dev/null && [ $(($(date +%s) - begun)) -lt $((minutes * 60)) ]; do
		round=$((round + 1)) name=${killed[RANDOM % 3]}
		case $((RANDOM % 4)) in
		0) name=t$((1 + RANDOM % 5)); $ctl pause $name && $ctl unpause $name ;;
		1 | 2) $ctl destroy $name; $ctl start $(life $name g 1000000) ;;
		*) [ $((round % 3)) != 0 ] || $ctl snapshot ;;
		esac >>$said 2>&1
		sleep 0.$((RANDOM % 10))
	done
	while kill -0 "$machine" 2>/dev/null; do
		for name in by "${names[@]}" "${killed[@]}"; do $ctl destroy $name; done >>$said 2>&1
	done
}

run() {
	local slot

	own build/jobs/vcpus
	rm -f "$sock" $said "$log"
	begun=$(date +%s)
	{
		echo "domain name=by kernel=bystander.elf memory=8M group=h cmdline=\"ms=3000 share=50\""
		for slot in "${names[@]}"; do echo "$(life $slot g 6000) repeat=1000000"; done
	} >build/soak/vcpus.list
	TIMEOUT=$((minutes * 120 + 300)) machine vcpus 384 "$cpus" "${words[@]}" -chardev socket,id=c,path="$sock",server=on,wait=off \
		-serial chardev:c <build/soak/vcpus.list >/dev/null &
	machine=$!
	operate
	wait $machine
	ended=$?
	awk '/tumult: [0-9]* works/ { lives++; works += $(NF - 5); pages += $(NF - 3) } /state=dead/ { ends++ }
		END { printf "vcpus: %d ends, %d of them in order: %d works, %d pages of others; ", ends, lives, works, pages }' "$log"
	echo "$(grep -c 'ok destroy' $said) kills by the operator; $(grep '^@end' "$log")"
	[ $ended = 0 ] && ! grep -q 'FAIL: \|Test result: FAILURE\|Test result: ERROR' "$log" &&
		grep -q 'by) Test result: SUCCESS' "$log" &&
		grep -q '^@end frames_lost=0 .*audit_errors=0 cross_group=0' "$log" &&
		! grep -q 'snapshot errors=[1-9]' $said ||
		{ echo "vcpus: not as it should be: $log"; exit 1; }
}

for ((n = 0; n < ${RUNS:-3}; n++)); do run; done
echo "All is well."
