#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions of the hypercalls that PV kernels make most: Pasture and Xen 4.17
# reads: CPU_MODEL QEMU TIMEOUT
. bench/guest.sh
ours=$B/hypercalls.log xens=$B/hypercalls-xen.log
on_pasture "$ours" bench-hypercalls.elf
on_xen "$xens" bench-hypercalls.elf
calls="update_va_mapping mmu_update evtchn_send multicall32 mmu_update32"

printf '%s\n' 'Instructions of one call, guest and hypervisor; multicall32: 32 update_va_mapping' ''
printf '  %-28s %12s %12s %10s\n' call Pasture 'Xen 4.17' ratio
: >"$B/hypercalls.dat"
for call in $calls; do
	worst=0
	for way in $(sed -n "s/^.*BENCH $call\.\([^ ]*\) .*/\1/p" "$ours"); do
		a=$(figure "$ours" "$call.$way") || exit 1
		b=$(figure "$xens" "$call.$way") || exit 1
		r=$(ratio "$a" "$b")
		printf '  %-28s %12s %12s %10s\n' "$call.$way" "$a" "$b" "$r"
		echo "$call.$way $a $b $r" | tr _ - >>"$B/hypercalls.dat"
		name=${call}_${way//+/_}
		figure_add "${name}_pasture" "$a"
		figure_add "${name}_xen" "$b"
		worst=$(printf '%s\n' "$worst" "$r" | sort -n | tail -n 1)
	done
	# The bar: the worst way of each call.
	figure_add "${call}_over_xen" "$worst"
	echo "  ${call}_over_xen $worst (at most 1.0)"
done
figures_write hypercalls
plot hypercalls 900,480 <<PLOT
$bars
set xtics rotate by -40
set ylabel "times the instructions on Xen 4.17"
set title "Hypercalls: Pasture / Xen 4.17, instructions of a call"
plot "$B/hypercalls.dat" using 4:xtic(1) title "Pasture / Xen", 1 notitle lc rgb "black"
PLOT
