#!/bin/bash
# SPDX-License-Identifier: MIT
# the control channel: 10^6 commands in a row (N=) with random words, each answered once, beside guests that go on
# reads: N SEED ACCEL QEMU CPU_MODEL
set -u
. bench/machine.sh
export PASTURE=build/debug/pasture APPEND=ctl=com2 TIMEOUT=7200
N=${N:-1000000}
sock=build/soak/control.sock console=build/jobs/control/console.log
fail() {
	echo "control: $*" >&2
	exit 1
}
mkdir -p build/soak
own build/jobs/control
rm -f $sock $console
machine control 192 1 -chardev socket,id=c,path=$sock,server=on,wait=off -serial chardev:c \
	>build/soak/control.out 2>&1 <<'LIST' &
domain name=g kernel=minimal.elf memory=8M group=t1 count=3 cmdline="hold=1"
domain name=watch kernel=wall-clock.elf memory=8M cmdline="seconds=100000"
LIST
machine=$!
trap 'kill $machine 2>/dev/null || :' EXIT
ticks() {
	grep -ac '^(d4 watch) wall' $console
}
for ((i = 0; i < 600; i++)); do
	[ "$(grep -ac 'phase=hold' $console 2>/dev/null)" != 3 ] || break
	sleep 0.1
done
seed=${SEED:-$RANDOM} before=$(ticks) began=$SECONDS left=$N
while [ "$left" -gt 0 ]; do
	part=$((left < 50000 ? left : 50000))
	got=$(SEED=$((seed + left)) tests/cli/hostile-client $sock random $part) || fail "seed $seed: the client failed at $left"
	[ "$got" = $part ] || fail "seed $seed: $part lines and $got answers"
	left=$((left - part))
done
# A guest that a command paused goes on.
for name in g1 g2 g3 watch; do
	while build/pasturectl -s $sock unpause $name >/dev/null 2>&1; do :; done
done
now=$(ticks)
sleep 3
[ "$(ticks)" -gt "$now" ] || fail "seed $seed: the bystander stands still"
build/pasturectl -s $sock snapshot | grep 'errors=0 cross_group=0' || fail "seed $seed: the audit"
for name in g1 g2 g3 watch; do
	build/pasturectl -s $sock destroy $name >/dev/null 2>&1 || :
done
wait $machine || fail "seed $seed: the machine ended with $?: $(tail -n 3 $console)"
grep '^@end frames_lost=0 .* audit_errors=0' $console || fail "seed $seed: $(tail -n 3 $console)"
echo "control: $N commands with seed $seed in $((SECONDS - began)) s, an answer to each; $((now - before)) ticks of the bystander"
echo "All is well."
