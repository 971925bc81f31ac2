# SPDX-License-Identifier: MIT
# No room for the console: the run is not well, and says why.  A limit on files stands in.
export FAKE_DIALOGUE=$dir/dialogues/chatter
limited() {
	(
		trap '' XFSZ
		ulimit -f 200
		exec "$harness" many GUESTS=2 QEMU="$dir/fake-qemu" TIMEOUT=30
	)
}
expect 1 "WRONG: cannot write all of build/many/console.log: File too large" limited
! grep -q "All is well" <<<"$out" || fail "all is well?"
printf '! lines 900 a line\n' >"$work/long"
one() {
	(
		trap '' XFSZ
		ulimit -f 1
		FAKE_DIALOGUE=$work/long exec "$harness" machine "$work/full.log" QEMU="$dir/fake-qemu"
	)
}
expect 1 "pasture: cannot write all of $work/full.log: File too large" one
