#!/bin/bash
# SPDX-License-Identifier: MIT
# Memory images of stock Linux guests: guest-images.sh COUNT MIB.  Debian's
# linux-image-cloud-amd64 with a busybox initramfs boots in QEMU, reads some files, and
# its memory is saved with pmemsave.  Cached: build/images/guest-N.mem.
cd "$(dirname "$0")/../.." || exit 1
count=${1:-3} mib=${2:-128}
out=build/images
mkdir -p "$out"

fail() {
	echo "pasture: $1" >&2
	exit 1
}

initramfs() {
	local root=$out/root busybox

	busybox=$(command -v busybox) || fail "no busybox (make deps)"
	rm -rf "$root"
	mkdir -p "$root"/{bin,proc,sys,dev,tmp,lib64,lib/x86_64-linux-gnu}
	cp "$busybox" "$root/bin/busybox"
	ldd "$busybox" 2>/dev/null | grep -o '/[^ ]*' | while read -r lib; do
		cp -L "$lib" "$root$lib" 2>/dev/null || cp -L "$lib" "$root/lib/x86_64-linux-gnu/"
	done
	cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
for i in 1 2 3; do cp -r /bin /tmp/$i; done
sort /proc/kallsyms | gzip >/tmp/symbols.gz
cat /proc/cmdline >/tmp/cmdline
echo GUEST READY
sh -c 'sleep 100000' &
sleep 100000
INIT
	chmod +x "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip) >"$out/initramfs.gz"
}

# One guest: follow its console until it is ready, then save.
save() {
	local n=$1 log=$out/guest-$1.log waited=0

	rm -f "$log" "$log.qemu"
	mkfifo "$out/monitor-$n"
	# Not in a process group of its own: it is to end with us.
	timeout --foreground 240 "${QEMU:-qemu-system-x86_64}" -machine pc,mem-merge=off -accel tcg -m "$mib" -smp 1 -display none \
		-nodefaults -no-reboot -serial "file:$log" -monitor stdio \
		-kernel "$kernel" -initrd "$out/initramfs.gz" \
		-append "console=ttyS0 quiet panic=-1 guest=$n" <"$out/monitor-$n" >"$log.qemu" 2>&1 &
	exec 5>"$out/monitor-$n"
	until grep -qE 'GUEST READY|Kernel panic' "$log" 2>/dev/null || [ $((waited += 1)) -gt 400 ]; do
		sleep 0.5
	done
	sleep 2
	echo "pmemsave 0 $((mib << 20)) \"$out/guest-$n.tmp\"" >&5
	echo quit >&5
	exec 5>&-
	wait
	rm -f "$out/monitor-$n"
	grep -q 'GUEST READY' "$log" || fail "guest $n did not come up; see $log"
	mv "$out/guest-$n.tmp" "$out/guest-$n.mem"
}

rm -f "$out"/monitor-* "$out"/*.tmp
for n in $(seq "$count"); do
	[ "$(stat -c %s "$out/guest-$n.mem" 2>/dev/null)" != $((mib << 20)) ] || continue
	if [ -z "${kernel-}" ]; then
		.ci/unpack.sh linux-image-cloud-amd64 build/packages/linux-cloud || exit 1
		kernel=$(ls build/packages/linux-cloud/boot/vmlinuz-* | head -n 1)
		initramfs
	fi
	echo "  memory of guest $n ($mib MiB), booting ..."
	save "$n"
done
