# SPDX-License-Identifier: MIT
# Kernels that cannot be a guest's: each is refused in one line.
put() { # FILE OFFSET BYTES
	printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
make_bzimage() { # FILE PAYLOAD-START VERSION: one sector of setup, 64 bytes of payload, a content of 1 byte
	rm -f "$1"
	truncate -s 1088 "$1"
	put "$1" 497 '\001'
	put "$1" 510 '\125\252'
	put "$1" 514 HdrS
	put "$1" 518 "$3"
	put "$1" 588 '\100'
	put "$1" 1024 "$2"
	put "$1" 1084 '\001'
}
k=$work/kernel.bin
both() { # TEXT: the run and the unpacker say the same
	refuses "$1" "$harness" linux KERNEL="$k" INITRD="$work/empty" DIR="$work/linux"
	refuses "$1" "$harness" kernel "$k" "$work/out.elf"
}
: >"$work/empty"

echo "no kernel at all" >"$k"
both "$k: neither a bzImage nor an ELF file"
cp "$work/empty" "$k"
both "$k: neither a bzImage nor an ELF file"
make_bzimage "$k" 'ABCD' '\017\002'
both "$k: the kernel in the bzImage is compressed in an unknown way (it begins 41 42 43 44)"
make_bzimage "$k" '\211LZO' '\017\002'
both "compressed with lzo, which is not supported"
make_bzimage "$k" '\037\213\010' '\007\002'
both "too old (boot protocol 2.07)"
make_bzimage "$k" '\037\213\010' '\017\002'
both "the bzImage is damaged"
truncate -s 1000 "$k"
both "$k: the bzImage is truncated: 1000 bytes, at least 1088 expected"
# x86-64 and well formed, but not for Xen; then for another machine.
cp build/pasture.elf64 "$k"
both "$k: the kernel cannot be a PV guest: it was built without CONFIG_XEN_PV=y"
cp build/pasture "$k"
both "the kernel is not for x86-64"
head -c 9000 build/guest/minimal.elf >"$k"
both "$k: the kernel's ELF file is truncated"
