# SPDX-License-Identifier: MIT
# Sharing that does less than it promises is no success, and the reason is said.
plays offers-refused 1 "WRONG: 3100 of 8000 offers were refused: budget used up: overcommit=off promises"
grep -q "WRONG: sharing saved .* % of what is possible; at least 99 % are promised" <<<"$out" || fail "no figure"
grep -qE "give MEM=[0-9]+, or OVERCOMMIT=1" <<<"$out" || fail "no advice"
plays few-saved 1 "% of what is possible; at least 99 % are promised"
! grep -q "refused:" <<<"$out" || fail "nothing was refused"
# What the tool recommends is enough for all that is promised.
expect 2 "is too little" "$harness" run MEM=64
mem=$(sed -n 's/.*give MEM=\([0-9]*\) .*/\1/p' <<<"$out")
expect 0 "All is well." "$harness" run MEM="$mem" TIMEOUT=100
