#!/bin/bash
# SPDX-License-Identifier: MIT
# GRUB for Xen as a guest: it boots Debian's kernel from its memory disk
# reads: GUEST_MEM MEM CPUS CPU_MODEL ACCEL QEMU WORDS TIMEOUT
. bench/linux/lib.sh
need build/linux/grub.elf build/linux/base.gz
export KERNEL=build/linux/grub.elf INITRD=build/linux/base.gz
exec build/harness linux GUESTS=1 JOB=quick PLAIN=0 GUEST_MEM="${GUEST_MEM:-384}" DIR=build/linux/grub
