# SPDX-License-Identifier: MIT
# Two runs in one tree: the second says so, and leaves the first one's files alone.
export FAKE_DIALOGUE=$dir/dialogues/hang
"$harness" run GUESTS=2 QEMU="$dir/fake-qemu" TIMEOUT=20 FILES="$(files)" >"$work/first" 2>&1 &
first=$!
until grep -q "g1 .*offer" "$work/first" 2>/dev/null; do sleep 0.1; done
refuses "another run uses build/run (process $first); wait for its end" \
	"$harness" run GUESTS=2 QEMU="$dir/fake-qemu" FILES="$(files)"
refuses "another run uses build/run" "$harness" run --interactive
grep -q "phase=offer" build/run/console.log || fail "the first one's console is gone"
wait $first || true
grep -q "gave up after TIMEOUT=20" "$work/first" || fail "the first one did not go on"
# The same for scripts.
(
	. bench/own.sh
	own "$work/owned"
	sleep 3
) &
sleep 0.5
refuses "another run uses $work/owned" bash -c ". bench/own.sh; own $work/owned"
wait $!
bash -c ". bench/own.sh; own $work/owned; own $work/owned" || fail "it is still owned"
