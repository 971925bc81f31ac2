# SPDX-License-Identifier: MIT
# FILES= that cannot be handed to a guest.
refuses "FILES: cannot read /no/such/file: No such file" \
	"$harness" run FILES=/no/such/file
refuses "FILES: cannot read /etc:" "$harness" run FILES=/etc
refuses "FILES: cannot read /dev/null:" "$harness" run FILES=/dev/null

# A FIFO: nobody would ever write to it.
rm -f "$work/fifo"
mkfifo "$work/fifo"
refuses "FILES: cannot read $work/fifo:" timeout 10 "$harness" run FILES="$work/fifo"
refuses "cannot read $work/fifo: not a regular file" timeout 10 \
	"$harness" linux KERNEL="$work/fifo" INITRD="$work/fifo" DIR="$work/linux"
refuses "cannot read $work/fifo: not a regular file" timeout 10 "$harness" kernel "$work/fifo" "$work/out"
echo "file /x $work/fifo" >"$work/fifo.list"
refuses "cannot read $work/fifo" timeout 10 "$harness" initramfs "$work/a.gz" "$work/fifo.list"

# Blanks and commas in names, with a backslash before them.
name="$work/one, two"
cp /bin/sh "$name"
expect 0 "" "$harness" run GUESTS=1 FILES="${work}/one\\,\\ two $(files)" --prepare "$work/names"
[ "$(/bin/busybox cpio -t <"$work/names/all.cpio" 2>/dev/null | head -n 2 | paste -sd'|')" = "one, two|pages" ] ||
	fail "the file 'one, two' is not handed out"
refuses "FILES: cannot read $work/one:" "$harness" run GUESTS=1 FILES="$name"
