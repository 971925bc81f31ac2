# SPDX-License-Identifier: MIT
# pasture.ko where there is nothing for it: a kernel without a hypervisor, and as dom0 of Debian's Xen
# where that is unpacked already.  It says so in one line, does not load, and harms nothing.
. bench/linux/lib.sh
absent() { # VIA FLAVOUR TEXT [OPTION...]
	local kernel disk="build/linux/share-$2.gz"

	kernel=$(kernel_of "linux-image-$2") || exit 77
	need build/linux/base.gz "$disk"
	"$harness" linux VIA=$1 JOB=share-absent SHARING=1 KERNEL="$kernel" TIMEOUT=200 DIR="$work/$1" \
		INITRD="build/linux/base.gz $disk" "${@:4}" >"$work/out" 2>&1 ||
		fail "$1: $(tail -n 5 "$work/out")"
	grep -aq "@guest reason $3" "$work/$1/console.log" || fail "$1: it does not say: $3"
	grep -aq '@guest dmesg complaints=0' "$work/$1/console.log" || fail "$1: complaints"
}
absent plain cloud-amd64 "not a Xen PV guest: nothing to do"
# The cloud kernel has no console as the first domain of Xen, and the other one wants more memory.
if [ -e build/packages/xen-hypervisor-4.17-amd64/.done ]; then
	need build/linux/xen.elf
	absent xen amd64 "this hypervisor has no sharing call (-38): nothing to do" GUEST_MEM=256
fi
