# SPDX-License-Identifier: MIT
# A QEMU that cannot start, beside what an earlier run left: nothing of that is a result, and
# nobody says that all is well.  Its exit status is 1.
qemu=$work/qemu-fails
printf '#!/bin/sh\necho "qemu: no such machine" >&2\nexit 1\n' >"$qemu"
chmod +x "$qemu"
stale() { # LOG LINE...: what a good run leaves
	mkdir -p "$(dirname "$1")"
	printf '%s\n' "${@:2}" >"$1"
}
gone() { # FILE: without what was stale
	! grep -aq stale "$1" 2>/dev/null || fail "$1 is an earlier run's"
}
expect 1 "did not end well" env QEMU="$qemu" bash bench/run-named.sh job bench/jobs grants
stale build/bench/cow-ways.log "(d1 bench) BENCH copy 1 stale" "BENCH bounce 1" "BENCH attempt 1" \
	"(d1 bench) BENCH last_x 1" "BENCH x 1" "BENCH last_x.uncopied 1"
expect 1 "did not end well" env QEMU="$qemu" bash bench/benches/cow-ways.sh
gone build/bench/cow-ways.log
stale build/bench/hypercalls.log "BENCH mmu_update.x 1 stale"
expect 1 "did not end well" env QEMU="$qemu" bash bench/benches/hypercalls.sh
gone build/bench/hypercalls.log
stale build/jobs/trace/console.log "stale"
expect 1 "did not end well" env QEMU="$qemu" bash bench/run-named.sh job bench/jobs trace
gone build/jobs/trace/console.log
stale build/differential/pasture.log "ATTACK x 1 stale"
expect 1 "did not end well" env QEMU="$qemu" bash tests/differential/run.sh
gone build/differential/pasture.log

# The harness itself: the main job, its CD, and a terminal.
stale build/run/report.json '"ok": true, "stale": true'
stale build/run/console.log stale
expect 1 "WRONG: QEMU died (qemu: no such machine)" "$harness" run GUESTS=1 QEMU="$qemu"
gone build/run/console.log
gone build/run/report.json
: >"$work/empty.iso"
expect 1 "WRONG: QEMU died" "$harness" run GUESTS=1 QEMU="$qemu" --iso "$work/empty.iso"
expect 1 "no such machine" "$harness" run GUESTS=1 QEMU="$qemu" --interactive
sed -n '/^qemu:/,/^qemu-gdb:/p' Makefile | grep -q '|| \[ $$? = 33 \]' || fail "make qemu takes another status for success"
stale build/run/report.json '"stale": true'
expect 2 "cannot read /no/such" "$harness" run FILES=/no/such
gone build/run/report.json
stale build/run/console.log stale
expect 2 "cannot read /no/such" "$harness" run FILES=/no/such
gone build/run/console.log
stale build/bench/cow-ways.json stale
expect 1 "bench failed: cow-ways" env QEMU="$qemu" bash bench/run-named.sh bench bench/benches cow-ways
gone build/bench/cow-ways.json
# All lines of a good run, and then QEMU fails.
plays fails-late 1 "WRONG: QEMU died (qemu: out of breath)"
