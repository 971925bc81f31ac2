#!/bin/bash
# SPDX-License-Identifier: MIT
# CPUs of two stock Linux guests go off and on, 100 times (N=), beside work on all of them (VCPUS=4 GUESTS=2)
# reads: N GUESTS GUEST_MEM VCPUS KERNEL MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT WORDS
. bench/linux/lib.sh
KERNEL=${KERNEL:-$(kernel_of linux-image-cloud-amd64)} || exit 1
need build/linux/base.gz
export KERNEL VCPUS=${VCPUS:-4} GUESTS=${GUESTS:-2} GUEST_MEM=${GUEST_MEM:-256}
times=${N:-100}
dir=build/soak/linux-cpus
WORDS="times=$times ${WORDS-}" TIMEOUT=${TIMEOUT:-$((times * 30 + 300))} INITRD=build/linux/base.gz \
	build/harness linux JOB=cpus PLAIN=0 DIR=$dir
status=$?
done=$(grep -ac "@guest step name=cpus ok=1 cpus=$VCPUS times=$times\$" $dir/console.log)
quiet=$(grep -ac '@guest dmesg complaints=0 ' $dir/console.log)
echo "CPUs 1 to $((VCPUS - 1)) off and on $times times: $done of $GUESTS guests; dmesg without a complaint: $quiet"
[ $status = 0 ] && [ "$done" = "$GUESTS" ] && [ "$quiet" = "$GUESTS" ]
