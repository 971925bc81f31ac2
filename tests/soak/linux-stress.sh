#!/bin/bash
# SPDX-License-Identifier: MIT
# stress-ng with --verify in two stock Linux guests at once (MINUTES=5 GUESTS=2 GUEST_MEM=256 VCPUS=1)
# reads: MINUTES GUESTS GUEST_MEM VCPUS KERNEL VIA MEM CPUS CPU_MODEL ACCEL QEMU WORDS
. bench/linux/lib.sh
KERNEL=${KERNEL:-$(kernel_of linux-image-cloud-amd64)} || exit 1
need build/linux/base.gz build/linux/stress.gz
[ "${VIA-}" != xen ] || need build/linux/xen.elf
export MINUTES=${MINUTES:-5} GUESTS=${GUESTS:-2} GUEST_MEM=${GUEST_MEM:-256} KERNEL
dir=build/soak/linux-stress
TIMEOUT=$((MINUTES * 60 * 2 + 300)) INITRD="build/linux/base.gz build/linux/stress.gz" \
	build/harness linux JOB=stress PLAIN=0 DIR=$dir
status=$?
# A guest whose stress-ng did not run at all has not passed.
ran=$(grep -ac '@guest stress_end status=0' $dir/console.log)
wanted=$GUESTS
[ "${VIA:-pasture}" = pasture ] || wanted=1
grep -a 'stress .*\(successful\|failed\|metrc.*[0-9]$\)' $dir/console.log | sed 's/^/  /' | cut -c 1-110
echo "stress-ng without a failure, with --verify, $MINUTES minutes: $ran of $wanted guests"
[ $status = 0 ] && [ "$ran" = "$wanted" ]
