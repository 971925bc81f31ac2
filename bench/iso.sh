#!/bin/sh
# SPDX-License-Identifier: MIT
# One CD image that boots by BIOS and by UEFI: iso.sh FOLDER IMAGE.  GRUB=FOLDER has GRUB's modules.
set -u
grub=${GRUB:-/usr/lib/grub}

fail() {
	rm -f "$image"
	echo "pasture: no CD image: $1" >&2
	exit 1
}

folder=$1 image=$2
[ -d "$grub/i386-pc" ] || fail "package grub-pc-bin is missing; run 'make deps'"
[ -d "$grub/x86_64-efi" ] || fail "package grub-efi-amd64-bin is missing; run 'make deps'"
# grub-mkrescue would leave UEFI's part out without a word.
command -v mformat >/dev/null || fail "package mtools is missing; run 'make deps'"
grub-mkrescue -o "$image" "$folder" >"$folder.log" 2>&1 || fail "$(tail -n 1 "$folder.log")"
