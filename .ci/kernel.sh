#!/bin/sh
# SPDX-License-Identifier: MIT
# A kernel image as one of the files that `make run` hands to its guests:
# kernel.sh OUTPUT.  Debian's cloud kernel is downloaded and unpacked, never
# installed.  If it cannot be had, OUTPUT stays absent (the harness then takes
# the hypervisor's own image) and this says so in one line.
set -u
out=$1
dir=$(dirname "$out")
mkdir -p "$dir"

for k in /boot/vmlinuz-*; do
	if [ -r "$k" ]; then
		cp "$k" "$out"
		exit 0
	fi
done

work=$(mktemp -d "$dir/kernel.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
	sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
if [ -n "$package" ] &&
	(cd "$work" && timeout 120 apt-get -qq \
		-o APT::Sandbox::User=root download "$package") \
		>/dev/null 2>&1 &&
	dpkg-deb --fsys-tarfile "$work"/*.deb |
		tar -x -C "$work" --wildcards './boot/vmlinuz-*' 2>/dev/null &&
	cp "$work"/boot/vmlinuz-* "$out"; then
	exit 0
fi
rm -f "$out"
echo "pasture: no Linux image to be had; the guests get build/pasture.elf64 instead"
