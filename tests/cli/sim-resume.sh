# SPDX-License-Identifier: MIT
# make sim: one that was cut off goes on with RESUME=1, does no pair twice, and refuses other sources.  The
# simulator is a script that is stopped after a pair.
# Beside others (1 s): a tree of its own.
top=$work/sim-resume
rm -rf "$top"
mkdir -p "$top/tests/sim" "$top/build/sim"
cp tests/sim/run.sh "$top/tests/sim/"
cat >"$top/build/sim/sim" <<'SIM'
#!/bin/bash
# As the head of tests/sim/main.c says.
pairs='a,a a,b b,b a+a a+b'
[ "$1" != pairs ] || { tr ' ' '\n' <<<"$pairs"; exit; }
n=0
for p in $pairs; do
	[ $((n++ % $2)) = "$1" ] && ! grep -qs "^$p " "$3" || continue
	echo "$p 10 $([ "$p" != "${BAD-}" ]; echo $?)" >>"$3"
	echo "$p" >>ran
	[ -z "${CUT-}" ] || exit 1
done
SIM
chmod +x "$top/build/sim/sim"
sim() {
	env -u RESUME -u PARTS "$@" "$top/tests/sim/run.sh"
}
figures() {
	grep -qF "$1" "$top/build/sim/report.json" || fail "report.json has not '$1': $(cat "$top/build/sim/report.json")"
}

refuses "build/sim/run has no run of these sources; leave RESUME out" sim RESUME=1
expect 1 "2 of 5 pairs, 20 schedules, 0 pairs with a violation" sim PARTS=2 CUT=1
figures '"pairs_explored": 2, "pairs_all": 5'
expect 0 "5 of 5 pairs, 50 schedules, 0 pairs with a violation" sim PARTS=2 RESUME=1
figures '"pairs_explored": 5, "pairs_all": 5, "schedules": 50, "violations": 0'
[ "$(sort "$top/ran" | uniq -d)" = '' ] || fail "a pair ran twice: $(sort "$top/ran" | uniq -d)"
expect 0 "5 of 5 pairs" sim RESUME=1
[ "$(wc -l <"$top/ran")" = 5 ] || fail "RESUME=1 did pairs that were done"
expect 1 "1 pairs with a violation" sim BAD=a+b
[ "$(wc -l <"$top/ran")" = 10 ] || fail "without RESUME not all pairs ran"
figures '"violations": 1'
echo '# other sources' >>"$top/build/sim/sim"
refuses "no run of these sources" sim RESUME=1
