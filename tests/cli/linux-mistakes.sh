# SPDX-License-Identifier: MIT
# A user's mistakes with Linux guests, each one line: files, memory, words.
k=build/guest/minimal.elf
head -c 3000000 /dev/zero >"$work/initrd"
lx() {
	"$harness" linux KERNEL=$k INITRD="$work/initrd" DIR="$work/linux" "$@"
}
refuses "name a kernel and an initial RAM disk" "$harness" linux
refuses "cannot read /no/such: No such file" lx KERNEL=/no/such
refuses "cannot read /no/such: No such file" lx INITRD=/no/such
refuses "cannot read /etc: not a regular file" lx INITRD=/etc
refuses "VIA=bochs: wanted pasture, plain or xen" lx VIA=bochs
refuses "a guest of 1 MiB is too small for this kernel, which needs 2 MiB" \
	lx GUEST_MEM=1
refuses "the initial RAM disk (2929 KiB) is too large for a guest of 4 MiB" \
	lx GUEST_MEM=4
refuses "MEM=64 is too little: 8 guests of 128 MiB need a machine of" lx MEM=64
refuses "OVERCOMMIT=1: say how much memory the machine has: MEM=MiB" lx OVERCOMMIT=1
refuses "MEM=64 is too little: 1 guests of 128 MiB need a machine of" lx OVERCOMMIT=1 MEM=64
refuses "GUEST_MEM=0: wanted a number from 1" lx GUEST_MEM=0
refuses "build/no-such: No such file or directory; run 'make' first" \
	lx --pasture build/no-such
refuses "VCPUS=0: wanted a number from 1 to 32" lx VCPUS=0
refuses "VCPUS=33: wanted a number from 1 to 32" lx VCPUS=33
