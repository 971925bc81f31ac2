# SPDX-License-Identifier: MIT
# The control channel of a real machine: what pasturectl shows and does, and clients that mean harm,
# beside a guest that must not notice.  One CPU: who waits there is missed.  Debug build, for its checks.
# Beside others (37 s): it waits for answers, of a machine of its own.
. bench/machine.sh
export PASTURE=build/debug/pasture TIMEOUT=100 APPEND=ctl=com2
ctl=build/pasturectl
sock=$work/live.sock
console=build/jobs/control/console.log
export PASTURE_CONTROL=$sock
rm -f "$sock" "$console"
machine control 192 1 -chardev socket,id=c,path="$sock",server=on,wait=off -serial chardev:c >"$work/control.out" 2>&1 <<'LIST' &
domain name=g kernel=minimal.elf memory=8M group=t1 count=3 cmdline="hold=1"
domain name=watch kernel=wall-clock.elf memory=8M cmdline="seconds=600"
LIST
machine=$!
first= stopped= last=
trap 'kill -KILL $machine $first $stopped $last 2>/dev/null || :' EXIT
ticks() {
	grep -ac '^(d4 watch) wall' "$console" 2>/dev/null || :
}
for ((i = 0; i < 300; i++)); do
	[ "$(grep -ac 'phase=hold' "$console" 2>/dev/null)" != 3 ] || [ "$(ticks)" -lt 1 ] || break
	sleep 0.1
done
expect 0 "control: on the second serial port, protocol 1" cat "$console"

# --- what it is for ---
expect 0 "g1                   1  t1           running" $ctl
expect 0 '"pages_sharing": 2' $ctl --json stats
jq -e '(.guests | length == 4) and .guests[3].name == "watch" and .machine.domains == 4' <<<"$out" >/dev/null || fail "other guests"
expect 0 'pasture_guest_max_bytes{name="g2",group="t1"} 8388608' $ctl --prometheus list
expect 0 "ok pause id=1" $ctl pause g1
expect 0 "g1                   1  t1           paused" $ctl list
expect 0 "ok unpause id=1" $ctl unpause g1
expect 1 "pasture: EINVAL unpause g1 is not paused" $ctl unpause g1
expect 1 "pasture: ESRCH destroy no domain is called g9" $ctl destroy g9
expect 1 "pasture: ENOSYS - no command is called $(printf 'x%.0s' {1..32});" $ctl "$(printf 'x%.0s' {1..2000})"
expect 1 "pasture: E2BIG - a line has 2047 bytes at most" $ctl "$(printf 'x%.0s' {1..5000})"
expect 124 " 4 guests  memory " timeout 3 $ctl watch
[ "$(wc -l <<<"$out")" -ge 2 ] || fail "no update each second"
out=$(timeout 3 $ctl --json watch | jq -c '.guests | length' | sort -u)
[ "$out" = 4 ] || fail "a watch in JSON has not 4 guests each time"

# --- births: one of the list again, and a new line; and audits beside them ---
expect 0 "state=gone" $ctl destroy g1
expect 0 "ok start n=1" $ctl start g1
expect 1 "pasture: EEXIST start there is a domain g1" $ctl start g1
expect 0 "ok start n=1" $ctl start domain name=more kernel=minimal.elf memory=8M 'cmdline="hold=1"' group=t1
expect 0 "ok snapshot errors=0 cross_group=0" $ctl snapshot
expect 1 "pasture: ENOMEM start 150 MiB, with share budget" $ctl start domain name=big kernel=minimal.elf memory=150M
expect 1 "pasture: ENOMEM start memory= or share= is more than the machine has" $ctl start domain name=big kernel=minimal.elf memory=900M
expect 0 "max=1024" $ctl limit more 4M
for i in {1..20}; do
	expect 0 "ok start n=2" $ctl start domain name=t count=2 kernel=minimal.elf memory=8M
	expect 0 "ok start n=1" $ctl start domain name=u kernel=minimal.elf memory=8M 'cmdline="hold=1"'
	expect 0 "state=gone" $ctl destroy u
done
expect 0 "state=gone" $ctl destroy more
expect 0 "errors=0 cross_group=0" $ctl snapshot
for ((i = 0; i < 100; i++)); do
	$ctl list >"$work/control.list"
	grep -q '^t[12] ' "$work/control.list" || break
	sleep 0.1
done

# --- a console ---
expect 124 "wall " timeout 3 $ctl console watch </dev/null
expect 0 "ok type id=3" $ctl type g3 hello there
expect 1 "pasture: ESRCH console no domain is called g9" $ctl console g9

# --- two clients, and more than QEMU lets wait ---
timeout 30 $ctl watch >"$work/first.out" &
first=$!
sleep 1
for i in {1..4}; do
	$ctl list >"$work/waits$i.out" 2>&1 &
done
refuses "nobody answers: another client has the channel" $ctl list
for i in {1..4}; do
	for ((n = 0; n < 100; n++)); do
		[ ! -s "$work/waits$i.out" ] || break
		sleep 0.1
	done
	expect 0 "nobody answers: another client has the channel" cat "$work/waits$i.out"
done
kill $first
wait $first || :
expect 0 "ok version" $ctl version

# --- harm, and the bystander ---
hostile() {
	"$dir/hostile-client" "$sock" "$@"
}
cat >"$work/wrong.lines" <<'LINES'
pause
pause g9 g9
unpause id=99999999999999999999
destroy
watch -1
watch 99999
list list
stats x
help %s%s%s%n
id=1
pause id=0
version
LINES
before=$(ticks)
out=$(hostile flood 20000)
[ "$out" = 20000 ] || fail "20000 lines, and not so many answers"
out=$(hostile flood 2000 "$work/wrong.lines")
[ "$out" = 2000 ] || fail "2000 wrong lines, and not so many answers"
out=$(hostile deaf 2000 "$work/wrong.lines")
[ "$out" = 2000 ] || fail "2000 lines of a client that does not read, and not so many answers"
out=$(hostile random 5000)
[ "$out" = 5000 ] || fail "5000 random lines, and not so many answers"
for name in g1 g2 g3 watch; do
	while $ctl unpause $name >"$work/unpause.out" 2>&1; do :; done
done
hostile vanish 4000 >"$work/vanish.out"
out=$(hostile bytes 20000)
[ "$out" = "ok version protocol=1 tag=end-of-bytes" ] || fail "no answer behind 20000 bytes of all kinds"
hostile half 1 >"$work/half.out"
expect 0 "ok version protocol=1 tag=after" $ctl version after
expect 0 "ok list n=4" $ctl raw <<<"list"
[ "$(ticks)" -gt "$before" ] || fail "the bystander stood still"

# A stopped client: its answers wait, nothing else does; then all of them come.
{ for i in {1..300}; do echo list; done; } | $ctl raw >"$work/stopped.out" &
stopped=$!
sleep 0.3
kill -STOP $stopped
before=$(ticks)
sleep 3
[ "$(ticks)" -gt "$before" ] || fail "the bystander waits for a client"
kill -CONT $stopped
wait $stopped || fail "the client that was stopped ended with $?"
[ "$(grep -c '^ok list n=4$' "$work/stopped.out")" = 300 ] || fail "answers are missing"
[ "$(grep -c '^guest id=.* cap=0$' "$work/stopped.out")" = 1200 ] || fail "lines are missing"

# --- the end ---
expect 0 "ok destroy id=2 state=gone" $ctl destroy g2
expect 0 "ok list n=3" $ctl raw <<<"list"
expect 0 "state=gone" $ctl destroy g1
expect 0 "state=gone" $ctl destroy watch
$ctl watch >"$work/last.out" 2>&1 &
last=$!
sleep 1
kill $last
$ctl destroy g3 >"$work/destroy.out" 2>&1 || :
grep -qE 'state=gone|the machine ends' "$work/destroy.out" || fail "$(cat "$work/destroy.out")"
wait $machine || fail "the machine ended with $?: $(tail -n 3 "$console")"
grep -q '^@end frames_lost=0 .* audit_errors=0' "$console" || fail "$(tail -n 3 "$console")"
! grep -q panic "$console" || fail "$(grep panic "$console")"

# --- no second port, and no channel that was not asked for ---
machine control 128 1 >"$work/control.out" 2>&1 <<<'domain name=g kernel=minimal.elf memory=8M' ||
	fail "the machine without a port ended with $?"
grep -q '^pasture: warning: control: there is no second serial port; no channel' "$console" || fail "nothing is said of the port"
APPEND='' machine control 128 1 >"$work/control.out" 2>&1 <<<'domain name=g kernel=minimal.elf memory=8M' || fail "without ctl=: $?"
! grep -q 'control:' "$console" || fail "a channel that nobody asked for"
