# SPDX-License-Identifier: MIT
# The layers by link: a symbol that a layer below the one that defines it refers to.
# Includes alone say little: a prototype written twice goes round them.
#
# Each such symbol is declared in the above.h of the layer that refers to it, with its
# contract; an above.h declares nothing else; and all in all there are few.
most=20

# Of each symbol: D name layer, or U name layer of who needs it.
# shellcheck disable=SC2086
symbols=$(nm -A -g $HV_OBJ | awk '
	{ split($1, at, ":"); n = split(at[1], part, "/") }
	$(NF - 1) ~ /^[TDBRWV]$/ { print "D", $NF, part[n - 1] }
	$(NF - 1) == "U" { print "U", $NF, part[n - 1] }')
[ -n "$symbols" ] || echo "upcalls: no objects"

up=$(awk -v rows="$layer_rows" '
	BEGIN {
		n = split(rows, row, " ")
		for (i = 1; i <= n; i++) {
			m = split(row[i], name, ":")
			for (k = 1; k <= m; k++)
				rank[name[k]] = i
		}
		# debug/*.c stand above x86, their headers below it (layers.sh).
		rank["debug"] = rank["x86"]
		# share/ and hash/ are what hv/sharing is built on; port.h is what they see.
		rank["share"] = rank["hash"] = rank["sharing"]
	}
	$1 == "D" { from[$2] = $3 }
	$1 == "U" { need[$2, $3] }
	END {
		for (each in need) {
			split(each, two, SUBSEP)
			if (!(two[1] in from))
				continue
			if (!(two[2] in rank))
				print "no-rank", two[2]
			else if (rank[from[two[1]]] > rank[two[2]])
				print two[2], two[1]
		}
	}' <<<"$symbols" | sort -u)

declared=$(for f in hv/*/above.h; do
	layer=$(basename "$(dirname "$f")")
	cpp -fpreprocessed -P "$f" | grep -oE '\b[a-z_0-9]+\(' | tr -d '(' | sed "s|^|$layer |"
done | sort -u)

comm -23 <(printf '%s\n' "$up") <(printf '%s\n' "$declared") |
	sed 's|^\([^ ]*\) \(.*\)|hv/\1/above.h: \2 is of a layer above and not declared here|'
comm -13 <(printf '%s\n' "$up") <(printf '%s\n' "$declared") |
	sed 's|^\([^ ]*\) \(.*\)|hv/\1/above.h: \2 is declared and hv/\1 does not refer to it, or it is not of a layer above|'
count=$(printf '%s\n' "$up" | grep -c .)
[ "$count" -le "$most" ] ||
	echo "upcalls: $count symbols are of a layer above the one that refers to them; $most are allowed"
echo "note: $count symbols are of a layer above, each declared in an above.h (at most $most)"
