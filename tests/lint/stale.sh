# SPDX-License-Identifier: MIT
# A comment of the sources that names a function, name(), an array, name[], or a file, name.c, names
# one that there is: the sources, Xen's headers or the compiler's have that word outside of
# comments.
gcc=$(gcc -print-file-name=include)
ours='^(hv|share|hash|guest-lib)/'
code() {
	# shellcheck disable=SC2046
	cat $(sources '*.c' '*.h' '*.asm' | grep -E "$ours") "$gcc"/*intrin.h \
		build/inc/xen/*.h build/inc/xxhash.h 2>/dev/null
}
# Standard functions, and those of others that comments compare ours with.
known='main()'
comments='
{
	line = $0
	text = ""
	if (FILENAME ~ /\.asm$/) {
		if (i = index(line, ";"))
			text = substr(line, i)
	} else while (line != "") {
		if (inside) {
			i = index(line, "*/")
			text = text " " (i ? substr(line, 1, i - 1) : line)
			line = i ? substr(line, i + 2) : ""
			inside = !i
		} else {
			i = index(line, "/*")
			line = i ? substr(line, i + 2) : ""
			inside = i > 0
		}
	}
	while (match(text, /[a-z_][a-z0-9_]*(\(\)|\[\])|[A-Za-z0-9_-]+\.(c|h|asm|sh)([^a-z]|$)/)) {
		name = substr(text, RSTART, RLENGTH)
		text = substr(text, RSTART + RLENGTH)
		if (name !~ /(\(\)|\[\])$/)
			sub(/[^a-z]$/, "", name)
		print name, FILENAME ":" FNR
	}
}'
# The words of the code, without its comments and strings.
words='
{
	line = $0
	if (inside) {
		i = index(line, "*/")
		if (!i)
			next
		line = substr(line, i + 2)
		inside = 0
	}
	while (i = index(line, "/*")) {
		k = index(substr(line, i + 2), "*/")
		if (!k) {
			line = substr(line, 1, i - 1)
			inside = 1
			break
		}
		line = substr(line, 1, i - 1) " " substr(line, i + k + 3)
	}
	gsub(/[^A-Za-z0-9_]+/, "\n", line)
	print line
}'
{
	code | awk "$words" | sort -u | sed 's/.*/&\n&()\n&[]/'
	find -L $folders build/inc "$gcc" -type f -printf '%f\n'
	tr ' ' '\n' <<<"$known"
} | awk 'NR == FNR { there[$1]; next } !($1 in there) { print $2 ": there is no " $1 }' - \
	<(sources '*.c' '*.h' '*.asm' | grep -E "$ours" | xargs awk "$comments")
