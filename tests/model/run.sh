#!/bin/bash
# SPDX-License-Identifier: MIT
# Check the SPIN models exhaustively: run.sh [NAME...|list].  A model must hold as it is,
# and each line "wrong: NAME" of its header names a variant (-DNAME) that must fail.
# Last line: "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
if [ "${1-}" = list ]; then
	for f in tests/model/*.pml; do basename "$f" .pml; done
	exit 0
fi
# shellcheck disable=SC2046
[ $# != 0 ] || set -- $(for f in tests/model/*.pml; do basename "$f" .pml; done)
for name in "$@"; do
	[ -e "tests/model/$name.pml" ] ||
		{ echo "pasture: no model '$name'; 'make model T=list' lists them" >&2; exit 2; }
done
command -v spin >/dev/null || { echo "  FAILURE  model: there is no spin (make deps)"; echo "0 passed, 1 failed"; exit 1; }
passed=0 failed=0

# check MODEL [VARIANT]: the log of one, in a folder of its own.
check() {
	local folder=build/model/$1.${2:-right} model=$PWD/tests/model/$1.pml

	rm -rf "$folder"
	mkdir -p "$folder"
	cd "$folder" && spin ${2:+-D$2} -a "$model" >log 2>&1 &&
		gcc -O1 -w -DSAFETY -o pan pan.c >>log 2>&1 &&
		timeout 60 ./pan -E -m100000 >>log 2>&1
	# -E: a process that waits for ever is not an error here
}
export -f check

variants() {
	sed -n 's/^.*wrong: \([A-Z_]*\).*/\1/p' "tests/model/$1.pml"
}

# result MODEL [VARIANT]: the number of errors and of states, and a complaint.
result() {
	local log=build/model/$1.${2:-right}/log

	sed -n 's/.*errors: \([0-9]*\)$/\1/p' "$log"
	sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' "$log"
	grep -o 'max search depth too small' "$log"
}

verdict() {
	if [ "$1" = 1 ]; then
		passed=$((passed + 1))
		echo "  SUCCESS  model $2"
	else
		failed=$((failed + 1))
		echo "  FAILURE  model $2"
	fi
}

for name in "$@"; do
	echo "$name"
	for wrong in $(variants "$name"); do echo "$name $wrong"; done
done | xargs -P "$(nproc)" -I{} bash -c 'check {}'
for name in "$@"; do
	read -r -d '' errors states more < <(result "$name"; printf '\0')
	verdict "$([ "$errors" = 0 ] && [ -z "$more" ] && echo 1)" \
		"$name: $states states, ${errors:-no} errors"
	for wrong in $(variants "$name"); do
		read -r -d '' errors states more < <(result "$name" "$wrong"; printf '\0')
		verdict "$([ "${errors:-0}" -gt 0 ] && echo 1)" \
			"$name $wrong: ${errors:-no} errors (there must be some)"
	done
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
