#!/bin/bash
# SPDX-License-Identifier: MIT
# stock Linux guests side by side, sharing memory, each with a job (GUESTS= SHARING=0 PEER=ksm KERNEL= INITRD= VIA=)
# reads: GUESTS GUEST_MEM VCPUS SHARING OVERCOMMIT LEAN TWICE PEER KERNEL INITRD VIA JOB WORDS MINUTES PLAIN DIR
# reads: MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT
. bench/linux/lib.sh
# The module is for the default kernel.
[ -z "${KERNEL-}${INITRD-}" ] || SHARING=${SHARING-0}
[ "${VIA:-pasture}" = pasture ] || SHARING=${SHARING-0}
export SHARING=${SHARING-1}
[ -n "${KERNEL-}" ] || KERNEL=$(kernel_of linux-image-cloud-amd64) || exit 1
if [ -z "${INITRD-}" ]; then
	need build/linux/base.gz build/linux/files.gz
	INITRD="build/linux/base.gz build/linux/files.gz"
	if [ "$SHARING" = 1 ]; then
		need build/linux/share-cloud-amd64.gz
		INITRD="$INITRD build/linux/share-cloud-amd64.gz"
		# The same RAM disk for all.
		[ -z "${PEER-}" ] || { need build/linux/virtio.gz && INITRD="$INITRD build/linux/virtio.gz"; }
	fi
fi
[ "${VIA-}" != xen ] || need build/linux/xen.elf
export KERNEL INITRD PLAIN=${PLAIN-1}
dir=${DIR:-build/linux/run}
[ -n "${PEER-}" ] || exec build/harness linux DIR="$dir"
build/harness linux DIR="$dir" || exit
exec sh bench/linux/picture.sh "$dir"
