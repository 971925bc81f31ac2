#!/bin/bash
# SPDX-License-Identifier: MIT
# Debian packages: built twice with the same bytes; installed, used and removed in a bare Debian
# reads: SUITE
set -u
B=build/soak/deb
fail() {
	echo "deb: $*" >&2
	exit 1
}
[ "$(id -u)" = 0 ] || fail "a bare system is made by root only"
unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES T
make -s deb >/dev/null || fail "make deb failed"
rm -rf $B
mkdir -p $B
# Another folder, another depth.
bash debian/build.sh $B/second/time >/dev/null || fail "the second build failed"
for f in build/deb/*.deb; do
	cmp "$f" "$B/second/time/${f##*/}" || fail "${f##*/}: not the same bytes twice"
done
echo "deb: $(ls build/deb/*.deb | wc -l) packages, the same bytes twice"

# All but dkms, whose kernel headers and compiler are 400 MiB: its package is looked into below.
# Not in build/: make reads all that ends in ".d" there.
tmp=$(mktemp -d) && chmod 755 "$tmp" || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root
with=gcc,libc6-dev,pkg-config,qemu-system-x86
mmdebstrap --variant=minbase --include=$with --aptopt='APT::Install-Recommends "false"' \
	"${SUITE:-bookworm}" $root >$B/mmdebstrap.log 2>&1 || fail "no bare system: $(tail -n 1 $B/mmdebstrap.log)"
in_root() {
	chroot $root env -i ${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"} \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@"
}
files() {
	find $root -xdev \( -path $root/var -o -path $root/tmp -o -path $root/root -o -path $root/etc \) \
		-prune -o -print | sort
}
cp build/deb/*_amd64.deb $root/root
cp /etc/resolv.conf $root/etc
mkdir -p $root/boot/grub
files >$B/before
in_root apt-get -q update >$B/update.log 2>&1 || fail "no list of packages: $(grep -m 1 ^E: $B/update.log)"
in_root sh -c 'apt-get -q -y --no-install-recommends install /root/*_amd64.deb' >$B/install.log 2>&1 ||
	fail "not installed: $(grep -m 1 ^E: $B/install.log)"
in_root cmp /boot/xen-pasture-1.0 /boot/xen-pasture-1.0 || fail "no hypervisor under GRUB's name"
cat >$root/root/hello.c <<'END'
#include <pasture/console.h>
#include <pasture/offers.h>
#include <pasture/stubs.h>
static struct gl_offers offers;
void gl_main(void)
{
	gl_printf("offers %ld\n", gl_offers_init(&offers, gl_call_direct, NULL, NULL, 0, 0));
}
END
in_root sh -c 'cd /root && gcc -O2 $(pkg-config --cflags pasture-guest) -o hello.elf hello.c \
	$(pkg-config --libs pasture-guest)' || fail "the library does not work from its package"
for kernel in /root/hello.elf /usr/lib/pasture/minimal.elf; do
	out=$(in_root sh -c "cd /root && pasture-boot KERNEL=$kernel GUEST_MEM=8" 2>&1) || fail "$kernel did not run: $out"
	grep -q 'mine2  poweroff 0' <<<"$out" || fail "$kernel: $out"
done
grep -q 'shared: frame' <<<"$out" || fail "minimal.elf shared nothing: $out"
in_root sh -c 'cd /root && pasture-boot KERNEL=/nosuch' 2>/dev/null && fail "a kernel that is not there is no error"
in_root sh -c 'cd /root && pasture-boot KERNEL=hello.elf DIR=/usr' 2>&1 | grep -q 'has other things in it' ||
	fail "DIR=/usr would have been emptied"
# The tools without a machine, and on files.
out=$(in_root pasturectl list 2>&1) && fail "pasturectl without a machine is no error"
[ "$(wc -l <<<"$out")" = 1 ] && grep -q "no machine at" <<<"$out" || fail "pasturectl says: $out"
in_root sh -c 'cd /root && pasture-replay -o replay /usr/bin /usr/bin' >$B/replay.log 2>&1 || fail "pasture-replay: $(tail -n 1 $B/replay.log)"
[ -s $root/root/replay/report.json ] || fail "pasture-replay wrote no report"
for page in pasture-boot.1 pasturectl.1 pasture-replay.1 pasture.8 libpasture.3; do
	for f in build/deb/*_amd64.deb; do dpkg-deb -c "$f"; done | grep "man/man${page##*.}/$page.gz" >/dev/null || fail "no $page"
done
in_root sh -c 'apt-get -q -y purge pasture pasture-tools libpasture-guest-dev && apt-get -q -y autoremove --purge' \
	>$B/remove.log 2>&1 || fail "not removed: $(grep -m 1 ^E: $B/remove.log)"
files >$B/after
left=$(comm -13 $B/before $B/after | grep -i pasture) && fail "left behind: $left"

dpkg-deb -c build/deb/pasture-dkms_1.0_all.deb | awk '{ print $6 }' >$B/dkms
for f in dkms.conf Kbuild main.c include/prefix.h abi/share.h; do
	grep -qx "./usr/src/pasture-1.0/$f" $B/dkms || fail "pasture-dkms has no $f"
done
echo "deb: installed, used and removed in a bare $(cat $root/etc/debian_version)"
echo "All is well."
