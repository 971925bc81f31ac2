# SPDX-License-Identifier: MIT
# Sourced by dom0-init where there are drivers: PCI devices of the first domain.  Words of
# the command line:
#   disks=A,B..   disks to check, of virtio, nvme, ahci, usb: each has the file system that
#                 linux.mk makes
#   nets=A,B..    networks to check, of virtio, e1000e: each leads to QEMU's, which serves
#                 a file by TFTP and sends back what it is sent at 10.0.2.100, port 7
busybox --install -s /bin

load() {
	for m in "$@"; do
		grep -q "^$(echo "$m" | tr - _) " /proc/modules || insmod "/lib/modules/$m.ko" || return 1
	done
}

# drivers KIND: what it needs, each after what it needs itself.
drivers() {
	case $1 in
	virtio) load virtio_ring virtio virtio_pci_legacy_dev virtio_pci_modern_dev virtio_pci \
		virtio_blk failover net_failover virtio_net ;;
	nvme) load crct10dif_common crc-t10dif crc64 crc64-rocksoft t10-pi nvme-core nvme ;;
	ahci) load scsi_common scsi_mod crct10dif_common crc-t10dif crc64 crc64-rocksoft t10-pi sd_mod \
		libata libahci ahci ;;
	usb) load scsi_common scsi_mod crct10dif_common crc-t10dif crc64 crc64-rocksoft t10-pi sd_mod \
		usb-common usbcore xhci-hcd xhci-pci usb-storage ;;
	e1000e) load e1000e ;;
	esac
}

# disk_of KIND: which it is.  The disk of a USB controller comes after that of AHCI.
disk_of() {
	case $1 in
	virtio) echo vda ;;
	nvme) echo nvme0n1 ;;
	*)
		for d in /sys/block/sd*; do
			case $(readlink -f "$d") in
			*/usb*) [ "$1" = usb ] && echo "${d##*/}" ;;
			*/ata*) [ "$1" = ahci ] && echo "${d##*/}" ;;
			esac
		done
		;;
	esac
}

# Its files are as they were made; what is written is there when the disk is read again.
disk_check() {
	drivers "$1" || return 1
	i=0
	until disk=$(disk_of "$1") && [ -n "$disk" ] && [ -e "/dev/$disk" ]; do
		i=$((i + 1))
		[ $i -lt 600 ] || { echo "no disk of $1"; return 1; }
		usleep 100000
	done
	mount -t ext4 "/dev/$disk" /mnt || return 1
	(cd /mnt && sha256sum -c SUMS) || return 1
	dd if=/dev/urandom of=/mnt/made bs=64k count=64 2>/dev/null
	(cd /mnt && sha256sum made >MADE) && umount /mnt && sync
	blockdev --flushbufs "/dev/$disk"
	echo 3 >/proc/sys/vm/drop_caches
	mount -t ext4 "/dev/$disk" /mnt || return 1
	(cd /mnt && sha256sum -c SUMS && sha256sum -c MADE) || return 1
	umount /mnt
	echo "disk $disk: $(cat "/sys/block/$disk/stat")"
}

# net_of KIND: the interface whose driver it is.
net_of() {
	for n in /sys/class/net/*; do
		case $(readlink -f "$n/device/driver") in
		*/virtio_net) [ "$1" = virtio ] && echo "${n##*/}" ;;
		*/e1000e) [ "$1" = e1000e ] && echo "${n##*/}" ;;
		esac
	done
}

# Bytes in, whose sum is known from outside, and bytes out and back.
net_check() {
	drivers "$1" || return 1
	net=$(net_of "$1")
	[ -n "$net" ] || { echo "no network of $1"; return 1; }
	ifconfig "$net" 10.0.2.15 up || return 1
	i=0
	until [ "$(cat "/sys/class/net/$net/carrier")" = 1 ]; do
		i=$((i + 1))
		[ $i -lt 300 ] || { echo "$net has no carrier"; return 1; }
		usleep 100000
	done
	tftp -b 1400 -g -r served -l /tmp/served 10.0.2.2 || return 1
	[ "$(sha256sum </tmp/served)" = "$(cat /served.sum)" ] || { echo "other bytes"; return 1; }
	nc -w 20 10.0.2.100 7 </tmp/served >/tmp/back &
	i=0
	until cmp -s /tmp/served /tmp/back; do
		i=$((i + 1))
		[ $i -lt 300 ] || { ls -l /tmp/back; return 1; }
		usleep 100000
	done
	kill $! 2>/dev/null
	ifconfig "$net" | grep bytes
	ifconfig "$net" down
	rm /tmp/served /tmp/back
}

devices_steps() {
	load crc16 mbcache jbd2 crc32c_generic ext4
	mkdir -p /mnt
	for kind in $(echo "$disks" | tr , ' '); do
		step "disk-$kind" disk_check "$kind"
	done
	for kind in $(echo "$nets" | tr , ' '); do
		step "net-$kind" net_check "$kind"
	done
	[ ! -e /sys/class/rtc/rtc0 ] || echo "@dom0 clock: $(cat /sys/class/rtc/rtc0/date) $(cat /sys/class/rtc/rtc0/time)"
	grep -E 'pirq' /proc/interrupts | sed 's/^/@dom0 interrupts: /'
}
