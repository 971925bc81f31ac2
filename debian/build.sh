#!/bin/bash
# SPDX-License-Identifier: MIT
# Build the packages in a copy of the tree: build.sh FOLDER.  The same tree gives the same bytes: dates are
# the changelog's, and no path of this machine gets in.
. bench/own.sh
out=$1
own "$out"
find "$out" -mindepth 1 ! -name .lock -delete
mkdir "$out/pasture-1.0"
tar -c --exclude=./build --exclude=./.git . | tar -x -C "$out/pasture-1.0"
export DEB_BUILD_OPTIONS=noautodbgsym
unset MAKEFLAGS MAKELEVEL MAKEOVERRIDES
(cd "$out/pasture-1.0" && dpkg-buildpackage -b -us -uc) >"$out/log" 2>&1 || {
	grep -m 1 -iE 'error|unmet' "$out/log" | sed 's/^/pasture: make deb: /' >&2
	echo "pasture: no packages were built; all of it is in $out/log" >&2
	exit 1
}
rm -rf "$out/pasture-1.0"
ls -1 "$out"/*.deb
