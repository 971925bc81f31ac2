# SPDX-License-Identifier: MIT
# A narrow terminal, and a low one: each line that is drawn is one line, and all are on the screen.
command -v script >/dev/null || exit 77
export FAKE_DIALOGUE=$dir/dialogues/good
draws() { # COLUMNS ROWS
	script -qec "stty cols $1 rows $2; $harness run GUESTS=2 QEMU=$dir/fake-qemu FILES=$(files)" /dev/null >"$work/typescript" </dev/null
	grep -aq "All is well" "$work/typescript" || fail "$(tail -n 5 "$work/typescript")"
}
draws 40 30
grep -a "$(printf '\033')\[K" "$work/typescript" | sed "s/$(printf '\033')\[[0-9]*[AJK]//g" | tr -d '\r' >"$work/drawn"
[ -s "$work/drawn" ] || fail "nothing was drawn"
long=$(awk 'length($0) > 39' "$work/drawn" | head -n 1)
[ -z "$long" ] || fail "a line of more than 39 columns: $long"
draws 100 3
! grep -aq "$(printf '\033')\[3A" "$work/typescript" || fail "it draws more lines than there are"
