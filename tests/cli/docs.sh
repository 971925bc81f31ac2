# SPDX-License-Identifier: MIT
# The pages tell the truth: each `make` command in them is one that there is, with
# variables that mean something to it and a T= that is in its list; each link leads to a
# file; what README.md shows of a run is what a run prints, but for its numbers.
export MAKELEVEL=0
unset MAKEFLAGS T
pages=$(git ls-files '*.md')
lists=$work/docs
rm -rf "$lists"
mkdir -p "$lists"
# make looks at the words that it is given, and does nothing.
# shellcheck disable=SC2016
echo '$(error all is read)' >"$lists/stop.mk"

# The commands, as they stand between backquotes or alone in a code block.
commands() {
	# shellcheck disable=SC2016,SC2086
	{ grep -ho '`make [^`]*`' $pages | tr -d '`'
	awk '/^```/ { code = !code; next } code && /^make / { print }' $pages; } |
		sed 's/ *#.*//' | sort -u
}

# is_listed TARGET NAME: a test, bench or job of that target.
is_listed() {
	[ -e "$lists/$1" ] || make -s "$1" T=list >"$lists/$1" 2>/dev/null || true
	case $1 in
	# of two operations
	sim) [[ $2 =~ ^(quick|triples|historic|historic-list)$ ]] || { grep -qx "${2%%[,+]*}" "$lists/$1" && grep -qx "${2##*[,+]}" "$lists/$1"; } ;;
	*) grep -qE "^$2( |:|$)" "$lists/$1" ;;
	esac
}

targets=$(make -s help | awk '{ print $1 }')
checked=0
while read -r make target words; do
	[ -n "$target" ] || continue
	grep -qx -- "$target" <<<"$targets" || fail "there is no 'make $target'"
	for word in $words; do
		name=${word#T=}
		case $word in
		T=list | T=[A-Z]* | T=...) ;; # a placeholder
		T=*) is_listed "$target" "$name" || fail "'make $target T=list' has no $name" ;;
		esac
	done
	checked=$((checked + 1))
	[[ ${words//T=/} = *=* ]] || continue
	# shellcheck disable=SC2086
	out=$(make -f Makefile -f "$lists/stop.mk" "$target" $words 2>&1) || true
	grep -q "all is read" <<<"$out" || fail "make $target $words"
done < <(commands)
[ $checked -gt 40 ] || fail "only $checked commands were found"

for page in $pages; do
	while read -r link; do
		case $link in
		http* | mailto* | '#'*) continue ;;
		esac
		[ -e "$(dirname "$page")/${link%%#*}" ] || fail "$page: there is no $link"
	done < <(grep -o '](\([^)]*\))' "$page" | sed 's/^](//; s/)$//')
done

# words: one run as another one would print it: numbers are N, the guests' lines one.
words() {
	sed -E -e 's/\([a-z0-9]+, (tcg|kvm)\)/(CPU, ACCEL)/' -e 's/[0-9]+(\.[0-9]+)?/N/g' \
		-e 's/ +/ /g' -e 's/^ //' -e 's/ $//' -e 's/ in N groups?/ in N group/' |
		awk '/^gN / { if (guests++) next } NF'
}
awk '/^```/ { code = !code; next } code && /^Pasture: / { on = 1 } !code { on = 0 } on' README.md |
	words >"$lists/shown"
bash=/bin/bash
out=$(env GUESTS=2 FILES="$bash" "$harness" run 2>/dev/null) || fail "the run failed"
sed -n '/^Pasture: /,/All is well/p' <<<"$out" | words >"$lists/printed"
out=$(diff "$lists/shown" "$lists/printed") || fail "README.md shows another result than a run prints"
