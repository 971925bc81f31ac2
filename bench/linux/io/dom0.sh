# SPDX-License-Identifier: MIT
# Sourced by dom0-init where there are back ends: disks and networks of guests.  Words
# of the command line:
#   disk=1     a guest with two disks, one of them with files, from birth to shutdown; a
#              third comes and goes
#   torn=1     one that is hostile, one whose disk goes, and one whose life ends, in
#              mid-request
#   net=1      two guests on a bridge with us, and a disk each, that share memory
busybox --install -s /bin
for m in loop xen-blkback crc16 mbcache jbd2 ext4 crc32c_generic; do
	insmod /lib/modules/$m.ko || echo "no $m"
done
# As udev makes them; the locks of the scripts look at one.
ln -s /proc/self/fd /dev/fd
ln -s /proc/self/fd/0 /dev/stdin
touch /var/log/xen/xen-hotplug.log

# disk_blank NAME MIB
disk_blank() {
	dd if=/dev/zero of="/tmp/$1.img" bs=1M count="$2" 2>/dev/null
}

# A file system with files and their sums.
disk_make() {
	disk_blank raw 8 && disk_blank later 8 && disk_blank files 12 || return 1
	mke2fs -F /tmp/files.img >/dev/null && mount -o loop -t ext2 /tmp/files.img /mnt || return 1
	dd if=/dev/urandom of=/mnt/data1 bs=1M count=2 2>/dev/null
	dd if=/dev/urandom of=/mnt/data2 bs=1000 count=77 2>/dev/null
	seq 1 30000 >/mnt/data3
	(cd /mnt && sha256sum data* >SUMS && cp SUMS /tmp/SUMS)
	umount /mnt
}

# What the guest left: its files and ours.
disk_look() {
	mount -o loop,ro -t ext2 /tmp/files.img /mnt || return 1
	(cd /mnt && cmp SUMS /tmp/SUMS && sha256sum -c -s SUMS && sha256sum -c -s MADE && cat last)
	result=$?
	umount /mnt
	return $result
}

# disk_guest NAME JOB
disk_guest() {
	xl create -q "$(guest "$1" /cloud 128 'ramdisk="/tmp/io"' \
		"disk=[ '/tmp/files.img,raw,xvda,w', '/tmp/raw.img,raw,xvdb,w' ]" \
		"extra=\"console=hvc0 quiet cryptomgr.notests job=$2\"")"
}

# Nothing of a guest that is gone: its name, its memory, its back ends, their files.
disk_nothing_left() {
	i=0
	until [ "$(xl list | wc -l)" = 2 ] && [ -z "$(losetup -a)" ] && [ -z "$(xenstore-list backend/vbd 2>/dev/null)" ]; do
		i=$((i + 1))
		[ $i -lt 300 ] || { xl list; losetup -a; xenstore-ls backend; return 1; }
		usleep 100000
	done
}

disk_life() {
	disk_make && disk_guest disk disk || return 1
	until_said disk "disk state=ready failed=none" || return 1
	xl block-list disk
	xl block-attach disk '/tmp/later.img,raw,xvdc,w' && until_said disk "disk later=checked" || return 1
	xl block-detach disk xvdc && until_said disk "disk later=gone" || return 1
	xl shutdown -w disk && until_said disk "Test result: SUCCESS" || return 1
	xl destroy disk && disk_nothing_left && disk_look
}

# again NAME TEXT: it says so once more than it has.
again() {
	said=/var/log/xen/console/guest-$1.log
	had=$(grep -c "$2" "$said")
	i=0
	until [ "$(grep -c "$2" "$said")" -gt "$had" ]; do
		i=$((i + 1))
		[ $i -lt 1200 ] || { tail -n 20 "$said"; return 1; }
		usleep 100000
	done
}

# A guest that attacks the back end, and ends with its requests under way, beside one
# that works on.  Then a back end goes while its guest waits for it, and the guest while
# its other back end works.
disk_torn() {
	disk_blank raw 8 && disk_blank later 8 && disk_blank files 8 && disk_guest torn busy || return 1
	until_said torn "busy state=good" || return 1
	xl create -q "$(guest hostile /hostile.elf 16 "disk=[ '/tmp/later.img,raw,xvda,w' ]")" || return 1
	until_said hostile "Test result: SUCCESS" && cat "$said" && again torn "busy state=good" || return 1
	xl debug-keys a
	xl destroy hostile && xl block-detach -f torn xvdb && again torn "busy state=good" || return 1
	xl destroy torn && disk_nothing_left
}

net_bridge() {
	for m in llc stp bridge xen-netback; do
		insmod /lib/modules/$m.ko || return 1
	done
	brctl addbr xenbr0 && ip addr add 10.0.0.1/24 dev xenbr0 && ip link set lo up && ip link set xenbr0 up || return 1
	nc -ll -p 5000 -e sha256sum &
}

# net_guest NAME NUMBER PEER FLOOD
net_guest() {
	disk_blank "$1" 8 && xl create -q "$(guest "$1" /cloud 128 'ramdisk="/tmp/shares"' 'seclabel="web"' \
		"disk=[ '/tmp/$1.img,raw,xvda,w' ]" "vif=[ 'mac=00:16:3e:00:00:0$2,bridge=xenbr0' ]" \
		"extra=\"console=hvc0 quiet cryptomgr.notests job=net address=10.0.0.$2 peer=10.0.0.$3 flood=$4 pasture=sleep_ms=250\"")"
}

# net_send HOST: it says the sum of what it got.
net_send() {
	dd if=/dev/urandom of=/tmp/send bs=1M count=2 2>/dev/null
	want=$(sha256sum </tmp/send)
	got=$(nc "$1" 5000 </tmp/send)
	echo "to $1: $got"
	[ "$want" = "$got" ]
}

net_life() {
	net_bridge && net_guest one 2 3 10.0.0.3 && net_guest two 3 2 || return 1
	until_said one "net state=ready failed=none" && until_said two "net state=ready failed=none" || return 1
	until_said one "share state=idle" && until_said two "share state=idle" || return 1
	net_send 10.0.0.2 && net_send 10.0.0.3 && xl network-list one && xl info | grep sharing || return 1
	xl network-attach two bridge=xenbr0 && until_said two "net later=there" || return 1
	xl network-detach two 1 && until_said two "net later=gone" || return 1
	xl debug-keys a
	xl destroy one && net_send 10.0.0.3 || return 1
	xl shutdown -w two && until_said two "Test result: SUCCESS" || return 1
	xl destroy two && disk_nothing_left
}

io_steps() {
	[ -z "$disk$torn" ] || zcat /cloud.gz /io.gz >/tmp/io
	[ -z "$disk" ] || step disk disk_life
	[ -z "$torn" ] || step torn disk_torn
	[ -z "$net" ] || zcat /cloud.gz /share.gz /io.gz >/tmp/shares
	[ -z "$net" ] || step net net_life
	[ -z "$failed" ] || cat /var/log/xen/xen-hotplug.log
}
