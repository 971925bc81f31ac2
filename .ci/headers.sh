#!/bin/sh
# SPDX-License-Identifier: MIT
# The headers that a module for an unpacked Debian kernel is built with, unpacked too:
# headers.sh KERNEL-FOLDER FOLDER.
set -u
image=$(echo "$1"/boot/vmlinuz-*)
version=${image##*/vmlinuz-}
flavour=$(echo "$version" | sed -n 's/^[0-9.]*-[0-9]*-//p')
[ -n "$flavour" ] || {
	echo "pasture: cannot tell the kernel's version from $image" >&2
	exit 1
}
base=${version%-"$flavour"}
series=$(echo "$base" | cut -d . -f 1,2)
"$(dirname "$0")/unpack.sh" "linux-headers-$version linux-headers-$base-common linux-kbuild-$series" \
	"$2" || exit 1
# Debian's makefile wants to be in /usr/src.
echo "include ../linux-headers-$base-common/Makefile" >"$2/usr/src/linux-headers-$version/Makefile"
