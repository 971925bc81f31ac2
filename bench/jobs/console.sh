#!/bin/bash
# SPDX-License-Identifier: MIT
# this terminal becomes the console of one Linux guest
# reads: KERNEL INITRD GUEST_MEM VCPUS MEM CPUS CPU_MODEL ACCEL QEMU WORDS
. bench/linux/lib.sh
[ -n "${KERNEL-}" ] || KERNEL=$(kernel_of linux-image-cloud-amd64) || exit 1
need build/linux/base.gz build/linux/files.gz
export KERNEL INITRD=${INITRD:-build/linux/base.gz build/linux/files.gz}
build/harness linux --interactive GUESTS=1 JOB=console DIR=build/linux/console
status=$?
case $status in
0 | 33) exit 0 ;; # QEMU's own way out; 33: the hypervisor ended well (hv/x86/exit.c)
*) exit $status ;;
esac
