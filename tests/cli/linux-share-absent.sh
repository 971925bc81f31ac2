# SPDX-License-Identifier: MIT
# pasture.ko where there is nothing for it: a kernel without a hypervisor, and as dom0 of Debian's Xen
# where that is unpacked already.  It says so in one line, does not load, and harms nothing.
. bench/linux/lib.sh
kernel=$(kernel_of linux-image-cloud-amd64) || exit 77
need build/linux/base.gz build/linux/share-cloud-amd64.gz
absent() { # VIA TEXT
	"$harness" linux VIA=$1 JOB=share-absent SHARING=1 KERNEL="$kernel" TIMEOUT=200 DIR="$work/$1" \
		INITRD="build/linux/base.gz build/linux/share-cloud-amd64.gz" >"$work/out" 2>&1 ||
		fail "$1: $(tail -n 5 "$work/out")"
	grep -aq "@guest reason $2" "$work/$1/console.log" || fail "$1: it does not say: $2"
	grep -aq '@guest dmesg complaints=0' "$work/$1/console.log" || fail "$1: complaints"
}
absent plain "not a Xen PV guest: nothing to do"
if [ -e build/packages/xen-hypervisor-4.17-amd64/.done ]; then
	need build/linux/xen.elf
	absent xen "this hypervisor has no sharing call (-38): nothing to do"
fi
