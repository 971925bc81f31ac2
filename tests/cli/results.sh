# SPDX-License-Identifier: MIT
# `make test` with kinds that pass, fail, time out and cannot be run: its last lines name each
# failure and why, and build/test.tap has all results.  cli runs beside those before it, and boot
# beside nothing; whoever ends the run ends cli, too.
top=$work/results
rm -rf "$top"
mkdir -p "$top/tests"
cp tests/run-all.sh tests/tap.awk "$top/tests"
cat >"$top/make" <<'MAKE'
#!/bin/bash
cd "$(dirname "$0")" || exit 1
# waits FILE: ten seconds at most.
waits() {
	for ((i = 0; i < 100; i++)); do [ ! -e "$1" ] || return 0; sleep 0.1; done
	return 1
}
case ${!#} in
lint) printf '  SUCCESS  lint style\n1 passed, 0 failed\n' ;;
unit)
	printf '  SUCCESS  unit a (3)\n  FAILURE  unit b #1\n    | b.c:7: 1 != 2\n'
	printf '3 passed, 1 failed\nmake: *** [unit] Error 1\n'
	;;
model) printf '  SKIP     model c\n0 passed, 0 failed\n1 skipped\n' ;;
sim)
	waits began && echo "sim: cannot be linked"
	touch sim.done
	;;
boot) [ -e cli.done ] && printf '  TIMEOUT  canary (30.0 s)\n  guest g says nothing\n0 passed, 1 failed\n' ;;
cli)
	touch began
	waits sim.done && printf '  SUCCESS  good (0 s)\n1 passed, 0 failed\n'
	touch cli.done
	;;
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

cat >"$top/make" <<'MAKE'
#!/bin/bash
case ${!#} in
lint) touch "${0%/*}/lint.began" && sleep 100 ;;
cli) echo $$ >"${0%/*}/pid" && sleep 100 ;;
esac
MAKE
timeout 2 bash "$top/tests/run-all.sh" "$top/make" >"$top/said" && fail "it ended well"
[ -e "$top/lint.began" ] || fail "a machine so slow says nothing: $(cat "$top/said")"
for ((i = 0; i < 50; i++)); do
	kill -0 "$(cat "$top/pid")" 2>/dev/null || break
	sleep 0.1
done
[ $i != 50 ] || fail "cli goes on when the run has ended"
