#!/bin/bash
# SPDX-License-Identifier: MIT
# stock Linux guests side by side, each with a job (GUESTS= GUEST_MEM= KERNEL= INITRD= VIA=)
# reads: GUESTS GUEST_MEM KERNEL INITRD VIA JOB WORDS MINUTES PLAIN DIR MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT
. bench/linux/lib.sh
[ -n "${KERNEL-}" ] || KERNEL=$(kernel_of linux-image-cloud-amd64) || exit 1
if [ -z "${INITRD-}" ]; then
	need build/linux/base.gz build/linux/files.gz
	INITRD="build/linux/base.gz build/linux/files.gz"
fi
[ "${VIA-}" != xen ] || need build/linux/xen.elf
export KERNEL INITRD PLAIN=${PLAIN-1}
exec build/harness linux DIR="${DIR:-build/linux/run}"
