#!/bin/bash
# SPDX-License-Identifier: MIT
# xl is killed (-9) at random points of create and destroy, N=200 times; nothing may be left
# reads: N MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT SSH_PORT
set -u
. bench/own.sh
. bench/linux/lib.sh
. bench/linux/host/lib.sh
need all build/host-image/host.gz
B=build/soak/host-kill
host_start $B pasture
host_do "bash /root/kill.sh ${N:-200}" >$B/kill.txt 2>&1
status=$?
tail -n 4 $B/kill.txt | sed 's/^/host-kill: /'
if [ $status != 0 ]; then
	host_do 'xl list; xenstore-ls /local/domain; dmesg | tail -n 20' >$B/left.txt 2>&1
	kill "$machine"
	echo "host-kill: not as it should be: $B/kill.txt, $B/left.txt" >&2
	exit 1
fi
host_end host-kill
grep '^@end' "$log"
echo "All is well."
