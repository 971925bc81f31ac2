#!/bin/bash
# SPDX-License-Identifier: MIT
# two guests share pages and print what their own trace buffers say
# reads: CPUS CPU_MODEL ACCEL QEMU TIMEOUT APPEND PASTURE
set -u
. bench/machine.sh
log=build/jobs/trace/console.log

machine trace 64 "${CPUS:-1}" > >(sed -u '/^@trace/!{/^@/d}') <<'END'
domain name=one group=g kernel=trace.elf memory=8M
domain name=two group=g kernel=trace.elf memory=8M
END
ended=$?
wait $!	# for sed
[ $ended = 0 ] || { echo "trace: the machine did not end well: $log"; exit 1; }

wrong() {
	echo "WRONG: $1 ($log)"
	exit 1
}
for name in one two; do
	for event in built offer break unshare drop; do
		grep -qE "^\(d[0-9]+ $name\) .* ms  $event" "$log" ||
			wrong "$name printed no $event event"
	done
	grep -qE "^\(d[0-9]+ $name\) [0-9]+ records read, 0 lost" "$log" ||
		wrong "$name lost events"
done
for event in dying unhooked pages freed; do
	[ "$(grep -cE "^@trace .* event=$event " "$log")" = 2 ] ||
		wrong "no $event event of each domain"
done
grep -q '^@end frames_lost=0 .* audit_errors=0 ' "$log" ||
	wrong "frames were lost or the audit found errors"
echo "All is well."
