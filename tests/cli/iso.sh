# SPDX-License-Identifier: MIT
# The main job from one CD through GRUB, by BIOS and by UEFI: two guests, one file.
rm -rf "$work/iso" "$work/iso.links"
export GUESTS=2 FILES=/bin/sh
"$harness" run --prepare "$work/iso.links"
cp -rL "$work/iso.links" "$work/iso"
refused() { # TEXT COMMAND...
	expect 1 "$@"
	[ "$(wc -l <<<"$out")" = 1 ] || fail "more than one line: ${*:2}"
	[ ! -e "$work/small.iso" ] || fail "it left an image"
}
# A GRUB for BIOS only, which makes an image without a word.
rm -rf "$work/grub"
mkdir -p "$work/grub"
cp -r /usr/lib/grub/i386-pc "$work/grub"
GRUB=$work/grub refused "no CD image: package grub-efi-amd64-bin is missing" bench/iso.sh "$work/iso" "$work/small.iso"
GRUB=$work/iso refused "no CD image: package grub-pc-bin is missing" bench/iso.sh "$work/iso" "$work/small.iso"

bench/iso.sh "$work/iso" "$work/small.iso" || fail "no image"
expect 0 "All is well." "$harness" run --iso "$work/small.iso"
grep -q '"pages_sharing": [1-9]' build/run/report.json || fail "nothing shared"
expect 0 "All is well." "$harness" run UEFI=1 --iso "$work/small.iso"
grep -q '"pages_sharing": [1-9]' build/run/report.json || fail "nothing shared by UEFI"
! grep -aq 'no ACPI processor table' build/run/console.log || fail "ACPI's root is not found by UEFI"
grep -aq '"cpus": 2' build/run/report.json || fail "not two processors by UEFI"

refuses "UEFI=1 is for a CD image only" "$harness" run UEFI=1
grub-mkrescue -d /usr/lib/grub/i386-pc -o "$work/bios.iso" "$work/grub" >"$work/iso.log" 2>&1
refuses "is an image for BIOS only" "$harness" run UEFI=1 --iso "$work/bios.iso"
rm -f "$work/small.iso" "$work/bios.iso"
