# SPDX-License-Identifier: MIT
# For bench scripts: one guest kernel in QEMU, where the time-stamp counter counts
# instructions (-icount shift=0), on Pasture or as the first domain of Debian's
# Xen 4.17.  Source it; what the guest prints goes to a file.  build/harness starts QEMU, so
# nothing of an earlier run is left in that file, and QEMU ends with the script.
. bench/figure.sh
icount="-accel tcg,thread=single -icount shift=0,sleep=off"

fail() {
	echo "pasture: $*" >&2
	exit 1
}

# on_pasture LOG KERNEL [WORDS...]: of the domain's line, such as cmdline="a=1".  NEIGHBOUR: the words of
# another domain's line, after kernel=.
on_pasture() {
	local log=$1 kernel=$2
	shift 2

	echo "domain name=bench kernel=$kernel memory=${GUEST_MEMORY:-32M} group=g $*" \
		>"$B/domains.cfg"
	[ -z "${NEIGHBOUR:-}" ] ||
		echo "domain name=neighbour kernel=$kernel $NEIGHBOUR" >>"$B/domains.cfg"
	# shellcheck disable=SC2086
	build/harness machine "$log" V=0 -- $icount -cpu "${CPU_MODEL:-qemu64}" -smp 1 -m 256 \
		-kernel build/pasture -append "${PASTURE_OPTIONS:-} exit=qemu" \
		-initrd "$B/domains.cfg domains.cfg,build/guest/$kernel $kernel" ||
		fail "the bench guest $kernel did not end well; see $log and $log.qemu"
}

xen_image() {
	.ci/unpack.sh xen-hypervisor-4.17-amd64 build/packages/xen || exit 1
	[ -e build/packages/xen.elf ] ||
		gunzip -c build/packages/xen/boot/xen-4.17-amd64.gz \
			>build/packages/xen.elf
}

# on_xen LOG KERNEL [WORDS...]: of the kernel's command line; it must say END=.  Without Xen's work
# against side channels, which Pasture does not do.
on_xen() {
	local log=$1 kernel=$2
	shift 2

	xen_image
	# When its first domain powers off, Xen halts: so look for the end, and stop QEMU.
	# shellcheck disable=SC2086
	build/harness machine "$log" V=0 UNTIL="${END:-BENCH END}" -- $icount \
		-cpu "${CPU_MODEL:-qemu64}" -smp 1 -m 512 -kernel build/packages/xen.elf \
		-append "console=com1 dom0_mem=${GUEST_MEMORY:-32M} noreboot=0 xpti=no spec-ctrl=no" \
		-initrd "build/guest/$kernel $*" ||
		fail "the bench guest $kernel did not end well on Xen; see $log"
}

# figure LOG NAME: what a line "BENCH NAME NUMBER" says.
figure() {
	sed -n "s/^.*BENCH $2 \([0-9]*\).*/\1/p" "$1" | head -n 1 | grep . ||
		fail "no figure $2 in $1"
}

# ratio A B: to three places.
ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.3f", a / b }'
}
