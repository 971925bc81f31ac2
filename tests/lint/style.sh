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
# Prose: a comment, also one behind code, ends at column 80.
awk '
	function width(s,  n, i) {
		for (i = 1; i <= length(s); i++)
			n = substr(s, i, 1) == "\t" ? (int(n / 8) + 1) * 8 : n + 1
		return n
	}
	FNR == 1 { inside = 0 }
	{
		plain = $0
		gsub(/"([^"\\]|\\.)*"/, "", plain)
		comment = inside || plain ~ /\/\*|^[ \t]*\/\//
		if (plain ~ /\/\*/)
			inside = plain !~ /\/\*.*\*\//
		else if (plain ~ /\*\//)
			inside = 0
		if (comment && length($0) > 60 && width($0) > 80 && !/links:/)
			printf "%s:%d: a comment beyond column 80\n", FILENAME, FNR
	}' $(sources '*.c' '*.h')
