#!/bin/bash
# SPDX-License-Identifier: MIT
# In the first domain of a machine where a nanosecond is an instruction (-icount shift=0), for
# bench/benches/host.sh: lines "@bench NAME NUMBER".
#   create    ns from `xl create` until the guest's console asks for a login
#   destroy   ns that `xl destroy` takes
#   read      CPU time of all domains, in ns, for 4 KiB read by a guest past its caches
#   packet    the same for a packet of 1400 bytes, there or back
set -u
cpu() {
	python3 -c "import sys
sys.path.insert(0, '/usr/lib/xen-4.17/lib/python')
import xen.lowlevel.xc
print(sum(d['cpu_time'] for d in xen.lowlevel.xc.xc().domain_getinfo()))"
}
now() {
	echo $((${EPOCHREALTIME/./} * 1000))
}
say() {
	echo "@bench $*"
}
end() {
	say "$1"
	say end
	exit
}
logins() {
	grep -c 'login:' /var/log/xen/guest-guest1.log 2>/dev/null
}
# Neither of the two shares.
sed 's/host=guest1/& pasture=off/' /etc/xen/guest1.cfg >/tmp/guest.cfg
create() {
	local had i began

	had=$(logins) began=$(now)
	xl create -q /tmp/guest.cfg || end "fails create"
	for ((i = 0; $(logins) == ${had:-0}; i++)); do
		[ $i -lt 3000 ] || end "fails login"
		sleep 0.05
	done
	say create $(($(now) - began))
}
destroy() {
	local began

	began=$(now)
	xl destroy guest1 || end "fails destroy"
	say destroy $(($(now) - began))
}
# each NAME NUMBER PER COMMAND...: of COMMAND with three times NUMBER, less that with NUMBER; PER each.
each() {
	local name=$1 n=$2 per=$3 a b c

	shift 3
	a=$(cpu)
	"$@" $n >/dev/null 2>&1 || end "fails $name"
	b=$(cpu)
	"$@" $((3 * n)) >/dev/null 2>&1 || end "fails $name"
	c=$(cpu)
	say "$name" $(((c - b - (b - a)) / (2 * n * per)))
}
reads() {
	ssh 10.0.3.21 dd if=/dev/xvda of=/dev/null bs=4k iflag=direct count="$1"
}
packets() {
	ping -q -f -s 1400 -c "$1" 10.0.3.21
}
for life in 1 2 3; do
	create
	[ $life = 3 ] || destroy
done
for ((i = 0; i < 100; i++)); do
	! ssh 10.0.3.21 true 2>/dev/null || break
	sleep 1
done
each read 2000 1 reads
each packet 1000 2 packets
destroy
end all
