#!/bin/bash
# SPDX-License-Identifier: MIT
# 8 guests of 4 vCPUs that share, break, grant, come and go, RUNS=3 times 10 minutes (MINUTES=); an operator kills more
# reads: MINUTES RUNS CPUS ACCEL QEMU CPU_MODEL APPEND PASTURE
set -u
. bench/machine.sh
export PASTURE=${PASTURE:-build/debug/pasture} APPEND="ctl=com2 ${APPEND-}"
minutes=${MINUTES:-10} cpus=${CPUS:-4}
until=$((minutes * 60000))
log=build/jobs/vcpus/console.log
mkdir -p build/soak
sock=build/soak/vcpus.sock
ctl="build/pasturectl -s $sock"

life() { # NAME GROUP: one after the other, until the time is over
	echo "domain name=$1 kernel=tumult.elf memory=8M vcpus=4 group=$2 repeat=$((minutes * 200)) cmdline=\"works=6000 until=$until\""
}

# In each second, more or less: a guest is killed and started again, or stopped for a while; now and then an audit.
operate() {
	local name round=0

	while kill -0 "$machine" 2>/dev/null && [ $(($(date +%s) - begun)) -lt $((minutes * 60)) ]; do
		round=$((round + 1)) name=t$((1 + RANDOM % 8))
		case $((RANDOM % 4)) in
		0) $ctl pause $name && $ctl unpause $name ;;
		1 | 2) $ctl destroy $name; $ctl start $name ;;
		*) [ $((round % 8)) != 0 ] || $ctl snapshot ;;
		esac >>build/soak/vcpus-operator.log 2>&1
		sleep 0.$((RANDOM % 10))
	done
	for name in t1 t2 t3 t4 t5 t6 t7 t8; do $ctl destroy $name; done >>build/soak/vcpus-operator.log 2>&1
}

run() {
	rm -f "$sock" build/soak/vcpus-operator.log "$log"
	begun=$(date +%s)
	{
		echo "domain name=by kernel=bystander.elf memory=8M group=h cmdline=\"ms=$until share=50\""
		for n in 1 2 3 4; do life t$n g; done
		for n in 5 6 7 8; do life t$n i; done
	} >build/soak/vcpus.list
	TIMEOUT=$((minutes * 120 + 300)) machine vcpus 384 "$cpus" -chardev socket,id=c,path="$sock",server=on,wait=off \
		-serial chardev:c <build/soak/vcpus.list >/dev/null &
	machine=$!
	operate
	wait $machine
	ended=$?
	awk '/tumult: [0-9]* works/ { lives++; works += $(NF - 5); pages += $(NF - 3) } /state=dead/ { ends++ }
		END { printf "vcpus: %d ends, %d of them in order: %d works, %d pages of others; ", ends, lives, works, pages }' "$log"
	echo "$(grep -c 'ok destroy' build/soak/vcpus-operator.log) kills by the operator; $(grep '^@end' "$log")"
	[ $ended = 0 ] && ! grep -q 'FAIL: \|Test result: FAILURE\|Test result: ERROR' "$log" &&
		grep -q 'by) Test result: SUCCESS' "$log" &&
		grep -q '^@end frames_lost=0 .*audit_errors=0 cross_group=0' "$log" &&
		! grep -q 'snapshot errors=[1-9]' build/soak/vcpus-operator.log ||
		{ echo "vcpus: not as it should be: $log"; exit 1; }
}

for ((n = 0; n < ${RUNS:-3}; n++)); do run; done
echo "All is well."
