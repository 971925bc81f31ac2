#!/bin/bash
# SPDX-License-Identifier: MIT
# `make host`: the machine, and a shell in it; or CMD='...', its output and its status.
. bench/own.sh
. bench/linux/host/lib.sh
hypervisor=${T:-pasture}
if [ "$hypervisor" = list ]; then
	printf '%-16s %s\n' pasture "the default" xen "Debian's Xen 4.17, the same image"
	exit
fi
[ "$hypervisor" = pasture ] || [ "$hypervisor" = xen ] ||
	host_fail "T=$hypervisor: wanted xen, or nothing: 'make host' is Pasture"
[ "$hypervisor" != xen ] || make -s --no-print-directory T= build/linux/xen.elf || exit 1
[ -n "${CMD-}" ] || [ -t 0 ] || host_fail "no terminal for a shell; name a command: CMD='xl list'"
[ -n "${CMD-}" ] || echo "pasture: booting Debian on $hypervisor, half a minute; its console: build/host/console.log"
host_start build/host "$hypervisor"
if [ -n "${CMD-}" ]; then
	host_do "$CMD"
else
	echo "pasture: further shells: ssh -p $port -i $key root@127.0.0.1"
	echo "pasture: try 'xl create /etc/xen/guest1.cfg', 'xl console guest1'; the end of this shell is the machine's"
	tty=1 host_do
fi
status=$?
host_stop || { echo "pasture: the hypervisor did not end well: $log" >&2; status=1; }
exit $status
