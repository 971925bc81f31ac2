#!/bin/bash
# SPDX-License-Identifier: MIT
# page functions with each width of register: time on this CPU, instructions of an offer
# reads: QEMU TIMEOUT
. bench/guest.sh
. bench/host/lib.sh
out=$B/page-functions.txt
host_bench page-functions >"$out" || exit 1

printf '%s\n' 'Nanoseconds of a page in the first-level cache, on this CPU' ''
printf '  %-8s %8s %8s %8s %8s %8s  %s\n' '' scalar string sse2 avx2 avx512 fastest
while read -r fn scalar string sse2 avx2 avx512 best; do
	printf '  %-8s %8s %8s %8s %8s %8s  %s\n' \
		"$fn" "$scalar" "$string" "$sse2" "$avx2" "$avx512" "$best"
	for v in scalar string sse2 avx2 avx512; do
		[ "${!v}" = - ] || figure_add "${fn}_${v}_ns" "${!v}"
	done
done <"$out"

# AVX-512 is not among what QEMU's TCG knows.
printf '\n%s\n\n' 'Instructions of an offered page, guest and hypervisor (a vector instruction counts as one)'
printf '  %-12s %8s %8s %8s %8s\n' '' scalar sse2 avx2 auto
export CPU_MODEL=max
for v in scalar sse2 avx2 auto; do
	PASTURE_OPTIONS="pages=$v" on_pasture "$B/page-functions-$v.log" \
		bench-offers.elf
done
: >"$B/page-functions.dat"
for call in one_miss one_hit one_zero batch_miss batch_hit batch_zero; do
	row=
	for v in scalar sse2 avx2 auto; do
		n=$(figure "$B/page-functions-$v.log" "$call") || exit 1
		row+=" $n"
		figure_add "${call}_${v}" "$n"
	done
	# shellcheck disable=SC2086
	printf '  %-12s %8s %8s %8s %8s\n' "$call" $row
	echo "$call$row" | tr _ - >>"$B/page-functions.dat"
done
sed -n 's/^.*pasture: \(pages: one .*\)/\n  auto: \1/p' "$B/page-functions-auto.log"
figures_write page-functions
plot page-functions <<PLOT
$bars
set ylabel "instructions per offered page"
set title "Offers, by the registers that page functions use"
plot "$B/page-functions.dat" using 2:xtic(1) title "scalar", "" using 3 title "SSE2", "" using 4 title "AVX2", "" using 5 title "chosen"
PLOT
