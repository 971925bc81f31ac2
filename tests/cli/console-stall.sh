# SPDX-License-Identifier: MIT
# CP10: the terminal, which is the harness, reads nothing for 4 seconds while one guest prints all
# it can.  The other guest goes on, what was lost is said, and the machine's last lines get out.
# Debug build, as in the boot tests: its checks of lock order see who waits for the device.
# Beside others (6 s): what it bounds is whether a guest goes on, not when.
guest=build/guest/console-stall.elf
log=$work/stall.log
cat > "$work/stall.cfg" <<'LIST'
domain name=silent kernel=console-stall.elf memory=8M
domain name=flood kernel=console-stall.elf memory=8M cmdline="watch=1"
LIST
"$harness" machine "$log" TIMEOUT=60 -- -accel tcg -cpu qemu64 -m 128 \
	-kernel build/debug/pasture -initrd "$work/stall.cfg,$guest" \
	-append "exit=qemu console-rate=0 config=stall.cfg" &
reader=$!
sleep 1
kill -STOP $reader
sleep 4
kill -CONT $reader
wait $reader || fail "the machine ended with $?"
has() {
	grep -qE -- "$1" "$log" || fail "no '$1' in $log"
}
has '^\(d1 silent\) stood still [0-9]+ ms at most'
has '^\(d1 silent\) Test result: SUCCESS'
has '^pasture: warning: the terminal did not read: [0-9]+ lines'
has '^@end frames_lost=0 '
