# SPDX-License-Identifier: MIT
# Each mutant of tests/mutants applies: its text is in its file, once, and its tests exist.
. tests/mutants/lib.sh
mutants_read
for name in "${names[@]}"; do
	mutant_fault "$name"
done
# Each row of historic.txt has mutants that a pair of the simulator finds, or says why not.
while IFS=$'\t' read -r row by; do
	case $by in
	'- '?*) continue ;;
	'') echo "tests/sim/historic.txt: $row names no mutant" ;;
	esac
	for name in $by; do
		[[ " ${m_tests[$name]-}" = *' sim:'* ]] ||
			echo "tests/sim/historic.txt: $row: no mutant '$name' with a test sim:A,B"
	done
done < <(grep -v '^#' tests/sim/historic.txt)
for name in "${names[@]}"; do
	[[ $name != hist-* ]] || grep -qw -- "$name" tests/sim/historic.txt ||
		echo "tests/sim/historic.txt: no row has $name"
done
