#!/bin/sh
# SPDX-License-Identifier: MIT
# Real files of this host for /data/more of a Linux guest, with their sums and the
# list for `harness initramfs`: more.sh FOLDER.
set -eu
out=$1
rm -rf "$out"
mkdir -p "$out"
echo "file /data/more/SUMS $out/SUMS 644" >"$out/list"
for f in /lib/x86_64-linux-gnu/libc.so.6 /lib/x86_64-linux-gnu/libcrypto.so.3 /bin/bash \
	/usr/bin/perl /etc/services /usr/share/dict/words; do
	[ -r "$f" ] || continue
	name=$(basename "$f")
	echo "file /data/more/$name $f 644" >>"$out/list"
	sha256sum <"$f" | sed "s|-|$name|" >>"$out/SUMS"
done
