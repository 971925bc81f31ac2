#!/bin/bash
# SPDX-License-Identifier: MIT
# `make test`: every kind of test, going on after a failure: run-all.sh MAKE.
# A kind that cannot be built counts as one failure.  Last line, alone:
# "N passed, N failed".  build/test.tap has each test's result as TAP.
#
# cli mostly waits, and lint, unit, model and sim never do: it runs beside them, and is printed in its
# turn.  What two of them are made of is built before, once.  boot has the host for itself.
cd "$(dirname "$0")/.." || exit 1
make=${1:-make}
passed=0 failed=0 skipped=0
log=build/test.log cli=build/test.cli
failures=build/test.failed all=build/test.all
mkdir -p build
rm -f build/test.tap $cli.end
: >"$failures" >"$all" >$cli

# What `make KIND` printed last is its result.  A failure's line, and the ten
# after it, which say why, are kept for the end: whoever reads only that must
# still learn what failed.
add() {
	local line why

	grep -aA10 -E '^  (FAILURE|ERROR|CRASH|TIMEOUT) ' "$log" | grep -avE '^(  SUCCESS |--$|[0-9]+ passed)' |
		sed -E "s/^  [A-Z]+ +/&$1: /" >>"$failures"
	line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
	if [ -z "$line" ]; then
		why=$(tail -n 5 "$log")
		echo "  FAILURE  $1: it could not be run" | tee -a "$failures" "$log"
		echo "$why" | tee -a "$log" >>"$failures"
		failed=$((failed + 1))
		return
	fi
	# shellcheck disable=SC2086
	set -- $line
	passed=$((passed + $1)) failed=$((failed + $3))
	skipped=$((skipped + $(sed -n 's/^\([0-9]*\) skipped$/\1/p' "$log" | tail -n 1 | grep . || echo 0)))
}

if ! "$make" -s --no-print-directory deps; then
	echo "0 passed, 1 failed"
	exit 1
fi
# What `make KIND` says, but for its result.
run() {
	"$make" -j"$(nproc)" -s --no-print-directory "$@" 2>&1
}
shown() {
	tee "$log" | grep -vE '^[0-9]+ (passed, [0-9]+ failed|skipped)$|^make'
}
# What cannot be built is said by the kind that needs it.
T='' run -k all build/sim/sim build/sim/triples | grep -v '^make'
# In a process group of its own: with the others it ends, and an interrupt is no word to ignore.
set -m
{ T='' run cli >$cli; echo "$SECONDS" >$cli.end; } </dev/null &
beside=$! cli_began=$SECONDS
set +m
trap 'kill -TERM -- -$beside 2>/dev/null' EXIT
trap 'exit 130' INT TERM HUP
for kind in lint unit model sim cli boot; do
	t=
	[ "$kind" != sim ] || t=quick # all of it takes half an hour
	echo "--- $kind ---"
	began=$SECONDS ended=
	if [ "$kind" = cli ]; then
		tail -n +1 -f --pid=$beside $cli | shown
		wait $beside
		began=$cli_began ended=$(cat $cli.end 2>/dev/null)
	else
		T=$t run "$kind" | shown
	fi
	add "$kind"
	{ echo "--- $kind ---" && cat "$log"; } >>"$all"
	echo "  $kind: $((${ended:-$SECONDS} - began)) s"
done
awk -f tests/tap.awk "$all" >build/test.tap
[ "$failed" = 0 ] || { echo "--- failed ---" && cat "$failures"; }
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
