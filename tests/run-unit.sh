#!/bin/bash
# SPDX-License-Identifier: MIT
# Build and run host unit tests: run-unit.sh MAKE NAME... (or "list").  Each
# libcheck test counts; a program that cannot be built is one failure.  Last
# line: "N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
make="$1 -s --no-print-directory"
shift
if [ "${1-}" = list ]; then
	for f in tests/unit/*.c; do
		[ ! -e "$f" ] || basename "$f" .c
	done
	exit 0
fi
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
# libcheck's own limit; all limits four times on a host that may be busy; ours for a program that never comes back.
export CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-60} CK_TIMEOUT_MULTIPLIER=${CK_TIMEOUT_MULTIPLIER:-4}
passed=0 failed=0

failure() {
	echo "  FAILURE  unit $1"
	tail -n 20 | sed 's/^/    | /'
	echo "  repeat: make unit T=$name   (CK_FORK=no gdb build/unit/$name)"
}

# "95%: Checks: 20, Failures: 1, Errors: 0", a line for each runner: total, bad.
counts() {
	sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$1" |
		awk '{ n += $1; bad += $2 + $3 } END { print n + 0, bad + 0 }'
}

for name in "$@"; do
	[ -e "tests/unit/$name.c" ] ||
		{ echo "pasture: no unit test '$name'; 'make unit T=list' lists them" >&2; exit 2; }
done
mkdir -p build/unit
targets=$(printf 'build/unit/%s ' "$@")
# shellcheck disable=SC2086
T='' $make -k $targets 2>build/unit/make.log && built=yes || built=no
# What came of each is judged below, in order.
run() {
	rm -f "build/unit/$1.log" "build/unit/$1.status"
	[ -x "build/unit/$1" ] || return 0
	timeout 600 "build/unit/$1" >"build/unit/$1.log" 2>&1
	echo $? >"build/unit/$1.status"
}
export -f run
# One a CPU; but those with threads, which spin for one another, alone.
with_threads() {
	for name in "${@:2}"; do
		grep -q pthread_create "tests/unit/$name.c" && found=yes || found=no
		[ $found != "$1" ] || echo "$name"
	done
}
with_threads no "$@" | xargs -P "$(nproc)" -I{} bash -c 'run {}'
with_threads yes "$@" | xargs -I{} bash -c 'run {}'
for name in "$@"; do
	log=build/unit/$name.log
	if [ $built = no ] && ! $make -q "build/unit/$name" 2>/dev/null; then
		failed=$((failed + 1))
		T='' $make "build/unit/$name" 2>&1 | failure "$name: it cannot be built"
		continue
	fi
	status=$(cat "build/unit/$name.status")
	read -r n bad <<<"$(counts "$log")"
	# A program without libcheck is one test, judged by its exit status.
	grep -q '<check.h>' "tests/unit/$name.c" || n=1
	# Stopped before the end, or by a sanitizer after it: one more failure.
	if [ "$status" != 0 ] && [ "$bad" = 0 ] || [ "$n" = 0 ]; then
		n=$((n + 1)) bad=$((bad + 1))
	fi
	passed=$((passed + n - bad)) failed=$((failed + bad))
	if [ "$bad" = 0 ]; then
		echo "  SUCCESS  unit $name ($n)"
	else
		grep -vE '^[0-9]*%: Checks|:P:' "$log" |
			failure "$name ($bad of $n, exit $status)"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
