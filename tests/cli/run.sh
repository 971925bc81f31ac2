#!/bin/bash
# SPDX-License-Identifier: MIT
# What the tools say to a user's mistakes, and what the harness makes of
# machines that misbehave: run.sh [NAME].  Last line: "N passed, N failed".
cd "$(dirname "$0")/../.." || exit 1
unset T QEMU GUESTS MEM CPUS CPU_MODEL ACCEL FILES TENANTS TIMEOUT TESTS V \
	KERNEL INITRD GUEST_MEM JOB WORDS MINUTES PLAIN VIA DIR UNTIL N SEED MAKEFLAGS MAKEOVERRIDES MAKELEVEL
passed=0 failed=0 skipped=0
for t in tests/cli/*.sh; do
	name=$(basename "$t" .sh)
	case $name in run | lib) continue ;; esac
	[ -z "${1-}" ] || [ "$1" = "$name" ] || [ "$1" = list ] || continue
	[ "${1-}" != list ] || { echo "$name"; continue; }
	began=$SECONDS
	log=$(timeout --foreground 300 bash -e -c ". tests/cli/lib.sh; . $t" 2>&1)
	status=$?
	case $status in
	0) passed=$((passed + 1)); echo "  SUCCESS  $name ($((SECONDS - began)) s)" ;;
	77) skipped=$((skipped + 1)); echo "  SKIP     $name" ;;
	*)
		failed=$((failed + 1))
		echo "  FAILURE  $name"
		printf '%s\n' "$log" | tail -n 20
		[ $status != 124 ] || echo "it was not done after 300 s"
		echo "  repeat: make cli T=$name"
		;;
	esac
done
[ "${1-}" != list ] || exit 0
[ $((passed + failed + skipped)) -gt 0 ] ||
	{ echo "pasture: no such test: ${1-}; 'make cli T=list' lists them"; exit 2; }
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
