# SPDX-License-Identifier: MIT
# An include that points up the table of layers (hv/README.md).
#
# hv: each folder may include those of a lower or the same rank.  Exceptions, each
# with its reason:
#   hv/debug/*.c   print through the serial line and stop CPUs: they stand above
#                  x86, while their headers stand below it
#   port.h         what portable code needs from where it runs; is below all of it
#   <share/...>    for hv/sharing and those above pv alone (and share/ itself)
awk_layers='
function rank(folder) {
	return folder in ranks ? ranks[folder] : -1
}
BEGIN {
	n = split(layer_rows, rows, " ")
	for (i = 1; i <= n; i++) {
		m = split(rows[i], names, ":")
		for (k = 1; k <= m; k++)
			ranks[names[k]] = i
	}
}
function bad(why) {
	printf "%s:%d: %s %s\n", FILENAME, FNR, $0, why
}
/^[ \t]*#[ \t]*include/ {
	split(FILENAME, part, "/")
	own = part[1] == "hv" ? part[2] : ""
	name = $0
	sub(/^[^"<]*["<]/, "", name)
	sub(/[">].*/, "", name)
	quoted = $0 ~ /include[ \t]*"/
	split(name, to, "/")
	if (own == "port")
		next
	if (own != "") {
		if (own == "debug" && FILENAME ~ /\.c$/)
			mine = rank("x86")
		else
			mine = rank(own)
		if (mine < 0)
			bad("(a folder without a layer)")
		if (to[1] == "share" && to[2] != "" && own != "sharing" &&
		    rank(own) <= rank("pv"))
			bad("(below, only hv/sharing knows share/)")
		if (to[1] == "hash" && own != "sharing")
			bad("(hash/ is for share/)")
		if (quoted && rank(to[1]) > mine)
			bad("(points up)")
	} else if (part[1] == "share") {
		if (quoted ? index(name, "/") : name ~ /^(hv|gl|xen|mm|dom|pv|x86|lib)\//)
			bad("(share/ is portable: share/, hash/, port.h)")
	} else if (part[1] == "hash") {
		if (quoted ? index(name, "/") : name ~ /^(share|hv|gl|xen)\//)
			bad("(hash/ is portable: hash/, xxhash.h, port.h)")
	} else if (part[1] == "guest-lib") {
		if (name ~ /^(share|hash|mm|dom|pv|x86|lib|sharing|boot)\//)
			bad("(guests know hv/abi and xen/ alone)")
	}
}'
sources '*.c' '*.h' | grep -E '^(hv|share|hash|guest-lib)/' |
	xargs -r awk -v layer_rows="$layer_rows" "$awk_layers"
