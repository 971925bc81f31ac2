# SPDX-License-Identifier: MIT
# One concept a file: 800 lines at most; the Makefile 250.
for f in $(sources '*.c' '*.h' '*.asm'); do
	n=$(wc -l <"$f")
	[ "$n" -le 800 ] || echo "$f: $n lines, more than 800"
done
n=$(wc -l <Makefile)
[ "$n" -le 250 ] || echo "Makefile: $n lines, more than 250"
