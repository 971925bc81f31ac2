#!/bin/sh
# SPDX-License-Identifier: MIT
# In a Debian guest whose root file system is a disk: load.sh WHAT; 0: all of it was right.
#   sums       of what the image has, in one number: the same wherever the image is read
#   packages   dpkg installs, checks and removes packages; tar packs a tree and unpacks the same
#   disk N     fio writes, reads and verifies for N seconds
#   net HOST N iperf3 to there for N seconds
#   serve      send a file by sendfile to all who come to port 7000
#   fetch HOST from there, five times, and it comes as it is
#   again      files that are read again and again come to stay in the cache
#   share      what pasture.ko says
set -u
forget() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
}

sums() {
	forget
	cd / && find usr/bin usr/sbin usr/lib/xen-4.17 -type f | LC_ALL=C sort | xargs sha256sum | sha256sum
}

packages() {
	dpkg -i /var/cache/debs/*.deb >/tmp/dpkg.log || { tail -n 3 /tmp/dpkg.log; return 1; }
	forget
	names=$(for f in /var/cache/debs/*.deb; do dpkg-deb -f "$f" Package; done)
	for p in $names; do
		# What the image leaves out of each package is missing here, too.
		dpkg -V "$p" | grep -v ' /usr/share/\(man\|doc\|locale\|info\)/' && { echo "$p is not as it was packed"; return 1; }
	done
	tar -C /usr -c bin >/tmp/t.tar && mkdir -p /tmp/t && tar -C /tmp/t -x -f /tmp/t.tar && forget &&
		diff -r --no-dereference /usr/bin /tmp/t/bin || return 1
	rm -r /tmp/t /tmp/t.tar
	# shellcheck disable=SC2086
	dpkg --purge $names >/tmp/dpkg.log || { tail -n 3 /tmp/dpkg.log; return 1; }
	echo "$(echo "$names" | wc -l) packages, $(ls /usr/bin | wc -l) files"
}

# All that is written is read and compared, again and again until the time is over.
disk() {
	end=$(($(date +%s) + $1)) rounds=0
	until [ $rounds != 0 ] && [ "$(date +%s)" -ge $end ]; do
		fio --name=v --filename=/tmp/fio --size=12m --rw=randwrite --bsrange=512-64k --ioengine=libaio --direct=1 \
			--iodepth=8 --verify=crc32c --verify_fatal=1 --randseed=$rounds >/tmp/fio.log 2>&1
		status=$?
		[ $status = 0 ] || { dmesg | tail -n 5; tail -n 3 /tmp/fio.log; echo "fio: status $status"; return 1; }
		grep -q 'err= 0' /tmp/fio.log && grep -q ' READ: .* io=12.*MiB' /tmp/fio.log ||
			{ grep -E 'err=|READ:' /tmp/fio.log; echo "fio did not verify all"; return 1; }
		rounds=$((rounds + 1))
	done
	rm -f /tmp/fio
	echo "fio --verify: $rounds times 12 MiB"
}

net() {
	iperf3 -c "$1" -t "$2" >/tmp/iperf.log 2>&1 || { tail -n 2 /tmp/iperf.log; return 1; }
	grep receiver /tmp/iperf.log
}

served=/usr/bin/perl
serve() {
	cat $served >/dev/null
	setsid perl -MIO::Socket -e '
		$s = IO::Socket::INET->new(LocalPort => 7000, Listen => 5, ReuseAddr => 1) or die;
		while ($c = $s->accept) {
			open F, "<", $ARGV[0];
			for ($left = -s F; $left > 0; $left -= $n) {
				$n = syscall(40, fileno $c, fileno F, 0, $left);
				last if $n <= 0;
			}
			close $c;
		}' $served >/dev/null 2>&1 </dev/null &
}

# Its pages are granted as they are while it is sent: shared ones, too.
fetch() {
	for i in 1 2 3 4 5; do
		sleep 2
		timeout 300 bash -c "cat </dev/tcp/$1/7000 >/tmp/got"
		cmp $served /tmp/got || { echo "the ${i}th time $(stat -c %s /tmp/got) bytes came"; return 1; }
	done
	echo "5 times $(stat -c %s $served) bytes, as they are"
}

# In KiB, from the disk.
bin_read() {
	before=$(sed -n 's/^pgpgin //p' /proc/vmstat)
	find /usr/bin -type f | xargs cat >/dev/null
	echo $(($(sed -n 's/^pgpgin //p' /proc/vmstat) - before))
}

again() {
	forget
	first=$(bin_read) last=$first i=1
	until [ "$last" -lt $((first / 10)) ] || [ $i = 12 ]; do
		sleep 2
		last=$(bin_read) i=$((i + 1))
	done
	echo "of $first KiB of files $last were read anew the ${i}th time, $(cat /sys/kernel/pasture/balloon/cache) pages kept for them"
	[ "$last" -lt $((first / 10)) ]
}

share() {
	cd /sys/kernel/pasture || return 1
	echo "sharing=$(cat pages_sharing) breaks=$(cat breaks) names_wrong=$(cat names_wrong)"
	[ "$(cat names_wrong)" = 0 ] && [ "$(cat pages_sharing)" -gt 0 ]
}

"$@"
