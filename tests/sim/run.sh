#!/bin/bash
# SPDX-License-Identifier: MIT
# Every schedule of every pair of operations: run.sh [A,B | A+B | A,B,FIRST,N,M | quick | list].
# triples: those of tests/sim/sim.h; A,B,C one of them; figures go to build/sim/triples.json.
# historic, historic-list: the faults of historic.txt (historic.sh).
# In PARTS= (2) processes; figures go to build/sim/report.json.  Last line: "N passed, N failed", in pairs.
# RESUME=1 goes on where the one before was stopped (build/sim/run has what it found).
cd "$(dirname "$0")/../.." || exit 1
sim=build/sim/sim folder=build/sim/run kind=pairs

case ${1-} in
list)
	sed -n 's/^\t{ "\([a-z0-9-]*\)", .*/\1/p' tests/sim/ops*.c
	exit 0
	;;
'') ;;
quick)
	set -- $(grep -v '^#' tests/sim/quick.txt)
	quick=yes
	;;
historic | historic-list)
	. tests/sim/historic.sh
	exit
	;;
triples)
	sim=build/sim/triples folder=build/sim/triples.run kind=triples
	shift
	;;
*[,+]*) [[ $1 =~ ^[a-z][^,]*,[a-z][^,]*,[a-z] ]] && sim=build/sim/triples ;;
*)
	echo "pasture: sim T=A,B (two domains) or T=A+B (two vCPUs of one) wants two operations; make sim T=list has their names" >&2
	exit 2
	;;
esac
# The same machine with real threads as CPUs, under ThreadSanitizer, for some seconds: the same operations
# each time, for what is new is for make soak T=tsan to find.
threads() {
	local said

	if said=$(tests/threads/run.sh "$folder/threads" 15 1); then
		passed=$((passed + 1))
		echo "  SUCCESS  sim threads: $said"
	else
		failed=$((failed + 1))
		echo "  FAILURE  sim threads: make soak T=tsan goes on with it; $folder/threads has the accesses"
		echo "$said"
	fi
}

# Schedules that are left out are the same as others: pairs with every one of them meet in no other order.
reductions() {
	local pair few all

	for pair in unmap-shared,unshare break+names-twice pin-parts+pin-old-parts grant-map+grant-map-twice; do
		few=$($sim $pair 2>/dev/null | tail -n 1)
		all=$(SIM_EACH=1 $sim $pair 2>/dev/null | tail -n 1)
		if [[ $few = *" orders" && ${few#*, } = "${all#*, }" ]]; then
			passed=$((passed + 1))
			echo "  SUCCESS  sim reductions of $pair: $few, as ${all%,*}"
		else
			failed=$((failed + 1))
			echo "  FAILURE  sim reductions of $pair: $few; and with SIM_EACH=1 $all"
		fi
	done
}

# What is asked for by name leaves the figures of a whole run alone.
report=build/sim/report.json
[ $kind = pairs ] || report=build/sim/triples.json
[ $# = 0 ] || folder=build/sim/named report=build/sim/named/report.json
# What a pair did is true of the sources that it ran, and of no others.
this=$(cksum <"$sim")
if [ -n "${RESUME-}" ] && [ $# = 0 ]; then
	[ "$(cat "$folder/of" 2>/dev/null)" = "$this" ] || {
		echo "pasture: sim RESUME=1: $folder has no run of these sources; leave RESUME out" >&2
		exit 2
	}
else
	rm -rf "$folder"
fi
rm -f $report
mkdir -p "$folder"
echo "$this" >"$folder/of"

# Pairs by name, one after another.
if [ $# != 0 ]; then
	passed=0 failed=0
	for pair in "$@"; do
		if out=$($sim "$pair" 2>"$folder/log"); then
			passed=$((passed + 1))
			echo "  SUCCESS  sim $pair: $(tail -n 1 <<<"$out")"
		else
			[ $? != 2 ] || { cat "$folder/log" >&2; exit 2; }
			failed=$((failed + 1))
			grep -a 'FAILURE' <<<"$out"
			echo "  repeat: make sim T=$pair"
		fi
	done
	[ -z "${quick-}" ] || { reductions; threads; }
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
fi

parts=${PARTS:-2}
for part in $(seq 0 $((parts - 1))); do
	$sim "$part" "$parts" "$folder/results" >>"$folder/failures" 2>>"$folder/log" &
done
wait
grep -a 'FAILURE' "$folder/failures"
read -r pairs schedules violations < <(awk '{ s += $2; v += $3 != 0 } END { print NR, s + 0, v + 0 }' "$folder/results")
all=$($sim pairs | wc -l)
echo "{ \"figures\": { \"${kind}_explored\": $pairs, \"${kind}_all\": $all, \"schedules\": $schedules," \
	"\"violations\": $violations } }" >$report
echo "$pairs of $all $kind, $schedules schedules, $violations $kind with a violation ($report)"
echo "$((pairs - violations)) passed, $((all - pairs + violations)) failed"
[ "$pairs" = "$all" ] && [ "$violations" = 0 ]
