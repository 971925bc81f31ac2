# SPDX-License-Identifier: MIT
# Machines and guests that go wrong: each is said, and the exit is not zero.
plays panic 1 "WRONG: the hypervisor panicked: pasture: panic on CPU 0: mm/frame.c:12"
grep -q "rip 0xffff828000001234" <<<"$out" || fail "no console tail"
plays hang 1 "WRONG: gave up after TIMEOUT=2 seconds" TIMEOUT=2
plays early-death 1 "WRONG: QEMU died (qemu: could not load kernel 'pasture')"
plays reset 1 "WRONG: the machine reset itself"
plays refused 1 "WRONG: the hypervisor refused what it was given"
grep -q "unknown word colour=red" <<<"$out" || fail "the reason is not shown"
plays no-snapshot 1 "WRONG: no snapshot was taken"
plays verify-errors 1 "WRONG: guest g1: 3 pages differ from their files"
plays frames-lost 1 "WRONG: 2 frames were lost"
grep -q "WRONG: the audit found 1 errors" <<<"$out" || fail "no audit error"
plays cross-group 1 "WRONG: 4 frames are shared between groups"
plays guest-crash 1 "WRONG: guest g1 ended by crash"
grep -q "\"ok\": false" build/run/report.json || fail "report.json says ok"
