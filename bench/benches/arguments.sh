#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions of a hypercall by the way its argument is named (virtual, inline, descriptor, registered)
# reads: CPU_MODEL QEMU TIMEOUT
. bench/guest.sh
log=$B/arguments.log
on_pasture "$log" bench-arguments.elf
calls="share_batch_64 mmu_update_32 share_info evtchn_status xen_version"
ways="inline registered descriptor"

printf '%s\n' 'Instructions of one whole call, and in times of the same call with a virtual address' ''
printf '  %-16s %10s %22s %22s %22s\n' call virtual inline registered descriptor
: >"$B/arguments.dat"
for call in $calls; do
	base=$(figure "$log" "$call.virtual") || exit 1
	line=$(printf '  %-16s %10s' "$call" "$base")
	data="$call"
	for way in $ways; do
		n=$(figure "$log" "$call.$way") || exit 1
		r=$(ratio "$n" "$base")
		line+=$(printf ' %14s (%.3f)' "$n" "$r")
		data+=" $r"
		figure_add "${call}_${way}_over_virtual" "$r"
		# The bars are of the sharing batch, the call that references were made for.
		[ "$call" != share_batch_64 ] || figure_add "${way}_over_virtual" "$r"
	done
	echo "$line"
	echo "$data" >>"$B/arguments.dat"
done
figures_write arguments
plot arguments <<PLOT
$bars
set ylabel "times the instructions with a virtual address"
set title "One hypercall by the way its argument is named"
plot "$B/arguments.dat" using 2:xtic(1) title "inline", "" using 3 title "registered", "" using 4 title "descriptor", 1 notitle lc rgb "black"
PLOT
