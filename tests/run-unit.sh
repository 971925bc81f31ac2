#!/bin/bash
# SPDX-License-Identifier: MIT
# Run host unit tests: run-unit.sh NAME... (or "list").  Each libcheck test
# counts.  Last line: "N passed, N failed".
cd "$(dirname "$0")/.." || exit 1
if [ "${1-}" = list ]; then
	for f in tests/unit/*.c; do
		[ ! -e "$f" ] || basename "$f" .c
	done
	exit 0
fi
export ASAN_OPTIONS=abort_on_error=0:detect_leaks=1
export UBSAN_OPTIONS=print_stacktrace=1
# libcheck's own limit, and ours for a program that never comes back.
export CK_DEFAULT_TIMEOUT=${CK_DEFAULT_TIMEOUT:-60}
passed=0 failed=0
for name in "$@"; do
	log=build/unit/$name.log
	timeout 300 "build/unit/$name" >"$log" 2>&1
	status=$?
	# "95%: Checks: 20, Failures: 1, Errors: 0", one line for each runner
	counts=$(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$log" |
		awk '{ n += $1; bad += $2 + $3 } END { print n + 0, bad + 0 }')
	n=${counts% *} bad=${counts#* }
	# Stopped before the end, or by a sanitizer after it: one more failure.
	if [ "$status" != 0 ] && [ "$bad" = 0 ] || [ "$n" = 0 ]; then
		n=$((n + 1)) bad=$((bad + 1))
	fi
	passed=$((passed + n - bad)) failed=$((failed + bad))
	if [ "$bad" = 0 ]; then
		echo "  SUCCESS  unit $name ($n)"
	else
		echo "  FAILURE  unit $name ($bad of $n, exit $status)"
		grep -v '^[0-9]*%: Checks' "$log" | grep -v ':P:' | tail -n 20 | sed 's/^/    | /'
		echo "  repeat: make unit T=$name   (CK_FORK=no gdb build/unit/$name)"
	fi
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
