#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian's kernel and Xen tools as the first domain: what xenstored and xl say
# reads: MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT
. bench/own.sh
. bench/linux/lib.sh
need all build/linux/linux-generic.elf build/linux/dom0-cloud.gz
own build/jobs/dom0
log=build/jobs/dom0/console.log
mem=${MEM:-1024}
build/harness machine "$log" V=0 TIMEOUT="${TIMEOUT:-300}" -- -accel "${ACCEL:-tcg}" \
	-cpu "${CPU_MODEL:-qemu64}" -smp "${CPUS:-1}" -m "${mem}M" -kernel build/pasture \
	-append "exit=qemu dom0_mem=$((mem / 2))M com1=115200,8n1 console=com1" \
	-initrd "build/linux/linux-generic.elf console=hvc0 acpi=off pci=off initcall_blacklist=cmos_init job=tools cloud=1,build/linux/dom0-cloud.gz"
status=$?
sed -n 's/^(d0 dom0) @dom0 //p' "$log"
[ $status = 0 ] && grep -q '@dom0 end ok=1' "$log" || { echo "WRONG: see $log"; exit 1; }
echo "All is well."
