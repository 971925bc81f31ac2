# SPDX-License-Identifier: MIT
# SH24-SH28: under -icount an offer takes the same number of instructions, and gives
# the same result and counters, whether or not another group holds the page.
. bench/guest.sh
log=build/cli/other-groups
mkdir -p $log
# Not the benches': it shows $out.
. tests/cli/lib.sh

# boot NAME KERNEL: $log/domains.cfg; the console -> $out.
boot() {
	local name=$1

	# The clock and so what is random starts the same each time.
	# shellcheck disable=SC2086
	"$harness" machine "$log/$name.log" TIMEOUT=100 -- $icount \
		-rtc base=2026-01-01,clock=vm -cpu qemu64 -smp 1 -m 256 \
		-kernel build/pasture -append exit=qemu \
		-initrd "$log/domains.cfg,build/guest/$2.elf" ||
		fail "the machine '$name' did not end well"
	out=$(cat "$log/$name.log")
	[ "$(grep -c 'Test result: SUCCESS' <<<"$out")" = 2 ] ||
		fail "a guest of '$name' failed"
}

# machine NAME GROUP CONTENT: the other guest's; what the measured guest saw -> NAME.seen
machine() {
	local name=$1

	cat >"$log/domains.cfg" <<CFG
domain name=other kernel=share-blind.elf memory=8M group=$2 cmdline="role=other content=$3"
domain name=measure kernel=share-blind.elf memory=8M group=b cmdline="role=measure content=1"
CFG
	boot "$name" share-blind
	sed -n 's/^.* measure) \(BLIND .*\)/\1/p' <<<"$out" >"$log/$name.seen"
	[ "$(wc -l <"$log/$name.seen")" = 100 ] || fail "'$name' lacks lines"
}

# turns NAME GROUP CONTENTS: the other guest's, which works in turn with the observer -> NAME.seen
turns() {
	local name=$1

	cat >"$log/domains.cfg" <<CFG
domain name=work kernel=groups-apart.elf memory=8M group=$2 cmdline="role=work contents=$3"
domain name=observe kernel=groups-apart.elf memory=8M group=b cmdline="role=observe"
CFG
	boot "$name" groups-apart
	sed -n 's/^.* observe) \(APART .*\)/\1/p' <<<"$out" >"$log/$name.seen"
	[ "$(wc -l <"$log/$name.seen")" = 168 ] || fail "'$name' lacks lines"
}

machine same a 1
machine different a 2
out=$(diff "$log/same.seen" "$log/different.seen") ||
	fail "the guest can tell what another group holds"
# In its own group it can, so the comparison sees what there is to see.
machine own b 1
! cmp -s "$log/same.seen" "$log/own.seen" ||
	fail "a match in one's own group looks as a miss: this test sees nothing"

# Where frames appear, and what each call costs, while the other group's offers match or miss.
turns matches a 1
turns misses a 0
out=$(diff "$log/matches.seen" "$log/misses.seen") ||
	fail "the guest can tell whether another group's offers match"
turns own-matches b 1
! cmp -s "$log/matches.seen" "$log/own-matches.seen" ||
	fail "what one's own group does does not show: this test sees nothing"
