#!/bin/bash
# SPDX-License-Identifier: MIT
# DD1: 1,000 domains come, use every resource, and go; every frame must be back
# reads: CPUS CPU_MODEL ACCEL QEMU TIMEOUT APPEND PASTURE
set -u
. bench/machine.sh
log=build/jobs/create-destroy/console.log

TIMEOUT=${TIMEOUT:-900} machine create-destroy 256 "${CPUS:-2}" <<'END' >/dev/null
domain name=off kernel=dd-cycle.elf memory=8M group=g count=2 repeat=249
domain name=crash kernel=dd-cycle.elf memory=8M group=g count=2 repeat=249 cmdline="how=1"
END
ended=$?
lives=$(grep -c '^(d[0-9]* [a-z0-9]*) cycle done' $log)
gone=$(grep -c '^@dom .*state=dead' $log)
echo "create-destroy: $lives lives, $gone ends; $(grep '^@end' $log)"
[ $ended = 0 ] && [ "$lives" = 1000 ] && [ "$gone" = 1000 ] &&
	grep -q '^@end frames_lost=0 .*audit_errors=0 cross_group=0 crashed=500' $log ||
	{ echo "create-destroy: not as it should be: $log"; exit 1; }
echo "All is well."
