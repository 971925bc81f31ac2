#!/bin/bash
# SPDX-License-Identifier: MIT
# GUESTS=100 guests of GUEST_MEM=48 MiB at once in a machine of MEM=8192 MiB, made by xl, each with a disk in use
# reads: GUESTS GUEST_MEM MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT SSH_PORT
set -u
. bench/own.sh
. bench/linux/lib.sh
. bench/linux/host/lib.sh
need all build/host-image/host.gz
B=build/soak/guests-at-once
MEM=${MEM:-8192} DOM0_MEM=1024 host_start $B pasture
host_do "bash /root/many.sh ${GUESTS:-100} ${GUEST_MEM:-48}" 2>&1 | tee $B/many.txt | sed -u 's/^/guests-at-once: /'
status=${PIPESTATUS[0]}
[ "$status" = 0 ] || { kill "$machine"; echo "guests-at-once: not all are there: $B/many.txt" >&2; exit 1; }
host_end guests-at-once
grep '^@end' "$log"
echo "All is well."
