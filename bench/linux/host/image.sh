#!/bin/bash
# SPDX-License-Identifier: MIT
# A disk image with Debian 12 and its Xen tools, for the first domain and for guests:
# image.sh FILE KERNEL-FOLDER [PACKAGES].  FILE.key is the key that its ssh lets in.  What changes with this
# tree is not in it (host.list), so it is made once.
set -u
out=$1 kernel=$2 more=${3-} suite=${SUITE:-bookworm}
mib=1024 needed_mib=2500
fail() {
	echo "pasture: $*" >&2
	exit 1
}
PATH=$PATH:/usr/sbin:/sbin
if [ "$(id -u)" != 0 ]; then
	if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		exec sudo env SUITE="$suite" TMPDIR="${TMPDIR:-/tmp}" PATH="$PATH" bash "$0" "$@"
	fi
	fail "a Debian image is made by root only; run 'make host' as root, or with sudo installed, once"
fi
[ -d "${TMPDIR:-/tmp}" ] || fail "TMPDIR=$TMPDIR: there is no such folder"
free=$(($(df --output=avail -k "${TMPDIR:-/tmp}" | tail -n 1) / 1024))
[ "$free" -ge $needed_mib ] ||
	fail "${TMPDIR:-/tmp} has $free MiB free, a Debian image needs $needed_mib; set TMPDIR= to a folder that has"
for tool in mmdebstrap mke2fs ssh ssh-keygen; do
	command -v $tool >/dev/null || .ci/deps.sh host || exit 1
done

tmp=$(mktemp -d) && chmod 755 "$tmp" || exit 1
trap 'rm -rf "$tmp"' EXIT
root=$tmp/root log=$out.log
mkdir -p "$(dirname "$out")"
echo "  DEB   $out (a minute or two)"
# Not installed, but there: for who tries dpkg in a guest.
debs="bc file libmagic1 libmagic-mgc less tree time"
with=$(grep -hv "^#" bench/linux/host/packages $more | paste -sd ,)
# Without waiting for the disk after each file, and without what nobody reads here.
mmdebstrap --variant=minbase --include="$with" --aptopt='APT::Install-Recommends "false"' \
	--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
	--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/info/*' \
	--customize-hook="chroot \"\$1\" sh -c 'mkdir /var/cache/debs && cd /var/cache/debs && apt-get -q download $debs'" \
	"$suite" "$root" >"$log" 2>&1 ||
	fail "no Debian: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log"); all of it is in $log"

# The kernel's modules, without those for what no machine in QEMU has.
version=$(basename "$(echo "$kernel"/lib/modules/*)")
mkdir -p "$root/lib/modules"
tar -C "$kernel/lib/modules" -c --exclude=sound --exclude='drivers/gpu' --exclude='drivers/media' \
	--exclude='drivers/net/wireless' --exclude='drivers/net/ethernet' --exclude='drivers/infiniband' \
	--exclude='drivers/iio' --exclude='drivers/staging' "$version" | tar -C "$root/lib/modules" -x ||
	fail "no modules of the kernel in $kernel"
chroot "$root" depmod "$version" || fail "depmod did not run in the image"

chroot "$root" passwd -d root >/dev/null
rm -f "$out.key" "$out.key.pub"
ssh-keygen -q -t ed25519 -N '' -C pasture -f "$out.key" || fail "no key for ssh"
rm -f "$out.new"
truncate -s ${mib}M "$out.new" && mke2fs -q -F -t ext4 -L debian -d "$root" "$out.new" >>"$log" 2>&1 ||
	fail "no file system: $(tail -n 1 "$log")"
mv "$out.new" "$out"
# Whoever has the tree uses the image.
chown --reference=Makefile "$(dirname "$out")" "$out" "$out.key" "$out.key.pub" "$log"
