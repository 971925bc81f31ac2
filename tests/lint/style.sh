# SPDX-License-Identifier: MIT
# What can be seen without reading: ASCII, licence line, white space, width, and
# at most 2 #if per 1000 lines beside include guards.
all=$(sources '*.c' '*.h' '*.asm' '*.lds' '*.sh' '*.mk')
for f in $all; do
	head -n 3 "$f" | grep -q 'SPDX-License-Identifier: MIT' ||
		echo "$f:1: no SPDX line"
done
grep -nP '[^\x00-\x7F]' $all Makefile /dev/null | sed 's/:[^:]*$/: not ASCII/'
grep -nE '[[:blank:]]+$' $all Makefile /dev/null | cut -d: -f1,2 |
	sed 's/$/: white space at the end/'
# A message stays in one piece, so that it can be found; a list of links is one line.
grep -nE '^.{121}' $all Makefile /dev/null | grep -v '"\|links:' | cut -d: -f1,2 |
	sed 's/$/: longer than 120 columns/'
grep -lP '\r$' $all Makefile | sed 's/$/: DOS line ends/'
cat $(sources '*.c' '*.h' | grep -E '^(hv|share|hash|guest-lib)/') /dev/null |
	awk '/^#[ \t]*if/ && !/^#ifndef [A-Z0-9_]*_H_?$/ { n++ }
	END { if (NR && n * 1000 > 2 * NR)
		printf "hv share hash guest-lib: %d #if in %d lines, more than 2 in 1000\n", n, NR }'
