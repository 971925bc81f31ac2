#!/bin/bash
# SPDX-License-Identifier: MIT
# In the first domain: kill.sh N: xl is killed (-9) N times, while it creates a guest and while it destroys
# one, by turns, after a time drawn at random; what it leaves, another xl must be able to destroy.
set -u
count=$1
printf '%s\n' 'name = "torn"' 'kernel = "/boot/guest/small.elf"' 'memory = 16' \
	"disk = [ '/tmp/torn.img,raw,xvda,w' ]" "vif = [ 'bridge=xenbr0' ]" >/tmp/torn.cfg
truncate -s 1M /tmp/torn.img
# Without the shell script that Debian has around it: a kill is one of xl itself.
xl=/usr/lib/xen-4.17/bin/xl
now_ms() {
	echo $((${EPOCHREALTIME/./} / 1000))
}
free() {
	$xl info | sed -n 's/^free_memory *: *//p'
}
# What a killed xl began, the scripts and back ends end, and another xl.
nothing_left() {
	local i
	for ((i = 0; i < 100; i++)); do
		for id in $($xl list | awk 'NR > 1 && $2 > 0 { print $2 }'); do
			$xl destroy "$id" 2>/tmp/destroy.log
		done
		[ "$($xl list | wc -l)" != 2 ] || return 0
		sleep 0.2
	done
	$xl list
	cat /tmp/destroy.log
	return 1
}

# A machine that is too busy for libxl's own patience (40 s for a script) is no fault: once more.
create() {
	until $xl create -q -p /tmp/torn.cfg 2>/tmp/create.log; do
		slow=$((slow + 1))
		[ $slow -lt 10 ] && grep -q 'because of timeout' /tmp/create.log && nothing_left || {
			cat /tmp/create.log
			return 1
		}
	done
}

slow=0 began=$(now_ms)
# The first domain may need more of the grant table, once; so one life before it is counted.
create || exit 1
create_ms=$(($(now_ms) - began)) began=$(now_ms)
$xl destroy torn || nothing_left || exit 1
destroy_ms=$(($(now_ms) - began))
before=$(free)

killed=0 left=0
for ((n = 0; n < count; n++)); do
	ms=$create_ms
	if ((n % 2)); then
		create || exit 1
		ms=$destroy_ms
		$xl destroy torn 2>/dev/null &
	else
		$xl create -q -p /tmp/torn.cfg 2>/dev/null &
	fi
	pid=$!
	ms=$((RANDOM * 32768 + RANDOM)) ms=$((ms % ((n % 2 ? destroy_ms : create_ms) + 1)))
	sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
	kill -9 $pid 2>/dev/null && killed=$((killed + 1))
	wait $pid 2>/dev/null
	[ "$($xl list | wc -l)" = 2 ] || left=$((left + 1))
	nothing_left || { echo "kill $n, after $ms ms: a guest stays"; exit 1; }
	((n % 10 != 9)) || echo "after $((n + 1)): killed=$killed left=$left slow=$slow"
done
# Loop devices and interfaces of guests that are gone.
after=$(free)
echo "killed=$killed left=$left slow=$slow free_before=$before free_after=$after loops=$(losetup -a | wc -l)"
echo "create_ms=$create_ms destroy_ms=$destroy_ms"
[ "$after" -ge "$((before - 1))" ] && [ "$killed" -ge $((count / 2)) ]
