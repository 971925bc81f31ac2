#!/bin/bash
# SPDX-License-Identifier: MIT
# the TSC's rate over N=50 boots beside BUSY=6 busy processes: within 0.1 % of each other
set -u
. bench/machine.sh
export PASTURE=${PASTURE:-build/debug/pasture}
count=${N:-50}
busy=()
for ((i = 0; i < ${BUSY:-6}; i++)); do
	while :; do :; done &
	busy+=($!)
done
trap 'kill "${busy[@]}"' EXIT
rates=build/soak/tsc
mkdir -p build/soak
for ((i = 0; i < count; i++)); do
	machine tsc 128 1 <<<"domain name=canary kernel=canary.elf memory=8M" |
		sed -n 's/^pasture: processors: .*TSC \([0-9]*\) kHz.*/\1/p'
done > $rates
sort -n $rates | awk -v n="$count" '{ v[NR] = $1 }
	END {
		ppm = NR ? (v[NR] - v[1]) / v[1] * 1e6 : 0
		printf "tsc: %d of %d boots, %d to %d kHz, spread %.0f ppm\n", NR, n, v[1], v[NR], ppm
		exit !(NR == n && ppm <= 1000)
	}' || exit 1
echo "All is well."
