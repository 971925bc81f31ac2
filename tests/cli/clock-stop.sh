# SPDX-License-Identifier: MIT
# QEMU's `stop` and `cont`: a guest's wall clock falls behind, and is right again within
# 3 s of the machine's time (dom/wallclock.h); 2 more for a host with more to do.
# Beside others (31 s): its bounds are seconds, of a machine of its own.
. bench/machine.sh
export PASTURE=build/debug/pasture TIMEOUT=60
pipe=$work/clock.monitor
console=build/jobs/clock-stop/console.log
rm -f "$pipe".* "$console"
mkfifo "$pipe".in "$pipe".out

behind() { # of the guest's last line, seconds
	echo $(($(date +%s) - $(sed -n 's/^(d1 wall) wall \([0-9]*\).*/\1/p' "$console" | tail -n 1)))
}
lines() {
	grep -ac '^(d1 wall) wall' "$console" 2>/dev/null || :
}
# A line more than there were: what `behind` then reads was printed just now.
next_line() {
	local had

	had=$(lines)
	for ((i = 0; i < 200 && $(lines) <= had; i++)); do sleep 0.1; done
	[ "$(lines)" -gt "$had" ] || fail "the guest says nothing more"
}

machine clock-stop 128 1 -chardev pipe,id=m,path="$pipe" -mon chardev=m >"$work/clock.out" 2>&1 \
	<<<"domain name=wall kernel=wall-clock.elf memory=8M cmdline=\"seconds=24\"" &
qemu=$!
trap 'kill $qemu 2>/dev/null || :; rm -f "$pipe".*' EXIT
cat "$pipe.out" >"$work/clock.monitor.log" &
exec 9>"$pipe.in"
for ((i = 0; i < 200 && $(lines) < 3; i++)); do sleep 0.1; done
next_line
[ "$(behind)" -le 2 ] || fail "$(behind) s behind before it was stopped"
echo stop >&9
sleep 1
had=$(lines)
sleep 5
[ "$(lines)" = "$had" ] || fail "the machine was not stopped"
echo cont >&9
next_line
late=$(behind)
[ "$late" -ge 4 ] || fail "stopped for 6 s, and only $late s behind"
sleep 5
next_line
[ "$(behind)" -le 2 ] || fail "still $(behind) s behind"
wait $qemu || fail "the machine ended with $?: $(tail -n 3 "$work/clock.out")"
grep -aq '^(d1 wall) Test result: SUCCESS' "$console" || fail "the guest is not content"
