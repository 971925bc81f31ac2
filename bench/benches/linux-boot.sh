#!/bin/bash
# SPDX-License-Identifier: MIT
# instructions that Debian's generic kernel takes from its entry to power-off, here and on Xen
# reads: QEMU TIMEOUT MEM VCPUS
# QEMU counts them (-icount in its recording mode), hypervisor included; time asleep
# counts nothing.  On real Xen 4.17 the kernel is dom0 and so finds the machine's
# devices, which a guest of ours does not: the same with acpi=off pci=off bounds that.
. bench/linux/lib.sh
. bench/figure.sh
kernel=$(kernel_of linux-image-amd64) || exit 1
need build/linux/base.gz build/linux/xen.elf
dir=$B/linux-boot
export KERNEL=$kernel INITRD=build/linux/base.gz GUEST_MEM=256 GUESTS=1 CPU_MODEL=qemu64 TIMEOUT=${TIMEOUT:-1500}

entry=$(build/harness kernel "$kernel" $B/kernel.elf | sed -n 's/.*entry \([0-9a-f]*\).*/\1/p')
rm -f $B/kernel.elf
# No address is random in a PV kernel: the first run tells where it powers off.  Without
# ACPI to do it, Linux makes a halt of it, whose hypercall is the same.
build/harness linux JOB=symbol WORDS=symbol=xen_machine_ DIR=$dir/symbol PLAIN=0 \
	>$B/linux-boot.log 2>&1
address() {
	sed -n "s/.*@guest symbol \([0-9a-f]*\) . $1\$/\1/p" $dir/symbol/console.log
}
halt=$(address xen_machine_halt) power_off=$(address xen_machine_power_off)
[ -n "$halt" ] && [ -n "$power_off" ] ||
	{ echo "pasture: the kernel does not say where it powers off"; tail -n 5 $B/linux-boot.log; exit 1; }

# measure NAME END [WORD=VALUE...]: instructions from the entry to END; 0: it failed
measure() {
	local name=$1 end=$2

	shift 2
	echo "  counting: $name" >&2
	build/harness icount JOB=quick POINTS="entry=$entry end=$end" DIR="$dir/$name" "$@" \
		>"$B/linux-boot-$name.log" 2>&1 || { tail -n 3 "$B/linux-boot-$name.log" >&2; }
	awk '$1 == "point" { n[$2] = $3 } END { printf "%.0f\n", ("end" in n) ? n["end"] - n["entry"] : 0 }' \
		"$B/linux-boot-$name.log"
}
ours=$(measure pasture $halt VIA=pasture)
ours_bare=$(measure pasture-bare $halt VIA=pasture "WORDS=acpi=off pci=off")
xen=$(measure xen $power_off VIA=xen)
xen_bare=$(measure xen-bare $halt VIA=xen "WORDS=acpi=off pci=off")
ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { if (a && b) printf "%.4f", a / b; else printf "null" }'
}
r=$(ratio "$ours" "$xen") r_bare=$(ratio "$ours_bare" "$xen_bare")

printf '\n  %-44s %10s %12s\n' "millions of instructions, entry to power-off" "as it is" "no devices"
row() {
	awk -v n="$1" -v a="$2" -v b="$3" 'BEGIN { printf "  %-44s %10.1f %12.1f\n", n, a / 1e6, b / 1e6 }'
}
row "Pasture" "$ours" "$ours_bare"
row "Xen 4.17 (the kernel is dom0)" "$xen" "$xen_bare"
printf '  %-44s %10s %12s\n\n' "Pasture / Xen" "$r" "$r_bare"
figure_add instructions_pasture "$ours"
figure_add instructions_xen "$xen"
figure_add pasture_over_xen "$r"
figure_add instructions_pasture_no_devices "$ours_bare"
figure_add instructions_xen_no_devices "$xen_bare"
figure_add pasture_over_xen_no_devices "$r_bare"
figures_write linux-boot
plot linux-boot 640,400 <<PLOT
$bars
set title "Debian's generic kernel, from its entry to power-off"
set ylabel "millions of instructions"
set key top left
\$d << EOD
"as it is" $ours $xen
"acpi=off pci=off" $ours_bare $xen_bare
EOD
plot \$d using (\$2/1e6):xtic(1) title "Pasture", "" using (\$3/1e6) title "Xen 4.17, as dom0"
PLOT
[ "$ours" != 0 ] && [ "$xen" != 0 ] && [ "$ours_bare" != 0 ] && [ "$xen_bare" != 0 ]
