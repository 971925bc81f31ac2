#!/bin/bash
# SPDX-License-Identifier: MIT
# DD8, DD11: domains come and go for 10 minutes (MINUTES=) beside one that names them in every call
# reads: MINUTES ACCEL QEMU CPU_MODEL APPEND PASTURE
set -u
. bench/machine.sh
minutes=${MINUTES:-10}

# $1 processors: half of the time.
half() {
	local log=build/jobs/births-$1/console.log

	TIMEOUT=$((minutes * 60 + 300)) machine "births-$1" 256 "$1" <<END >/dev/null
domain name=by kernel=bystander.elf memory=8M group=h cmdline="ms=1500 share=50"
domain name=caller kernel=births.elf memory=8M group=g cmdline="ms=$((minutes * 30000))"
domain name=v kernel=births-victim.elf memory=8M repeat=$((minutes * 1500)) group=g
END
	ended=$?
	echo "births, $1 CPUs: $(grep -c '^@dom .*state=dead' "$log") ends; $(grep -o 'births: .*' "$log"); $(grep '^@end' "$log")"
	[ $ended = 0 ] && grep -q 'caller) Test result: SUCCESS' "$log" &&
		grep -q '^@end frames_lost=0 .*audit_errors=0 cross_group=0 crashed=0' "$log" ||
		{ echo "births: not as it should be: $log"; exit 1; }
}

half 2
half 4
echo "All is well."
