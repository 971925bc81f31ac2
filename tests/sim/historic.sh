# SPDX-License-Identifier: MIT
# A part of run.sh: the faults of historic.txt, put in one after another, each of which a pair must find.
# historic-list prints the rows.  Figures go to build/sim/historic.json; last line: "N passed, N failed", in rows.
rows=$(grep -v '^#' tests/sim/historic.txt)
[ "$1" != historic-list ] || { echo "$rows"; exit; }

[ "${RESUME-}" = 1 ] || rm -rf build/mutants/named
rm -f build/mutants/named/report.json
# shellcheck disable=SC2046
KIND=sim tests/mutants/run.sh "${MAKE:-make}" $(cut -f2 <<<"$rows" | grep -v '^-' | tr ' ' '\n' | sort -u)
[ -e build/mutants/named/report.json ] || { echo "pasture: sim historic: the faults could not be put in" >&2; exit 1; }
passed=0 failed=0 impossible=0
while IFS=$'\t' read -r row by; do
	case $by in
	-*)
		impossible=$((impossible + 1))
		echo "  NONE     sim $row: ${by#- }"
		continue
		;;
	esac
	missed=''
	for mutant in $by; do
		grep -qs '^killed' "build/mutants/named/results/$mutant" || missed+=" $mutant"
	done
	if [ -z "$missed" ]; then
		passed=$((passed + 1))
		echo "  SUCCESS  sim $row: found ($by)"
	else
		failed=$((failed + 1))
		echo "  FAILURE  sim $row: not found:$missed"
		echo "  repeat: KIND=sim make mutants T='${missed# }'"
	fi
done <<<"$rows"
echo "{ \"figures\": { \"found\": $passed, \"not_found\": $failed, \"impossible\": $impossible } }" >build/sim/historic.json
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
