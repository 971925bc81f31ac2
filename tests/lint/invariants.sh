# SPDX-License-Identifier: MIT
# Invariants have numbers, at the head of the file that keeps them: " *  TLB1  what holds".  One
# prefix stands for one file's list, and what is cited (comments, documents, mutants) is there.
heads='
FNR == 1 { head = 1 }
/^[#%a-zA-Z_]/ { head = 0 }
head && /^[ ;*]+[A-Z]+[0-9]+  / {
	match($0, /[A-Z]+[0-9]+/)
	name = substr($0, RSTART, RLENGTH)
	prefix = name
	sub(/[0-9]+/, "", prefix)
	print prefix, name, FILENAME ":" FNR
}'
cited='
FNR == NR { prefixes[$1]; names[$2]; next }
FILENAME == "tests/attacks.txt" { attacks[$1]; next }
FILENAME ~ /\.txt$/ && !/^class/ { next }
{
	line = $0
	while (match(line, /[A-Za-z0-9_%]+/)) {
		word = substr(line, RSTART, RLENGTH)
		line = substr(line, RSTART + RLENGTH)
		if (word !~ /^[A-Z]+[0-9]+$/ || word in names)
			continue
		prefix = word
		sub(/[0-9]+/, "", prefix)
		if (prefix in prefixes)
			print FILENAME ":" FNR ": no invariant is called " word
	}
}
# Where a number stands as a citation does, it is one: "/* T3 */", "/* T3: why", "(T3)", "destroy.c, T3)".
match($0, /(\/\* |[(]|\.[ch],? |\.asm,? )[A-Z]+[0-9]+( \*\/|[:),])/) {
	word = substr($0, RSTART, RLENGTH)
	match(word, /[A-Z]+[0-9]+/)
	word = substr(word, RSTART, RLENGTH)
	prefix = word
	sub(/[0-9]+/, "", prefix)
	if (!(prefix in prefixes) && !(prefix in attacks) && word !~ /^(L[1-4]|[CD]R[0-9]+|COM1|SSE2)$/)
		print FILENAME ":" FNR ": no list of invariants is called " prefix
}'
defined=$(mktemp)
trap 'rm -f "$defined"' EXIT
sources '*.c' '*.h' '*.asm' | xargs awk "$heads" >"$defined"
[ -s "$defined" ] || echo "tests/lint/invariants.sh: finds none"
awk '{ file = $3; sub(/:.*/, "", file) }
	$1 in owner && owner[$1] != file { print $3 ": " $2 ": that prefix belongs to " owner[$1] }
	$2 in seen { print $3 ": " $2 " is there twice" }
	{ owner[$1] = file; seen[$2] }' "$defined"
# Attacks have numbers too.
awk 'FNR == NR { attack[$1]; next } $1 in attack { print $3 ": " $2 ": attacks have that prefix" }' \
	tests/attacks.txt "$defined"
awk "$cited" "$defined" tests/attacks.txt $(sources '*.c' '*.h' '*.asm') tests/mutants/*.txt ./*.md ./*/README.md hv/DESIGN.md
