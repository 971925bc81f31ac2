# SPDX-License-Identifier: MIT
# The pages tell the truth: each `make` command in them is one that there is, with
# variables that mean something to it and a T= that is in its list; each link leads to a
# file; what README.md shows of a run is what a run prints, but for its numbers; each
# `build/pasturectl` does, to a machine that is started as a page says, what the page shows.
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
	awk '/^```/ { code = !code; next } code && /^(\$ )?make / { sub(/^\$ /, ""); print }' $pages; } |
		sed 's/ *[#&].*//' | sort -u
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

# Lines of sessions, one a file: "$ COMMAND" in a code block, and below it what it prints; between
# backquotes or after four blanks a command only.  They are numbered as the pages are named.
# shellcheck disable=SC2016
session() {
	awk -v at="$lists/line" 'function line(text) { close(file); file = sprintf("%s%03d", at, ++n); print text >file }
		FNR == 1 { code = 0 }
		/^```/ { code = !code; inside = 0; next }
		code && /^\$ / { inside = 1; line(substr($0, 3)); next }
		code { if (inside) print >file; next }
		/^    build\/pasturectl / { line(substr($0, 5)); next }
		{ while (match($0, /`build\/pasturectl [^`]*`/)) {
			line(substr($0, RSTART + 1, RLENGTH - 2)); $0 = substr($0, RSTART + RLENGTH) } }' "$@"
}
# does FILE: the command in its first line prints the others.  Those that go on for ever do so for three seconds.
does() {
	local command status=0 want

	command=$(head -n 1 "$1")
	out=$(cd "$lists/at" && timeout 3 bash -c "$command" </dev/null 2>&1) || status=$?
	[[ $status != 124 || $command =~ pasturectl\ (top|watch|console)  ]] || fail "no end of '$command'"
	want=$(sed 1d "$1" | words | uniq)
	[ -z "$want" ] || [ "$want" = "$(words <<<"$out" | uniq)" ] || fail "the pages show another answer to '$command': $want"
	[ -n "$want" ] || [[ $status =~ ^(0|124)$ ]] || fail "'$command' fails"
	did=$((did + 1))
}
# The page that starts the machine ends it, too: it is the last one.
live=$(grep -l '^\$ make boot-mine .* &$' $pages)
[ "$(wc -l <<<"$live")" = 1 ] || fail "not one page starts a machine to try things on: $live"
session $(tr ' ' '\n' <<<"$pages" | grep -vx "$live") "$live"
rm -rf "$lists/at"
mkdir "$lists/at"
ln -s "$PWD/build" "$lists/at/build"
did=0
touch "$lists/machine"
start=$(grep -l '^make boot-mine ' "$lists"/line*)
bash -c "exec $(sed 's/ &$//' "$start")" >"$lists/machine" 2>&1 </dev/null &
machine=$!
trap 'kill $machine 2>/dev/null || :' EXIT
export PASTURE_CONTROL=build/mine/control.sock
for ((i = 0; i < 300; i++)); do
	kill -0 $machine 2>/dev/null || fail "no machine: $(tail -n 2 "$lists/machine")"
	[ "$(grep -c 'phase=hold' "$lists/machine")" != 2 ] || break
	sleep 0.1
done
for line in "$lists"/line*; do
	case $(head -n 1 "$line") in
	*build/pasturectl*) does "$line" ;;
	"$(cat "$start")" | "export PASTURE_CONTROL=$PASTURE_CONTROL") ;;
	*) fail "what is this: $(cat "$line")" ;;
	esac
done
[ $did -gt 15 ] || fail "only $did lines of pasturectl"
wait $machine || fail "the machine ended with $?: $(tail -n 3 "$lists/machine")"
