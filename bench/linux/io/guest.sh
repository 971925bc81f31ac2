# SPDX-License-Identifier: MIT
# Sourced by init where there are xen-blkfront and xen-netfront.
#   job=disk   xvda is a file system with sums, xvdb is raw; disks that come later are
#              checked while they are there; until a shutdown is asked for
#   job=steer  tells of its CPUs and memory when they change, and what is typed; until a
#              shutdown or a reboot is asked for
#   job=busy   two raw disks in use to the end
#   job=net    from address=A to peer=B and to the first domain, beside a raw disk and, where
#              there is pasture.ko, sharing

# io_wait COMMAND...: until it is true, for a minute and more of a quiet machine.
io_wait() {
	i=0
	until "$@"; do
		i=$((i + 1))
		[ $i -lt 3000 ] || { echo "waited in vain: $*"; return 1; }
		usleep 50000
	done
}

# Sums hold from the disk itself, not from what is in memory.
io_sums() {
	echo 3 >/proc/sys/vm/drop_caches
	(cd /mnt && sha256sum -c -s "$1")
}

# What the first domain wrote is there; what is written here is there when it is read
# again, and the first domain will look at it.
disk_files() {
	mount -t ext2 /dev/xvda /mnt && io_sums SUMS || return 1
	mkdir -p /mnt/made || return 1
	for f in /mnt/data*; do
		made=/mnt/made/${f##*/}
		gzip -1 <"$f" >"$made.gz" && cp "$f" "$made" || return 1
	done
	(cd /mnt && sha256sum made/* >MADE)
	umount /mnt && mount -t ext2 /dev/xvda /mnt && io_sums MADE && io_sums SUMS || return 1
	wc -l </mnt/MADE
}

disk_raw() {
	diskcheck "$1" 8 4 "${operations:-40}"
}

# A disk that xl attaches to a running guest, and takes away.
disk_later() {
	if [ -z "$later" ] && [ -b /dev/xvdc ]; then
		later=1
		say "disk later=began"
		step later disk_raw /dev/xvdc
		say "disk later=checked"
	elif [ -n "$later" ] && [ ! -b /dev/xvdc ]; then
		later=
		say "disk later=gone"
	fi
}

disk_job() {
	insmod /lib/xen-blkfront.ko || return 1
	io_wait test -b /dev/xvda && io_wait test -b /dev/xvdb || return 1
	step files disk_files
	step raw disk_raw /dev/xvdb
	say "disk state=ready failed=${failed:-none}"
	later=
	until [ -e /tmp/shutdown ]; do
		disk_later
		usleep 100000
	done
	echo "the last" >/mnt/last && umount /mnt || return 1
	say "disk state=down"
}

# net_sum HOST: what that host says the sum of our bytes is.
net_sum() {
	nc "$1" 5000 </tmp/send
}

# net_send HOST TIMES
net_send() {
	n=0
	while [ $n -lt "$2" ]; do
		dd if=/dev/urandom of=/tmp/send bs=1M count=2 2>/dev/null
		want=$(sha256sum </tmp/send)
		got=$(net_sum "$1")
		[ "$want" = "$got" ] || { echo "$1 got $got, not $want"; return 1; }
		n=$((n + 1))
	done
	echo "to $1: $n times 2 MiB"
}

net_up() {
	io_wait test -e /sys/class/net/eth0 || return 1
	ip addr add "$address/24" dev eth0 && ip link set lo up && ip link set eth0 up || return 1
	nc -ll -p 5000 -e sha256sum &
	io_wait ping -c 1 -W 1 "$peer" && ping -c 3 10.0.0.1 | tail -n 2
}

# An interface that xl attaches to a running guest, and takes away.
net_later() {
	if [ -z "$later" ] && [ -e /sys/class/net/eth1 ]; then
		later=1
		say "net later=there"
	elif [ -n "$later" ] && [ ! -e /sys/class/net/eth1 ]; then
		later=
		say "net later=gone"
	fi
}

# Two disks in use to the end; xvda must stay good whatever becomes of xvdb.
busy_job() {
	insmod /lib/xen-blkfront.ko || return 1
	io_wait test -b /dev/xvda && io_wait test -b /dev/xvdb || return 1
	diskcheck /dev/xvdb 8 4 1000000 &
	say "busy state=began"
	while diskcheck /dev/xvda 8 4 10; do
		say "busy state=good"
	done
	return 1
}

net_job() {
	insmod /lib/xen-blkfront.ko && insmod /lib/xen-netfront.ko || return 1
	! shares || step share share_load || return 1
	step up net_up
	io_wait test -b /dev/xvda || return 1
	(disk_raw /dev/xvda >/tmp/raw.log 2>&1; echo $? >/tmp/raw) &
	step peer net_send "$peer" 2
	step first net_send 10.0.0.1 1
	step disk io_wait test -e /tmp/raw
	[ "$(cat /tmp/raw)" = 0 ] || failed="$failed raw"
	! shares || share_say idle
	say "net state=ready failed=${failed:-none} $(cat /tmp/raw.log)"
	later=
	until [ -e /tmp/shutdown ]; do
		net_later
		[ -z "$flood" ] || net_send "$flood" 1 >/dev/null
		usleep 100000
	done
	! shares || step names [ "$(share_number names_wrong)" = 0 ]
}

# CPUs that come are taken into use, as udev's rules do it.
steer_cpus() {
	for f in /sys/devices/system/cpu/cpu*/online; do
		read -r on <"$f" && [ "$on" = 1 ] || echo 1 >"$f"
	done 2>/dev/null
}

steer_job() {
	while read -r line; do
		say "steer heard=$line"
	done </dev/console &
	was=
	until [ -e /tmp/shutdown ]; do
		steer_cpus
		read -r kb <$xen/info/current_kb
		is="cpus=$(grep -c ^processor /proc/cpuinfo) mib=$((kb / 1024))"
		[ "$is" = "$was" ] || say "steer $is"
		was=$is
		usleep 500000
	done
	[ "$(cat /tmp/shutdown)" != reboot ] || { say "steer reboots"; reboot -f; }
}
