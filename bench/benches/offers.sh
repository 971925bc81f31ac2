#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions of an offered page, alone and in a batch, besides hash, compare and copy
# reads: CPU_MODEL QEMU TIMEOUT
. bench/guest.sh
log=$B/offers.log
PASTURE_OPTIONS="pages=sse2" on_pasture "$log" bench-offers.elf
hash=$(figure "$log" fn_hash) equal=$(figure "$log" fn_equal) copy=$(figure "$log" fn_copy) || exit 1

printf '%s\n' 'Instructions of an offered page, guest and hypervisor (a vector instruction counts as one)' ''
printf '  %-6s %10s %10s %16s %18s\n' '' alone 'in a batch' 'page functions' 'besides, in batch'
: >"$B/offers.dat"
# row NAME PAGE-FUNCTIONS: what such an offer needs of them.  A hit in order is compared only.
row() {
	local one batch

	one=$(figure "$log" "one_$1") && batch=$(figure "$log" "batch_$1") || exit 1
	printf '  %-6s %10s %10s %16s %18s\n' "$1" "$one" "$batch" "$2" $((batch - $2))
	echo "$1 $one $batch $2" >>"$B/offers.dat"
	figure_add "one_$1" "$one"
	figure_add "batch_$1" "$batch"
	figure_add "offer_overhead_$1" $((batch - $2))
}
row hit "$equal"
row miss $((hash + copy))
row zero 0
printf '\n  %s\n' "hash $hash, compare $equal, copy $copy; hits are in the order of the first offer"
figures_write offers
plot offers <<PLOT
$bars
set ylabel "instructions"
set title "An offered page"
plot "$B/offers.dat" using 2:xtic(1) title "alone", "" using 3 title "in a batch", "" using 4 title "page functions"
PLOT
