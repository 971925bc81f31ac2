# SPDX-License-Identifier: MIT
# The live view of a real run: on a terminal, whatever its size, one screen that is drawn in place and
# leaves nothing behind; where there is none, plain lines.  pasturectl works beside it.
command -v script >/dev/null || exit 77
# Enough for a few seconds of work.
head -c 60000000 /dev/urandom >"$work/live.files"
draws() { # COLUMNS ROWS
	script -qec "stty cols $1 rows $2; $harness run GUESTS=2 FILES=$work/live.files" /dev/null >"$work/live.typescript" </dev/null
	grep -aq "All is well" "$work/live.typescript" || fail "$(tail -n 5 "$work/live.typescript")"
}
# A terminal, as far as the view uses one: what is on it when the last screen has been drawn, that
# is before the table begins; and any line that was ever too wide, or went up too far.
screen() { # COLUMNS ROWS
	perl -e 'my ($columns, $rows) = @ARGV; my (@line, $at); local $/; $_ = <STDIN>;
		s/\r//g; s/\nPasture: .*//s;
		while (/\G(?:\e\[(\d*)([AJK])|(\n)|([^\e\n]+))/gc) {
			if ($3) { $at++; next }
			if (defined $4) {
				print "too wide: $4\n" if length $4 >= $columns;
				substr($line[$at] //= "", 0, length $4) = $4; $len[$at] = length $4; next }
			if ($2 eq "A") { $at -= $1; print "too high\n" if $1 >= $rows || $at < 0; $len[$at] = 0 }
			elsif ($2 eq "K") { $line[$at] = substr($line[$at] // "", 0, $len[$at]) }
			else { $#line = $at - 1 }
		}
		print "not known: ", substr($_, pos() // 0, 20), "\n" if (pos() // 0) < length;
		print map { ($_ // "") . "\n" } @line' "$1" "$2" <"$work/live.typescript"
}
once() { # TEXT
	[ "$(grep -cF -- "$1" <<<"$out")" = 1 ] || fail "'$1' is not on the screen once"
}
draws 120 30
out=$(screen 120 30)
! grep -qE '^(too|not known)' <<<"$out" || fail "lines that do not fit"
once "  memory ["
once "# own "
once "  offers "
once "  g1     t1"
once "  g2     t1"
once " of 2 guests done "
grep -aq 'shared [0-9.]* back [0-9.]* MiB  breaks ' "$work/live.typescript" || fail "no memory of a guest"
draws 50 7
out=$(screen 50 7)
! grep -qE '^(too|not known)' <<<"$out" || fail "lines that do not fit a small terminal"
once "  memory ["
once " of 2 guests"
draws 30 4
out=$(screen 30 4)
! grep -qE '^(too|not known)' <<<"$out" || fail "lines that do not fit a smaller terminal"
! grep -qF "memory [" <<<"$out" || fail "three lines of memory where four rows are"

"$harness" run GUESTS=2 FILES="$work/live.files" >"$work/live.plain" &
run=$!
trap 'kill $run 2>/dev/null || :' EXIT
for ((i = 0; i < 100; i++)); do
	! build/pasturectl list >"$work/live.list" 2>/dev/null || break
	sleep 0.1
done
wait $run || fail "$(tail -n 3 "$work/live.plain")"
grep -q '^g1  *1  t1 ' "$work/live.list" || fail "pasturectl beside a run: $(cat "$work/live.list")"
! grep -q "$(printf '\033')" "$work/live.plain" || fail "it draws where there is no terminal"
