# SPDX-License-Identifier: MIT
# Recorded runs with Linux guests: one that goes well, and all that can go wrong.
# Beside others (5 s): a fake machine with a folder for it.
echo x >"$work/initrd"
play() { # DIALOGUE STATUS TEXT
	FAKE_DIALOGUE=$dir/dialogues/$1 expect "$2" "$3" "$harness" linux GUESTS=2 \
		QEMU="$dir/fake-qemu" KERNEL=build/guest/minimal.elf \
		INITRD="$work/initrd" DIR="$work/linux" TIMEOUT=20
}
json=$work/linux/report.json
has() {
	grep -q "\"$1\": $2[,]*\$" "$json" || fail "$json: no \"$1\": $2"
}
says() {
	grep -qF -- "$1" <<<"$out" || fail "it does not say: $1"
}
play linux-good 0 "All is well."
says "user space reached   2 of 2"
says "65536 pages owned by the guests, 57344 with memory given back, 65536 at the end"
has ok true
has guests 2
has guests_reached_userspace 2
has jobs_ok 2
has dmesg_complaints 0
has frames_lost 0
has audit_errors 0
has balloon_guests_ok 2
has balloon_pages_before 65536
has balloon_pages_down 57344
has balloon_pages_up 65536

play linux-bad 1 "WRONG: guest g1: its job failed in: memory,dmesg"
says "WRONG: the kernel of guest g1 says: [    1.0] WARNING: CPU: 0 PID: 1 at mm/memory.c:1"
says "WRONG: guest g2 did not reach user space"
says "WRONG: guest g2 ended by crash"
says "WRONG: 3 frames were lost"
says "WRONG: the audit found 2 errors"
says "WRONG: the hypervisor lost frames or failed its audit"
has ok false
has guests_reached_userspace 1
has dmesg_complaints 1
has balloon_guests_ok 0

# --- what the guests are ---
domains=$work/linux/domains.cfg
grep -c ' vcpus=1 ' "$domains" | grep -qx 2 || fail "not two guests of one CPU: $domains"
FAKE_DIALOGUE=$dir/dialogues/linux-good expect 0 "All is well." "$harness" linux GUESTS=2 VCPUS=4 \
	QEMU="$dir/fake-qemu" KERNEL=build/guest/minimal.elf INITRD="$work/initrd" DIR="$work/linux" TIMEOUT=20
grep -c ' vcpus=4 ' "$domains" | grep -qx 2 || fail "not two guests of four CPUs: $domains"
# A boot whose instructions are counted has nobody beside it.
rm "$domains"
FAKE_DIALOGUE=$dir/dialogues/linux-good expect 2 "counting instructions: " "$harness" icount POINTS=a=1 VCPUS=2 \
	QEMU="$dir/fake-qemu" KERNEL=build/guest/minimal.elf INITRD="$work/initrd" DIR="$work/linux" TIMEOUT=5
[ "$(grep '^domain' "$domains")" = "$(grep '^domain name=g1 .* vcpus=2 ' "$domains")" ] || fail "more than one guest: $domains"

# --- more guests than the machine has memory for ---
FAKE_DIALOGUE=$dir/dialogues/linux-shares expect 0 "guests at once                   2       without sharing 3" "$harness" linux \
	GUESTS=2 SHARING=1 OVERCOMMIT=1 MEM=240 QEMU="$dir/fake-qemu" KERNEL=build/guest/minimal.elf INITRD="$work/initrd" \
	DIR="$work/linux" TIMEOUT=20
has guests_at_once 2
has guests_without_sharing 3
grep -q 'overcommit=on' "$work/linux/"* || fail "the hypervisor does not know of it"
