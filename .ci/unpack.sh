#!/bin/sh
# SPDX-License-Identifier: MIT
# Download Debian packages and unpack them, without installing them:
# unpack.sh "PACKAGE..." FOLDER.  A package without files of its own (a kernel's meta
# package) stands for the first package that it depends on.  Done once: FOLDER/.done.
set -u
package=$1 folder=$2
[ ! -e "$folder/.done" ] || exit 0

fail() {
	echo "pasture: $1" >&2
	exit 1
}

case $package in
linux-image-amd64 | linux-image-cloud-amd64)
	real=$(apt-cache depends "$package" 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-.*\)/\1/p' | head -n 1)
	[ -n "$real" ] || fail "apt knows no $package; run 'apt-get update' and try again"
	package=$real ;;
esac
rm -rf "$folder"
mkdir -p "$folder" || exit 1
# shellcheck disable=SC2086
(cd "$folder" && timeout 300 apt-get -qq -o APT::Sandbox::User=root \
	download $package) >/dev/null 2>"$folder/log" ||
	fail "cannot download the package $package: $(grep '^E:' "$folder/log" | head -n 1)"
for deb in "$folder"/*.deb; do
	dpkg-deb -x "$deb" "$folder" || fail "cannot unpack the package $package"
done
rm -f "$folder"/*.deb "$folder/log"
touch "$folder/.done"
