# SPDX-License-Identifier: MIT
# `make test` with kinds that pass, fail, time out and cannot be run: its last lines name each
# failure and why, and build/test.tap has all results.
top=$work/results
mkdir -p "$top/tests"
cp tests/run-all.sh tests/tap.awk "$top/tests"
cat >"$top/make" <<'MAKE'
#!/bin/bash
case ${!#} in
lint) printf '  SUCCESS  lint style\n1 passed, 0 failed\n' ;;
unit)
	printf '  SUCCESS  unit a (3)\n  FAILURE  unit b #1\n    | b.c:7: 1 != 2\n'
	printf '3 passed, 1 failed\nmake: *** [unit] Error 1\n'
	;;
model) printf '  SKIP     model c\n0 passed, 0 failed\n1 skipped\n' ;;
sim) echo "sim: cannot be linked" ;;
boot) printf '  TIMEOUT  canary (30.0 s)\n  guest g says nothing\n0 passed, 1 failed\n' ;;
cli) printf '  SUCCESS  good (0 s)\n1 passed, 0 failed\n' ;;
esac
MAKE
chmod +x "$top/make"
out=$(bash "$top/tests/run-all.sh" "$top/make") && fail "a run with failures ended with 0"
[ "$(tail -n 1 <<<"$out")" = "5 passed, 3 failed" ] || fail "the last line is '$(tail -n 1 <<<"$out")'"
said=$(sed -n '/^--- failed ---$/,$p' <<<"$out")
for line in '  FAILURE  unit: unit b #1' '    | b.c:7: 1 != 2' '  TIMEOUT  boot: canary (30.0 s)' \
	'  guest g says nothing' '  FAILURE  sim: it could not be run' 'sim: cannot be linked'; do
	grep -qxF -- "$line" <<<"$said" || fail "the end of the output does not say '$line'"
done
! grep -q 'SUCCESS' <<<"$said" || fail "what passed is among the failures"
tap=$top/build/test.tap
for line in 'TAP version 13' 'ok 1 - lint style' 'ok 2 - unit a (3)' 'not ok 3 - unit b \#1' \
	'#     | b.c:7: 1 != 2' 'ok 4 - model c # SKIP' 'not ok 5 - sim it could not be run' \
	'ok 6 - cli good (0 s)' 'not ok 7 - boot canary (30.0 s)' '1..7'; do
	grep -qxF -- "$line" "$tap" || fail "no '$line' in $tap"
done
