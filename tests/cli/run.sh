#!/bin/bash
# SPDX-License-Identifier: MIT
# What the tools say to a user's mistakes, and what the harness makes of
# machines that misbehave: run.sh [NAME].  Last line: "N passed, N failed".
# Most tests want folders that are one, as build/run, and run one after the other.  They mostly
# wait, so a second one runs beside them: of those with a line "# Beside others (N s): why", which
# write to $work and to folders of their own only, and which bear a host with more to do.
cd "$(dirname "$0")/../.." || exit 1
unset T QEMU GUESTS MEM CPUS CPU_MODEL ACCEL FILES TENANTS TIMEOUT TESTS V \
	KERNEL INITRD GUEST_MEM JOB WORDS MINUTES PLAIN VIA DIR UNTIL N SEED MAKEFLAGS MAKEOVERRIDES MAKELEVEL
export said=build/cli/run
# What one test said, whole; and a word for the count.
report() { # WORD TEXT
	flock "$said" printf '%s\n' "$2"
	echo "$1" >>"$said/.count"
}
one() { # NAME
	local began=$SECONDS log status

	log=$(timeout --foreground 300 bash -e -c ". tests/cli/lib.sh; . tests/cli/$1.sh" 2>&1)
	status=$?
	case $status in
	0) report passed "  SUCCESS  $1 ($((SECONDS - began)) s)" ;;
	77) report skipped "  SKIP     $1" ;;
	124) log+=$'\nit was not done after 300 s' ;&
	*) report failed "  FAILURE  $1"$'\n'"$(tail -n 20 <<<"$log")"$'\n'"  repeat: make cli T=$1" ;;
	esac
}
# Who takes a test first has it.
each() { # FOLDER NAME...
	local name

	export CLI_WORK=$1
	for name in "${@:2}"; do
		! mkdir "$said/$name" 2>/dev/null || one "$name"
	done
}
export -f report one each

wanted=$(for t in tests/cli/*.sh; do basename "$t" .sh; done | grep -vxE 'run|lib' |
	if [ -n "${1-}" ] && [ "$1" != list ]; then grep -xF -- "$1"; else cat; fi)
[ "${1-}" != list ] || { echo "$wanted"; exit 0; }
[ -n "$wanted" ] || { echo "pasture: no such test: ${1-}; 'make cli T=list' lists them"; exit 2; }
# The longest first, so that neither waits for the other in the end.
beside=$(for name in $wanted; do
	sed -n "s/^# Beside others (\([0-9]*\) s): .*/\1 $name/p" "tests/cli/$name.sh"
done | sort -rn | cut -d' ' -f2)
mapfile -t own < <(grep -vxF -e "$beside" <<<"$wanted")
rm -rf "$said"
mkdir -p "$said"
# shellcheck disable=SC2086
setsid bash -c 'each "$@"' - build/cli/beside $beside </dev/null &
second=$!
trap 'kill -TERM -- -$second 2>/dev/null' EXIT
trap 'exit 130' INT TERM HUP
# shellcheck disable=SC2086
each build/cli "${own[@]}" $beside
wait $second
count() {
	grep -cx "$1" "$said/.count"
}
[ "$(count skipped)" = 0 ] || echo "$(count skipped) skipped"
echo "$(count passed) passed, $(count failed) failed"
[ "$(count failed)" = 0 ]
