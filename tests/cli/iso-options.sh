# SPDX-License-Identifier: MIT
# `make iso` with other options makes another image.
export MAKELEVEL=0
iso() {
	make -s -o build/files/.kernel iso FILES=/bin/sh "$@"
}
iso GUESTS=1
[ "$(grep -c '^domain' build/iso/domains.cfg)" = 1 ] || fail "not one guest on the image"
first=$(stat -c %y build/pasture.iso)
iso GUESTS=1
[ "$first" = "$(stat -c %y build/pasture.iso)" ] || fail "made again for nothing"
iso GUESTS=2 TENANTS=2
[ "$(grep -c '^domain' build/iso/domains.cfg)" = 2 ] || fail "the image of before is kept"
[ "$first" != "$(stat -c %y build/pasture.iso)" ] || fail "the image of before is kept"
rm -f build/pasture.iso
