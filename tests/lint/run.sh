#!/bin/bash
# SPDX-License-Identifier: MIT
# Each check of this folder is one test: run.sh [NAME].  `make lint` gives the
# compiler's flags.  Last line: "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
names=()
for t in tests/lint/*.sh; do
	name=$(basename "$t" .sh)
	case $name in run | lib) continue ;; esac
	[ -z "${1-}" ] || [ "$1" = "$name" ] || [ "$1" = list ] || continue
	[ "${1-}" != list ] || { echo "$name"; continue; }
	names+=("$name")
done
look() {
	bash -c ". tests/lint/lib.sh; . tests/lint/$2.sh" >"$1/$2" 2>&1
}
export -f look
# One a CPU, the longest first, so that no CPU waits for it in the end.
printf '%s\n' "${names[@]}" | awk '{ print ($1 != "registers"), $1 }' | sort |
	cut -d' ' -f2 | xargs -P "$(nproc)" -I{} bash -c "look '$work' {}"
for name in "${names[@]}"; do
	note=$(sed -n 's/^note: //p' "$work/$name")
	faults=$(grep -v '^note: ' "$work/$name")
	if [ -z "$faults" ]; then
		passed=$((passed + 1))
		echo "  SUCCESS  lint $name${note:+: $note}"
	else
		failed=$((failed + 1))
		echo "  FAILURE  lint $name"
		printf '%s\n' "$faults" | head -n 20 | sed 's/^/  /'
		echo "  repeat: make lint T=$name"
	fi
done
[ "${1-}" != list ] || exit 0
[ $((passed + failed)) -gt 0 ] ||
	{ echo "pasture: no such check: ${1-}; 'make lint T=list' lists them"; exit 2; }
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
