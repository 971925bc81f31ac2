#!/bin/bash
# SPDX-License-Identifier: MIT
# boots of the stock Linux kernel in a row, on two CPU models (N=100 GUEST_MEM=128 VCPUS=1 SHARING=0)
# reads: N KERNEL GUEST_MEM VCPUS VIA SHARING MEM CPUS ACCEL QEMU TIMEOUT WORDS
# Each must reach user space, do a short job, leave a clean kernel log, power off, and
# lose no frame.  SHARING=1: pasture.ko is loaded first of all.
. bench/linux/lib.sh
KERNEL=${KERNEL:-$(kernel_of linux-image-cloud-amd64)} || exit 1
need build/linux/base.gz
[ "${VIA-}" != xen ] || need build/linux/xen.elf
export KERNEL INITRD=build/linux/base.gz SHARING=${SHARING:-0}
[ "$SHARING" = 0 ] || {
	need build/linux/share-cloud-amd64.gz
	INITRD+=" build/linux/share-cloud-amd64.gz"
}
count=${N:-100} good=0
models=(qemu64 max)
declare -A per=([qemu64]=0 [max]=0)
root=build/soak/linux-boot
mkdir -p $root
for ((i = 0; i < count; i++)); do
	model=${models[i % 2]}
	if CPU_MODEL=$model build/harness linux GUESTS=1 JOB=quick PLAIN=0 TIMEOUT="${TIMEOUT:-60}" \
		DIR=$root/run >$root/log 2>&1; then
		good=$((good + 1))
		per[$model]=$((per[$model] + 1))
	else
		echo "boot $((i + 1)) ($model) failed:"
		grep -a 'WRONG\|pasture:' $root/log | sed 's/^/  /'
		cp $root/run/console.log "$root/failed-$((i + 1)).log"
		echo "  console: $root/failed-$((i + 1)).log"
	fi
	[ $(((i + 1) % 10)) != 0 ] || echo "  $good of $((i + 1)) boots"
done
echo "user space reached and clean power-off: $good of $count (qemu64 ${per[qemu64]}, max ${per[max]})"
[ $good = "$count" ]
