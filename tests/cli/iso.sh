# SPDX-License-Identifier: MIT
# The main job from a CD, through GRUB: two guests, one file.
rm -rf "$work/iso" "$work/iso.links"
export GUESTS=2 FILES=/bin/sh
"$harness" run --prepare "$work/iso.links"
cp -rL "$work/iso.links" "$work/iso"
grub-mkrescue -o "$work/small.iso" "$work/iso" >"$work/iso.log" 2>&1 ||
	fail "no image: $(tail -n 1 "$work/iso.log")"
expect 0 "All is well." "$harness" run --iso "$work/small.iso"
grep -q '"pages_sharing": [1-9]' build/run/report.json || fail "nothing shared"
