#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions of granting, mapping, unmapping, copying: Pasture and Xen 4.17
# reads: CPU_MODEL QEMU TIMEOUT
. bench/guest.sh
ours=$B/grants.log xens=$B/grants-xen.log
on_pasture "$ours" bench-grants.elf
on_xen "$xens" bench-grants.elf

printf '%s\n' 'Instructions of one call, guest and hypervisor; the guest grants to itself' ''
printf '  %-14s %12s %12s %10s\n' call Pasture 'Xen 4.17' ratio
: >"$B/grants.dat"
for call in grant map_rw_1 unmap_rw_1 map_ro_1 unmap_ro_1 map_rw_32 unmap_rw_32 map_ro_32 unmap_ro_32 copy; do
	a=$(figure "$ours" "$call") || exit 1
	b=$(figure "$xens" "$call") || exit 1
	r=$(ratio "$a" "$b")
	printf '  %-14s %12s %12s %10s\n' "$call" "$a" "$b" "$r"
	echo "$call $a $b $r" >>"$B/grants.dat"
	figure_add "${call}_pasture" "$a"
	figure_add "${call}_xen" "$b"
	figure_add "${call}_over_xen" "$r"
done
# The bars: the worst of the four, by right and by number of pages.
for way in map unmap; do
	worst=$(sed -n "s/^${way}_[rw0-9_o]* .* //p" "$B/grants.dat" | sort -n | tail -n 1)
	figure_add "${way}_over_xen" "$worst"
	echo "  ${way}_over_xen $worst (at most 1.0)"
done
figures_write grants
plot grants <<PLOT
$bars
set xtics rotate by -30
set ylabel "times the instructions on Xen 4.17"
set title "Grants: Pasture / Xen 4.17, instructions of a call"
plot "$B/grants.dat" using 4:xtic(1) title "Pasture / Xen", 1 notitle lc rgb "black"
PLOT
