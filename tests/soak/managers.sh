#!/bin/bash
# SPDX-License-Identifier: MIT
# libvirt's Xen driver and Ganeti's xen-pvm, as Debian has them, in the first domain: guests come, change and go
# reads: MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT SSH_PORT
set -u
. bench/own.sh
. bench/linux/lib.sh
. bench/linux/host/lib.sh
need all build/host-image/host.gz build/host-image/managers.img
B=build/soak/managers
IMAGE=managers MEM=${MEM:-1280} host_start $B pasture
try() {
	local name=$1 with=$2 file=$3
	host_do "cat >/tmp/$file && $with /tmp/$file </dev/null" <"tests/soak/managers/$file" >$B/$name.txt 2>&1
	local status=$?
	sed "s/^/managers: /" $B/$name.txt | grep "managers: $name:"
	[ $status = 0 ] || {
		host_do 'xl list; xl dmesg | tail; tail -n 30 /var/log/libvirt/libxl/*.log /var/log/xen/xl-*' >$B/left.txt 2>&1
		kill "$machine"
		echo "managers: $name: $(tail -n 1 $B/$name.txt); $B/$name.txt, $B/left.txt" >&2
		exit 1
	}
}
try libvirt bash libvirt.sh
try ganeti python3 ganeti.py
host_do dmesg >$B/dmesg.txt || { kill "$machine"; echo "managers: no dmesg of the first domain" >&2; exit 1; }
complaint=$(grep -m 1 -E 'WARNING|BUG|Oops|Call Trace' $B/dmesg.txt) &&
	{ kill "$machine"; echo "managers: a kernel complains: $complaint" >&2; exit 1; }
host_do 'xl debug-keys a && sleep 1' || { kill "$machine"; echo "managers: no audit" >&2; exit 1; }
host_end managers
echo "managers: frames lost 0, audit errors 0"
echo "All is well."
