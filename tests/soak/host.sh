#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian as first domain and GUESTS=2 guests on disks (2 to 8, an even number): dpkg, tar, fio --verify, iperf3
# between pairs, while they share (SECONDS_EACH=60)
# reads: GUESTS SECONDS_EACH MEM CPUS CPU_MODEL ACCEL QEMU TIMEOUT SSH_PORT
set -u
. bench/own.sh
. bench/linux/lib.sh
. bench/linux/host/lib.sh
need all build/host-image/host.gz
B=build/soak/host each=${SECONDS_EACH:-60} guests=${GUESTS:-2}
[[ $guests =~ ^[2468]$ ]] || { echo "host: GUESTS=$guests: wanted an even number from 2 to 8" >&2; exit 2; }
fail() {
	echo "host: $*; see $log" >&2
	kill "$machine"
	exit 1
}
# What `make host CMD=` hands on: output and status.
said=$(T= CMD='xl list | wc -l; exit 7' bash bench/linux/host/run.sh)
status=$?
log=build/host/console.log
[ $status = 7 ] && [ "$said" = 2 ] || { echo "host: CMD= gave status $status and '$said'; see $log" >&2; exit 1; }
said=$(T=xen CMD='xl info | grep -c "xen_version.*4.17.[0-9]"' bash bench/linux/host/run.sh) && [ "$said" = 1 ] ||
	{ echo "host: T=xen CMD= gave status $? and '$said'; see $log" >&2; exit 1; }
MEM=${MEM:-$((640 + 192 * guests))} DISKS=$((guests + 1)) host_start $B pasture

# guest NUMBER COMMAND
guest() {
	host_do "ssh 10.0.3.2$1 '$2'"
}
# Those that the image has no file of are like the first.
for ((n = 3; n <= guests; n++)); do
	disk=$(printf "vd\\x$((61 + n))")
	host_do "sed 's/guest1/guest$n/g; s/10\.0\.3\.21/10.0.3.2$n/; s/:00:01/:00:0$n/; s/vdb/$disk/' /etc/xen/guest1.cfg >/etc/xen/guest$n.cfg"
done
for ((n = 1; n <= guests; n++)); do
	host_do "xl create /etc/xen/guest$n.cfg" >$B/create$n.txt 2>&1 || fail "xl create: $(tail -n 1 $B/create$n.txt)"
done
for ((n = 1; n <= guests; n++)); do
	began=$SECONDS
	until guest $n true 2>/dev/null; do
		[ $((SECONDS - began)) -lt 900 ] || fail "guest$n does not answer: $(host_do "tail -n 3 /var/log/xen/guest-guest$n.log")"
		sleep 2
	done
	[ "$(guest $n 'findmnt -n -o SOURCE /')" = /dev/xvda ] || fail "guest$n is not on its disk"
done
echo "host: $guests guests are up, each on its disk"

# All at once, by files: what they do, and whether it was right.
all() {
	local name=$1 n pids=()

	for ((n = 1; n <= guests; n++)); do
		guest $n "$2" >"$B/$name$n.txt" 2>&1 &
		pids+=($!)
	done
	for ((n = 1; n <= guests; n++)); do
		wait "${pids[n - 1]}" || fail "$name in guest$n: $(tail -n 2 "$B/$name$n.txt")"
		echo "host: guest$n $name: $(tail -n 1 "$B/$name$n.txt")"
	done
}
want=$(host_do 'sh /root/load.sh sums') && [ ${#want} -gt 60 ] || fail "the first domain's own files cannot be read"
all sums 'sh /root/load.sh sums'
for ((n = 1; n <= guests; n++)); do
	[ "$(tail -n 1 $B/sums$n.txt)" = "$want" ] || fail "guest$n reads other files than the first domain"
done
all packages 'sh /root/load.sh packages'
all again 'sh /root/load.sh again'
# Between pairs.
for ((n = 2; n <= guests; n += 2)); do
	guest $n 'sh /root/load.sh serve'
	guest $((n - 1)) "sh /root/load.sh fetch 10.0.3.2$n" >$B/fetch$n.txt 2>&1 ||
		fail "sendfile from guest$n: $(tail -n 1 $B/fetch$n.txt)"
	echo "host: guest$n to guest$((n - 1)) by sendfile: $(tail -n 1 $B/fetch$n.txt)"
done
nets=()
for ((n = 2; n <= guests; n += 2)); do
	guest $n 'iperf3 -s -D' || fail "no iperf3 in guest$n"
	guest $((n - 1)) "sh /root/load.sh net 10.0.3.2$n $each" >$B/net$n.txt 2>&1 &
	nets+=($!)
done
all disk "sh /root/load.sh disk $each"
for ((n = 2; n <= guests; n += 2)); do
	wait "${nets[n / 2 - 1]}" || fail "iperf3: $(tail -n 1 $B/net$n.txt)"
	echo "host: guest$((n - 1)) to guest$n: $(tail -n 1 $B/net$n.txt)"
done
all share 'sh /root/load.sh share'
host_do 'xl info' >$B/info.txt
freed=$(sed -n 's/^sharing_freed_memory *: *//p' $B/info.txt)
[ "${freed:-0}" -ge 10 ] || fail "only ${freed:-0} MiB are saved"
host_do 'dmesg; for n in '"$(seq -s ' ' $guests)"'; do ssh 10.0.3.2$n dmesg; done' >$B/dmesg.txt
complaint=$(grep -m 1 -E 'WARNING|BUG|Oops|Call Trace|I/O error|EXT4-fs error' $B/dmesg.txt) && fail "a kernel complains: $complaint"
# One while it works, the others at rest.
guest 1 'sh /root/load.sh disk 60' >/dev/null 2>&1 &
sleep 5
for ((n = 1; n <= guests; n++)); do
	host_do "xl destroy guest$n" || fail "xl destroy guest$n"
done
[ "$(host_do 'xl list' | wc -l)" = 2 ] || fail "a guest is left"
host_do 'xl debug-keys a; sleep 1'
host_end host
echo "host: dpkg, tar, sums, fio --verify and iperf3 without an error, $freed MiB saved meanwhile; frames lost 0, audit errors 0"
echo "All is well."
