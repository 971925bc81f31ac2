#!/bin/bash
# SPDX-License-Identifier: MIT
# what it costs to destroy a domain with N mappings of one shared frame (DD5)
# reads: CPU_MODEL ACCEL QEMU TIMEOUT APPEND PASTURE
set -u
. bench/machine.sh
. bench/figure.sh
runs=3

# Lowest of the runs: "US STEPS LONGEST_US" of the domain's end.
cost() {
	local i

	for ((i = 0; i < runs; i++)); do
		machine "destroy-$1" 64 1 <<END >/dev/null || { echo "destroy: the machine did not end well: build/jobs/destroy-$1/console.log" >&2; return 1; }
domain name=d kernel=dd-mappings.elf memory=8M cmdline="mappings=$1"
END
		sed -n 's/^@dom .*state=dead .*reap_steps=\([0-9]*\) reap_us=\([0-9]*\) reap_max_us=\([0-9]*\).*/\2 \1 \3/p' \
			"build/jobs/destroy-$1/console.log"
	done | sort -n | head -n 1
}

declare -A us steps longest
printf '%10s %12s %8s %16s\n' mappings 'time, us' steps 'longest step, us'
for n in 1000 10000 100000; do
	read -r us[$n] steps[$n] longest[$n] < <(cost $n) || exit 1
	printf '%10d %12d %8d %16d\n' $n "${us[$n]}" "${steps[$n]}" "${longest[$n]}"
done
per=$(( (us[100000] - us[1000]) * 1000 / 99000 ))
echo "each further mapping: $per ns; 512 PTEs at most between two looks at the clock"
for n in 1000 10000 100000; do
	figure_add destroy_us_$n "${us[$n]}"
	echo "$n ${us[$n]}"
done >"$B/destroy.dat"
figure_add destroy_steps_1000 "${steps[1000]}"
figure_add destroy_steps_100000 "${steps[100000]}"
figure_add destroy_longest_step_us "${longest[100000]}"
figure_add destroy_ns_per_mapping $per
figures_write destroy
# Linear: the steps grow by one for each table of 512 mappings, and by nothing else.
want=$(( (100000 - 1000 + 511) / 512 ))
got=$(( steps[100000] - steps[1000] ))
# A table above it more for each 512 tables, and one step each to let go of them.
[ $got -ge $want ] && [ $got -le $((2 * want + 20)) ] ||
	{ echo "destroy: $got more steps for 99,000 more mappings, wanted about $want"; exit 1; }
plot destroy <<PLOT
set logscale xy
set xlabel "mappings of one shared frame"
set ylabel "us to destroy the domain"
plot "$B/destroy.dat" with linespoints notitle
PLOT
