#!/bin/bash
# SPDX-License-Identifier: MIT
# the control channel: 10^6 commands (N=) of clients that mean harm, each answered once, beside guests that go on
# reads: N SEED ACCEL QEMU CPU_MODEL
# In parts: random lines, while a second client asks for the channel again and again; then lines of one who does
# not read for three seconds, of one who leaves, and bytes of all kinds.
set -u
. bench/machine.sh
export PASTURE=build/debug/pasture APPEND=ctl=com2 TIMEOUT=7200
N=${N:-1000000} part=50000 deaf=2000
sock=build/soak/control.sock console=build/jobs/control/console.log ctl="build/pasturectl -s build/soak/control.sock"
fail() {
	echo "control: seed $seed: $*" >&2
	exit 1
}
ticks() {
	grep -ac '^(d4 watch) wall' $console
}
# hostile MODE N WANTED: a client, and what it prints at the end
hostile() {
	local got

	got=$(SEED=$((seed + left)) timeout 3600 tests/cli/hostile-client $sock "$1" "$2") ||
		fail "the client failed: $1, $left to go"
	[ -z "$3" ] || [ "$got" = "$3" ] || fail "$1: '$got', not '$3', $left to go"
}
# Served, when it finds the channel free, or told in one line that it is not.
second_client() {
	local said status

	until [ -e build/soak/control.enough ]; do
		said=$($ctl list 2>&1)
		status=$?
		case $status in
		0) grep -q '^watch ' <<<"$said" || break; echo served ;;
		2) [[ $(wc -l <<<"$said") = 1 && $said = *"another client has the channel"* ]] || break; echo refused ;;
		*) break ;;
		esac
		sleep 1
	done
	[ -e build/soak/control.enough ] || echo "wrong: $status: $said"
}
seed=${SEED:-$RANDOM} left=$N
[[ $N =~ ^[1-9][0-9]{3,9}$ ]] || fail "N=$N: wanted a number from 1000"
mkdir -p build/soak
own build/jobs/control
rm -f $sock $console build/soak/control.enough
machine control 192 1 -chardev socket,id=c,path=$sock,server=on,wait=off -serial chardev:c \
	>build/soak/control.out 2>&1 <<'LIST' &
domain name=g kernel=minimal.elf memory=8M group=t1 count=3 cmdline="hold=1"
domain name=watch kernel=wall-clock.elf memory=8M cmdline="seconds=100000"
LIST
machine=$!
trap 'kill $machine 2>/dev/null; touch build/soak/control.enough' EXIT
for ((i = 0; i < 600; i++)); do
	[ "$(grep -ac 'phase=hold' $console 2>/dev/null)" != 3 ] || break
	sleep 0.1
done
second_client >build/soak/control.second &
second=$!
began=$SECONDS before=$(ticks)
while [ $left -gt 0 ]; do
	n=$((left < part ? left : part)) others=0 now=$(ticks)
	if [ $n -gt $((4 * deaf)) ]; then
		others=$((2 * deaf))
		hostile deaf $deaf $deaf
		hostile vanish $deaf ""
	fi
	hostile random $((n - others)) $((n - others))
	hostile bytes 2000 "ok version protocol=1 tag=end-of-bytes"
	left=$((left - n))
	[ "$(ticks)" -gt "$now" ] || fail "the bystander stood still, $left to go"
	echo "control: $((N - left)) after $((SECONDS - began)) s"
done
touch build/soak/control.enough
wait $second
! grep -q wrong build/soak/control.second || fail "the second client: $(tail -n 1 build/soak/control.second)"
served=$(grep -c served build/soak/control.second) refused=$(grep -c refused build/soak/control.second)
# A guest that a command paused goes on.
for name in g1 g2 g3; do
	while $ctl unpause $name >/dev/null 2>&1; do :; done
done
now=$(ticks)
$ctl snapshot | grep 'errors=0 cross_group=0' || fail "the audit"
for name in g1 g2 g3 watch; do
	$ctl destroy $name | grep -q 'state=gone' || fail "$name does not go"
done
wait $machine || fail "the machine ended with $?: $(tail -n 3 $console)"
grep '^@end frames_lost=0 .* audit_errors=0' $console || fail "$(tail -n 3 $console)"
echo "control: $N commands with seed $seed in $((SECONDS - began)) s, an answer to each"
echo "control: $((now - before)) ticks of the bystander; a second client: served $served times, refused $refused times"
echo "All is well."
