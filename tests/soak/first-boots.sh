#!/bin/bash
# SPDX-License-Identifier: MIT
# boots of the first domain through GRUB: pc and q35, by BIOS and by UEFI, two CPU models, N=20 in all
# reads: N MEM CPUS ACCEL QEMU TIMEOUT
# From one CD image with Debian's generic kernel as it is shipped.  Each time the kernel must find ACPI's root and route
# interrupts by it, and its Xen tools, a disk and two network cards work; it powers off, no frame is lost.
set -u
. bench/own.sh
. bench/linux/lib.sh
need build/pasture build/harness build/linux/vmlinuz build/linux/dom0-pci.gz
need build/linux/disk.img build/linux/served.sum
B=build/soak/first-boots
own "$B"
rm -rf "$B"/boot "$B"/*.log
mkdir -p "$B/boot/boot/grub"
cp build/pasture "$B/boot/boot/xen-pasture"
cp build/linux/vmlinuz "$B/boot/boot/vmlinuz"
cp build/linux/dom0-pci.gz "$B/boot/boot/initrd"
cat >"$B/boot/boot/grub/grub.cfg" <<'END'
set timeout=0
menuentry first-domain {
	multiboot2 /boot/xen-pasture placeholder exit=qemu com1=115200,8n1 console=com1 dom0_mem=400M dom0_max_vcpus=1
	module2 /boot/vmlinuz placeholder console=hvc0 cryptomgr.notests brief=1 disks=virtio nets=virtio,e1000e
	module2 --nounzip /boot/initrd
}
END
sh bench/iso.sh "$B/boot" "$B/boot.iso" || exit 1

# one MACHINE FIRMWARE CPU LOG
one() {
	local firmware=()

	[ "$2" = bios ] || firmware=(-bios /usr/share/ovmf/OVMF.fd)
	build/harness machine "$4" V=0 UNTIL="@end " TIMEOUT="${TIMEOUT:-300}" -- \
		-accel "${ACCEL:-tcg}" -cpu "$3" -smp "${CPUS:-2}" -m "${MEM:-768}" -machine "$1" "${firmware[@]}" \
		-cdrom "$B/boot.iso" -drive file=build/linux/disk.img,format=raw,if=none,snapshot=on,id=a \
		-device virtio-blk-pci,drive=a \
		-netdev user,id=n,tftp=build/linux/served,guestfwd=tcp:10.0.2.100:7-cmd:cat -device virtio-net-pci,netdev=n \
		-netdev user,id=m,tftp=build/linux/served,guestfwd=tcp:10.0.2.100:7-cmd:cat -device e1000e,netdev=m || return 1
	[ "$(grep -acE '@dom0 step name=(modules|store|init|consoled|disk-virtio|net-virtio|net-e1000e) ok=1' "$4")" = 7 ] &&
		grep -aq 'ACPI: RSDP 0x' "$4" && grep -aq 'ACPI: Using IOAPIC for interrupt routing' "$4" &&
		grep -aq '@dom0 end ok=1' "$4" && ! grep -aq '@dom0 complaint' "$4" &&
		grep -aq '^@end frames_lost=0 .*audit_errors=0' "$4"
}
count=${N:-20} good=0
for ((i = 0; i < count; i++)); do
	machine=$([ $((i & 1)) = 0 ] && echo pc || echo q35)
	firmware=$([ $((i & 2)) = 0 ] && echo bios || echo uefi)
	cpu=$([ $((i & 4)) = 0 ] && echo qemu64 || echo max)
	if one $machine $firmware $cpu "$B/$i.log"; then
		good=$((good + 1))
	else
		echo "first-boots: $machine by $firmware with $cpu failed: $B/$i.log"
	fi
done
echo "first-boots: $good of $count, pc and q35, by BIOS and by UEFI, with qemu64 and max"
[ $good = "$count" ] && echo "All is well."
