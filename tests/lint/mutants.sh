# SPDX-License-Identifier: MIT
# Each mutant of tests/mutants applies: its text is in its file, once, and its tests exist.
. tests/mutants/lib.sh
mutants_read
for name in "${names[@]}"; do
	mutant_fault "$name"
done
