#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's xl on Pasture and on Xen 4.17, the same image: a guest's creation and end, a read, a packet
# reads: CPU_MODEL QEMU TIMEOUT MEM
# A nanosecond is an instruction there (-icount shift=0); only who waits for a disk waits as the host likes.
. bench/guest.sh
. bench/linux/lib.sh
. bench/linux/host/lib.sh
need build/host-image/host.gz build/linux/xen.elf

# on HYPERVISOR [UNTIL=TEXT]
on() {
	echo "  booting: $1" >&2
	CPUS=1 JOB=bench port=$port host_words "$1"
	# shellcheck disable=SC2086
	build/harness machine "$B/host-$1.log" V=0 TIMEOUT="${TIMEOUT:-3600}" "${@:2}" -- "${words[@]}" $icount ||
		fail "Debian did not end well on $1: see $B/host-$1.log"
	grep -q '@bench all' "$B/host-$1.log" || fail "$1: $(grep '@bench' "$B/host-$1.log" | tail -n 2)"
}
port_choose
on pasture
grep -q '^@end frames_lost=0 .*audit_errors=0' $B/host-pasture.log || fail "$(grep '^@end' $B/host-pasture.log)"
on xen "UNTIL=@bench end"

# least NAME HYPERVISOR
least() {
	sed -n "s/^.*@bench $1 \([0-9]*\).*/\1/p" "$B/host-$2.log" | sort -n | head -n 1
}
printf '%s\n' "The least of three lives; reads and packets: instructions of both domains and the hypervisor" ''
printf '  %-10s %14s %14s %8s\n' what Pasture 'Xen 4.17' ratio
: >$B/host.dat
for what in create destroy read packet; do
	a=$(least $what pasture) b=$(least $what xen)
	[ -n "$a" ] && [ -n "$b" ] || fail "no figure $what"
	r=$(ratio "$a" "$b")
	printf '  %-10s %14s %14s %8s\n' $what "$a" "$b" "$r"
	echo "$what $a $b $r" >>$B/host.dat
	figure_add ${what}_pasture "$a"
	figure_add ${what}_xen "$b"
	figure_add ${what}_over_xen "$r"
done
figures_write host
plot host <<PLOT
$bars
set ylabel "times Xen 4.17"
set title "Debian's xl, a guest of Debian: Pasture / Xen 4.17"
plot "$B/host.dat" using 4:xtic(1) title "Pasture / Xen", 1 notitle lc rgb "black"
PLOT
