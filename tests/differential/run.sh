#!/bin/bash
# SPDX-License-Identifier: MIT
# `make differential`: the numbered attacks of tests/boot/attack-abi on Pasture and, as
# the first domain, on Debian's Xen 4.17; their answers in one table.  Each difference
# has a line in explained.txt ("NAME PASTURE XEN why"); one without, or a
# line that no difference needs, is a failure.
. bench/guest.sh
. bench/own.sh
B=build/differential
own "$B"
rm -f "$B"/*.txt

answers() {
	sed -n 's/^.*ATTACK \([^ ]*\) \(-\?[0-9]*\).*$/\1 \2/p' "$1" | tr -d '\r'
}

on_pasture "$B/pasture.log" attack-abi.elf
END='ATTACKS END' on_xen "$B/xen.log" attack-abi.elf
answers "$B/pasture.log" >"$B/pasture.txt"
answers "$B/xen.log" >"$B/xen.txt"

awk '
FILENAME ~ /explained/ { if (!/^#/ && NF) { key = $1 " " $2 " " $3; $1 = $2 = $3 = ""; why[key] = $0 } next }
FILENAME ~ /pasture/ { order[++n] = $1; ours[$1] = $2; next }
{ theirs[$1] = $2 }
END {
	printf "%-36s %9s %9s   %s\n", "attack", "Pasture", "Xen 4.17", "verdicts"
	for (i = 1; i <= n; i++) {
		a = order[i]; key = a " " ours[a] " " theirs[a]; text = "same"
		if (!(a in theirs)) { text = "NOT REACHED on Xen"; bad++ }
		else if (ours[a] == theirs[a]) same++
		else if (key in why) { text = "differ:" why[key]; used[key] = 1; explained++ }
		else { text = "DIFFER, and nothing explains it"; bad++ }
		printf "%-36s %9s %9s   %s\n", a, ours[a], theirs[a], text
	}
	for (key in why) if (!(key in used)) { print "explained.txt: no such difference: " key; bad++ }
	printf "\n%d attacks: %d answers are the same, %d differ for a reason, %d open\n", n, same, explained, bad
	exit bad != 0 || n == 0
}' tests/differential/explained.txt "$B/pasture.txt" "$B/xen.txt"
