#!/bin/sh
# SPDX-License-Identifier: MIT
# Guest kernels with one fault each, made from a good one: bad-elfs.sh GOOD FOLDER.
# ELF64: e_phoff is 64 here, each program header has 56 bytes; the type is the
# first field of it, the file offset the third (at 8), the address at 24.
set -eu
good=$1
to=$2

# The n-th word that readelf prints for the first segment of that type.
segment() {
	readelf -lW "$good" | awk -v want="$1" -v n="$2" \
		'$1 == want && $2 ~ /^0x/ { print $n; exit }'
}

# patch NAME OFFSET BYTES: a copy with these bytes (as printf writes them) there.
patch() {
	cp "$good" "$to/$1"
	printf "$3" | dd of="$to/$1" bs=1 seek="$2" conv=notrunc status=none
}

# LOAD is the first segment of guest-lib/kernel/guest.lds.
load=64
printf 'This is not an image of a kernel, but some text.\n' >"$to/bad-text.elf"
head -c 100 "$good" >"$to/bad-short.elf"
patch bad-class.elf 4 '\001'
patch bad-machine.elf 18 '\050'
patch bad-offset.elf $((load + 8)) '\000\000\000\000\000\177\000\000'
patch bad-address.elf $((load + 24)) '\000\000\000\000\000\177\000\000'

cp "$good" "$to/bad-notes.elf"
dd if=/dev/zero of="$to/bad-notes.elf" bs=1 conv=notrunc status=none \
	seek=$(($(segment NOTE 2))) count=$(($(segment NOTE 5)))

# A bzImage, of boot protocol 2.15, whose kernel is said to be xz and is not: 340 bytes behind 4096.
head -c 4096 /dev/zero >"$to/bad-packed.bz"
{
	printf '\375\067zXZ\000'
	head -c 330 /dev/zero
	printf '\000\000\001\000'
} >>"$to/bad-packed.bz"
at() {
	printf "$2" | dd of="$to/bad-packed.bz" bs=1 seek=$(($1)) conv=notrunc status=none
}
at 0x1f1 '\003'
at 0x1fe '\125\252'
at 0x202 'HdrS\017\002'
at 0x248 '\000\010\000\000\124\001\000\000'
