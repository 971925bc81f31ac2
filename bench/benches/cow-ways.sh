#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions of a break (copy on write) for each way to do it
# reads: CPU_MODEL QEMU TIMEOUT
. bench/guest.sh
log=$B/cow-ways.log
NEIGHBOUR='memory=16M group=g cmdline="holder=1"' on_pasture "$log" bench-cow.elf
copy=$(figure "$log" copy) bounce=$(figure "$log" bounce) &&
	attempt=$(figure "$log" attempt) || exit 1

printf '%s\n' 'Instructions from the write, or the call, until the page is writable; guest and hypervisor' ''
printf '  %-14s %12s %22s\n' way 'others hold' 'last holder, no copy?'
: >"$B/cow-ways.dat"
figure_add copy "$copy"
figure_add bounce "$bounce"
figure_add attempt "$attempt"
# Each way that the guest knows: a new one needs no line here.
for way in $(sed -n 's/^.*BENCH last_\([^ .]*\) .*/\1/p' "$log"); do
	a=$(figure "$log" "$way") b=$(figure "$log" "last_$way") || exit 1
	uncopied=no
	[ "$(figure "$log" "last_$way.uncopied")" = 0 ] || uncopied=yes
	printf '  %-14s %12s %16s %5s\n' "$way" "$a" "$b" "$uncopied"
	echo "$way $a $b" >>"$B/cow-ways.dat"
	figure_add "$way" "$a"
	figure_add "last_$way" "$b"
done
printf '\n  %s\n' "in comparison: copying a page $copy, a write fault answered by one update $bounce"
printf '  %s\n' "an attempt of the library's to have a frame with no copy that is refused: $attempt, at most one in 65 breaks for long"
figure_add break_first "$(figure "$log" first)"
figure_add break_first_last "$(figure "$log" last_first)"
figures_write cow-ways
plot cow-ways <<PLOT
$bars
set ylabel "instructions"
set title "Breaking a share, by the way it is done"
plot "$B/cow-ways.dat" using 2:xtic(1) title "others hold it", "" using 3 title "last holder", $copy title "copying a page"
PLOT
