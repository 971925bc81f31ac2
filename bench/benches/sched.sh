#!/bin/bash
# SPDX-License-Identifier: MIT
# fair shares by weight and by domain, caps, and how late a guest wakes up in a crowd
# reads: CPU_MODEL QEMU TIMEOUT
. bench/machine.sh
. bench/figure.sh
export -n ACCEL	# make exports it; the harness takes tcg or kvm
ACCEL=tcg,thread=single
kernel=cpu-share.elf
: "${TIMEOUT:=400}"

# Under -icount a nanosecond is an instruction: what guests measure does not depend on the host.
exact() {
	machine "$@" -icount shift=0,sleep=off >"$B/sched-$1.log" || {
		echo "sched: the machine did not end well: $B/sched-$1.log" >&2; exit 1; }
}

# said WHO WHAT CASE: what a guest's line "BENCH WHAT NUMBER" says.
said() {
	sed -n "s/^.*(d[0-9]* $1) BENCH $2 \([0-9]*\).*/\1/p" "$B/sched-$3.log" | grep . ||
		{ echo "sched: $1 did not say $2: $B/sched-$3.log" >&2; exit 1; }
}

# guest NAME VCPUS [WORDS]: it spins, and measures the same second and a half as all others.
guest() {
	local name=$1 vcpus=$2
	shift 2
	echo "domain name=$name kernel=$kernel memory=8M vcpus=$vcpus $* cmdline=\"vcpus=$vcpus from=500 until=2000\""
}

worst=0
# judge CASE NAME=PERMILLE...: what each should have of one CPU.
judge() {
	local case=$1 pair got
	shift
	for pair; do
		got=$(said "${pair%=*}" share "$case") || exit 1
		error=$(awk -v g="$got" -v w="${pair#*=}" \
			'BEGIN { e = (g - w) / w; printf "%.4f", e < 0 ? -e : e }')
		printf '  %-22s %-8s %10s %10s %9s\n' "$case" "${pair%=*}" "${pair#*=}" "$got" "$error"
		figure_add "${case//-/_}_${pair%=*}" "$got"
		worst=$(printf '%s\n' "$worst" "$error" | sort -n | tail -n 1)
	done
}

printf 'Run time in thousandths of a CPU\n\n  %-22s %-8s %10s %10s %9s\n' case guest fair got error
{ guest one 1 weight=256; guest two 1 weight=512; guest four 1 weight=1024; } | exact weights 256 2
judge weights one=333 two=667 four=1000 # one vCPU has one CPU at most
{ guest one 2 weight=256; guest two 2 weight=512; guest four 2 weight=1024; } | exact weights-pairs 256 2
judge weights-pairs one=286 two=571 four=1143
{ guest eight 8; guest single 1; } | exact eight-beside-one 256 2
judge eight-beside-one eight=1000 single=1000
{ guest eight 8; guest single 1; } | exact eight-on-one-cpu 256 1
judge eight-on-one-cpu eight=500 single=500
{ guest capped 4 cap=30; guest hog 1; } | exact cap 256 1
judge cap capped=300 hog=700

# A guest that sleeps 2 ms at a time, 4 that spin, 200 that wake up ten times a second.
{
	echo "domain name=sleeper kernel=$kernel memory=8M cmdline=\"from=6000 until=9000 sleep=2000\""
	echo "domain name=busy count=4 kernel=$kernel memory=8M cmdline=\"from=6000 until=9000\""
	echo "domain name=idle count=200 kernel=$kernel memory=4M cmdline=\"from=6000 until=9000 period=100000\""
} | exact crowd 2048 1
late=$(said sleeper late_99 crowd) || exit 1
slices=$(awk -v ns="$late" 'BEGIN { printf "%.3f", ns / 1000000 }')
echo
echo "  worst_share_error $worst (at most 0.05)"
echo "  wake-up among 200 idle and 4 busy guests: half within $(said sleeper late_50 crowd) ns," \
	"99 of 100 within $late ns, all of $(said sleeper late_samples crowd) within $(said sleeper late_100 crowd) ns"
echo "  wake_p99_slices $slices, slices of 1 ms (at most 2)"
figure_add worst_share_error "$worst"
figure_add wake_p50_ns "$(said sleeper late_50 crowd)"
figure_add wake_p99_ns "$late"
figure_add wake_p99_slices "$slices"
figures_write sched
awk -v e="$worst" -v s="$slices" 'BEGIN { exit !(e <= 0.05 && s <= 2) }' ||
	{ echo "sched: a bar is missed" >&2; exit 1; }
