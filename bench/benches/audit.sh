#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions for which the machine stands still for the operator's audit, in all and at a time
# reads: QEMU CPUS MEM TIMEOUT
set -u
. bench/host/lib.sh
wrapper=$PWD/$B/qemu-icount

# One instruction is one nanosecond of the machine's time.
printf '#!/bin/sh\nexec %s "$@" -icount shift=0,sleep=off\n' "${QEMU:-qemu-system-x86_64}" >"$wrapper"
chmod +x "$wrapper"

# audit GUESTS: "STOPS THOUSANDS LONGEST_THOUSANDS" at the snapshot of the main job.
audit() {
	make -s --no-print-directory run T= QEMU="$wrapper" GUESTS="$1" >"$B/audit.log" 2>&1 ||
		{ tail -n 5 "$B/audit.log" >&2; return 1; }
	sed -n 's/^@stat final=1 .* audit_us=\([0-9]*\) audit_stops=\([0-9]*\) audit_longest_us=\([0-9]*\)$/\2 \1 \3/p' \
		build/run/console.log
}

declare -A stops all longest
: >"$B/audit.dat"
printf '%8s %8s %22s %22s\n' guests stops 'all, 1000 instructions' 'longest, 1000'
for n in 2 4 8; do
	read -r stops[$n] all[$n] longest[$n] < <(audit $n) || exit 1
	printf '%8d %8d %22d %22d\n' $n "${stops[$n]}" "${all[$n]}" "${longest[$n]}"
	echo "$n ${all[$n]} ${longest[$n]}" >>"$B/audit.dat"
done
figure_add audit_kinsns "${all[8]}"
figure_add audit_stops "${stops[8]}"
figure_add audit_longest_kinsns "${longest[8]}"
figure_add audit_longest_kinsns_2_guests "${longest[2]}"
figures_write audit
plot audit <<'PLOT'
set logscale y
set yrange [100:*]
set xlabel "guests of 56 MiB"
set ylabel "thousands of instructions"
set key left top
plot "build/bench/audit.dat" using 1:2 with linespoints title "all stops", \
	"" using 1:3 with linespoints title "the longest"
PLOT
