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

if "$(dirname "$0")/unpack.sh" linux-image-cloud-amd64 build/packages/linux-image-cloud-amd64 \
	>/dev/null 2>&1 &&
	cp build/packages/linux-image-cloud-amd64/boot/vmlinuz-* "$out"; then
	exit 0
fi
rm -f "$out"
echo "pasture: no Linux image to be had; the guests get build/pasture.elf64 instead"
