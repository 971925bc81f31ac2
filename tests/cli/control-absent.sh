# SPDX-License-Identifier: MIT
# pasturectl without a machine, with one that does not answer, and with an older or newer one: one
# line each, and it ends.
# Beside others (11 s): it waits for nobody's answers.
ctl=build/pasturectl
sock=$work/control.sock
export PASTURE_CONTROL=$sock
fake= # its process
plays_control() { # MODE...
	[ -z "$fake" ] || kill "$fake" 2>/dev/null || :
	rm -f "$work/control.ready"
	mkfifo "$work/control.ready"
	"$dir/fake-control" "$sock" "$@" >"$work/control.ready" &
	fake=$!
	read -r _ <"$work/control.ready"
}
trap 'kill $fake 2>/dev/null || :' EXIT

rm -f "$sock"
refuses "no machine at $sock: No such file or directory; 'make run' makes one" $ctl list
# A host that is no first domain.
[ -e /dev/xen/privcmd ] || refuses "xen: /dev/xen/privcmd: No such file or directory" $ctl -s xen list
refuses "no machine at build: Connection refused" $ctl -s build list
touch "$work/no-machine"
refuses "no machine at $work/no-machine: Connection refused" $ctl -s "$work/no-machine" list
refuses "File name too long" $ctl -s "$(printf './%.0s' {1..80})${work#"$PWD/"}/no-machine" list
plays_control closes
refuses "closed its control channel" $ctl list
plays_control silent
refuses "nobody answers: another client has the channel, or" $ctl list
plays_control dumb
refuses "nobody answers: another client has the channel, or" $ctl list
plays_control late
expect 0 "a" $ctl list
plays_control old 0
refuses "the machine speaks protocol 0 of the control channel, and this program 1; use the one" $ctl list
plays_control old 2
refuses "the machine speaks protocol 2 of the control channel, and this program 1; use the one" $ctl list
plays_control cut
refuses "$sock: the machine is gone" $ctl list
plays_control bye
refuses "$sock: the machine ends" $ctl list
# What it does not know it passes over, and what another client left.
plays_control stale
expect 0 '"future": "words"' $ctl --json list
! grep -q old <<<"$out" || fail "the answer to another client"
jq -e '.guests[0].name == "a\"\\b" and .guests[0].pages == 10 and .machine.total == 100' <<<"$out" >/dev/null ||
	fail "not the JSON that was wanted"
plays_control noise
expect 0 'pasture_guest_own_bytes{name="a\"\\b",group="g"} 40960' $ctl --prometheus list
plays_control noise
expect 0 "" $ctl --prometheus -o "$work/pasture.prom" stats
[ -z "$out" ] || fail "it prints, and was to write a file"
grep -qx 'pasture_memory_bytes 409600' "$work/pasture.prom" || fail "no memory in the file"
ls "$work"/pasture.prom.* 2>/dev/null && fail "a file beside it is left"
plays_control noise
refuses "cannot write $work/none/x." $ctl --json -o "$work/none/x" list
refuses "pasturectl does not know '--jsn'" $ctl --jsn list
refuses "--prometheus is for list and stats" $ctl --prometheus watch
refuses "--json is for list, stats and watch" $ctl --json pause a
refuses "a word of a command has a line end in it" $ctl pause $'a\ndestroy b'
plays_control noise
expect 1 "pasture: ENOSYS - no" $ctl pause a
