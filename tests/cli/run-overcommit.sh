# SPDX-License-Identifier: MIT
# OVERCOMMIT=1 without a machine: what the harness asks for, and makes of guests that wait.
refuses "OVERCOMMIT=2: wanted a number from 0 to 1" "$harness" run OVERCOMMIT=2
refuses "one guest of" "$harness" run OVERCOMMIT=1 MEM=16
plays waits 0 "2 guests at once, 1 of which waited for memory" OVERCOMMIT=1
grep -q '"guests_waited": 1' build/run/report.json || fail "report.json: no guests_waited"
grep -q '"overcommit": true' build/run/report.json || fail "report.json: no overcommit"
plays waits-in-vain 1 "guest g2 was never created: the machine had no memory for it" OVERCOMMIT=1
plays good 0 "All is well."
! grep -q "waited for memory" <<<"$out" || fail "a word about memory without overcommit"
