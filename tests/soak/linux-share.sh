#!/bin/bash
# SPDX-License-Identifier: MIT
# eight stock Linux guests that share, with jobs that check themselves, at once (MINUTES=10 GUESTS=8 VCPUS=1)
# reads: MINUTES GUESTS VCPUS GUEST_MEM MEM CPUS CPU_MODEL ACCEL QEMU WORDS
. bench/linux/lib.sh
KERNEL=$(kernel_of linux-image-cloud-amd64) || exit 1
need build/linux/base.gz build/linux/files.gz build/linux/share-cloud-amd64.gz
export MINUTES=${MINUTES:-10} GUESTS=${GUESTS:-8} SHARING=1 KERNEL
dir=build/soak/linux-share
TIMEOUT=$((MINUTES * 60 * 2 + 900)) INITRD="build/linux/base.gz build/linux/files.gz build/linux/share-cloud-amd64.gz" \
	build/harness linux JOB=share-stress PLAIN=0 DIR=$dir
status=$?
# A guest that was never at it has not passed; its names are checked in each round.
grep -a '@guest step name=stress' $dir/console.log | sed 's/^/  /'
ran=$(grep -ac '@guest step name=stress ok=1 rounds=[1-9]' $dir/console.log)
names=$(grep -ac '@guest step name=names ok=1' $dir/console.log)
quiet=$(grep -ac '@guest dmesg complaints=0 ' $dir/console.log)
echo "no wrong byte, $MINUTES minutes: $ran of $GUESTS guests; names right: $names; dmesg without a complaint: $quiet"
grep -a '^@end' $dir/console.log
[ $status = 0 ] && [ "$ran" = "$GUESTS" ] && [ "$names" = "$GUESTS" ] && [ "$quiet" = "$GUESTS" ] &&
	grep -qa '^@end frames_lost=0 .*audit_errors=0' $dir/console.log
