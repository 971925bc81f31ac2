# SPDX-License-Identifier: MIT
# make replay: pages whose kinds are known, page by page; groups; lists; and a user's mistakes.
# Beside others (1 s): no machine.
top=$work/replay replay=build/pasture-replay
rm -rf "$top"
mkdir -p "$top/a/sub" "$top/b" "$top/empty"
page() { # NUMBER: 4096 bytes like no other's
	head -c 4096 /dev/zero | tr '\0' "\\$(printf '%03o' "$1")"
}
{ page 65; page 66; page 65; head -c 4096 /dev/zero; } >"$top/a/1"
{ page 67; printf 'end'; } >"$top/a/sub/2"	# the last page is filled up
: >"$top/a/none"
ln -s /etc/passwd "$top/a/link"
{ page 65; page 68; head -c 4096 /dev/zero; } >"$top/b/1"
{ page 67; page 69; printf 'end'; } >"$top/image"

out=$("$replay" -o "$top/out" "one:$top/a" "one:$top/b" "two:$top/image") || fail "it ended with $?"
pages=$top/out/pages.csv
expect() { # GUEST FILE PAGE KIND
	grep -qE "^\"[a-z]+\",\"$top/$1\",\"$top/$2\",$3,$4,[0-9]+\$" "$pages" || fail "$pages: $2 page $3 is not $4"
}
expect a a/1 0 first_of_shared
expect a a/1 1 alone
expect a a/1 2 within_guest
expect a a/1 3 zero
expect a a/sub/2 0 other_group_only
expect a a/sub/2 1 other_group_only
expect b b/1 0 between_guests
expect b b/1 1 alone
expect b b/1 2 zero
expect image image 0 other_group_only
expect image image 1 alone
expect image image 2 other_group_only
[ "$(wc -l <"$pages")" = 13 ] || fail "$pages has more, or less, than 12 pages"
jq -e '.figures.pages == 12 and .figures.frames == 9 and .figures.pages_saved == 3 and
	.figures.general_profit == 3 * 4096 - .figures.metadata_bytes and
	(.groups | map(.name) == ["one", "two"]) and (.groups | map(.frames) == [6, 3]) and
	(.guests | map(.pages) == [6, 3, 3]) and .guests[2].group == "two" and
	.guests[0].within_guest == 1 and .guests[1].between_guests == 1' "$top/out/report.json" >/dev/null ||
	fail "$top/out/report.json is not what these pages make"
grep -q "group one: 0.0 MiB in 0.0 MiB of memory, 33.3 % saved" <<<"$out" || fail "the table says something else"

# A list of words, with comments, is the same; so is make.
printf '# guests\none:%s\n\none:%s\ntwo:%s\n' "$top/a" "$top/b" "$top/image" >"$top/list"
"$replay" -o "$top/out2" "@$top/list" >/dev/null && cmp "$top/out/pages.csv" "$top/out2/pages.csv" || fail "a list is not its words"

mistake() { # WORDS... : what it says
	local want=${*: -1} said

	said=$("$replay" -o "$top/bad" "${@:1:$#-1}" 2>&1 >/dev/null) && fail "'${*:1:$#-1}' was taken"
	[ $? = 2 ] || fail "'${*:1:$#-1}': it ended with $?"
	grep -qF -- "$want" <<<"$said" || fail "'${*:1:$#-1}' said '$said', not '$want'"
}
mistake 'usage: pasture-replay'
mistake -x 'usage: pasture-replay'
mistake "$top/absent" "$top/absent: No such file or directory"
mistake ":$top/a" "is not [GROUP:]PATH"
mistake "g:" "is not [GROUP:]PATH"
mistake "$top/empty" "$top/empty: nothing in it"
ln -s "$top/a" "$top/to-a"
"$replay" -o "$top/out3" "$top/to-a" >/dev/null && [ "$(wc -l <"$top/out3/pages.csv")" = 7 ] || fail "a link to a folder is not the folder"
mistake /dev/null "/dev/null: neither a file nor a folder"
mistake "@$top/absent" "$top/absent: No such file or directory"
"$replay" -o /dev/null/x "$top/a" >/dev/null 2>"$top/said" && fail "a report into nowhere was written"
grep -q 'cannot make the folder' "$top/said" || fail "a report into nowhere: $(cat "$top/said")"
