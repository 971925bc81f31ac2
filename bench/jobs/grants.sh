#!/bin/bash
# SPDX-License-Identifier: MIT
# two guests: one serves its files to the other over granted pages; sums compared with the host's
# reads: FILES CPUS CPU_MODEL ACCEL QEMU TIMEOUT
B=build/grants
FILES=${FILES:-/usr/share/common-licenses /usr/include/xen}

fail() {
	echo "pasture: $*" >&2
	exit 1
}

. bench/own.sh
own "$B"
rm -f "$B"/{list,want,got,files.cpio}
make -s build/harness build/pasture build/guest/block-ring.elf || exit 1
# The files, without links; at most 12 MiB of them, which is what the server has room for.
# A blank in a name needs a backslash before it.
# shellcheck disable=SC2162
read -a files <<<"$FILES"
find "${files[@]}" -type f -size -4096k 2>/dev/null | sort | head -n 400 |
	while read -r f; do
		total=$((${total:-0} + $(stat -c %s "$f")))
		[ "$total" -gt 12582912 ] || echo "$f"
	done >"$B/list"
[ -s "$B/list" ] || fail "no files in $FILES; name others with FILES="
busybox cpio -o -H newc <"$B/list" >"$B/files.cpio" 2>"$B/cpio.log" ||
	fail "no archive could be made: $(tail -n 1 "$B/cpio.log")"
# What each must be: sum, bytes, name, as the client prints them.
while read -r f; do
	[ ! -s "$f" ] || cksum <"$f" | sed "s|\$| ${f:0:95}|"
done <"$B/list" | sort >"$B/want"

cat >"$B/domains.cfg" <<CFG
domain name=server kernel=block-ring.elf memory=32M modules=files.cpio cmdline="role=server peer=2"
domain name=client kernel=block-ring.elf memory=8M cmdline="role=client peer=1"
CFG
echo "Two guests: one has $(wc -l <"$B/want") files, the other reads them over granted pages."
log=$B/console.log
build/harness machine "$log" V=0 -- -accel "${ACCEL:-tcg}" -cpu "${CPU_MODEL:-qemu64}" \
	-smp "${CPUS:-2}" -m 256 -kernel build/pasture -append "exit=qemu" \
	-initrd "$B/domains.cfg domains.cfg,build/guest/block-ring.elf block-ring.elf,$B/files.cpio files.cpio"
status=$?
sed -n 's/^(d2 client) read //p' "$log" | tr -d '\r' | sort >"$B/got"
sed -n 's/^(d[12] [a-z]*) \(server\|client\):/  \1:/p' "$log"
[ "$status" = 0 ] || fail "the machine did not end well; see $log and $log.qemu"
cmp -s "$B/want" "$B/got" ||
	fail "WRONG: the client did not read what the files hold; see $B/want and $B/got"
[ "$(grep -c 'Test result: SUCCESS' "$log")" = 2 ] ||
	fail "WRONG: a guest found an error; see $log"
grep -q '^@end frames_lost=0 .*audit_errors=0 .*crashed=0' "$log" ||
	fail "WRONG: frames were lost, or the audit found errors; see $log"
echo "  host:   cksum agrees for all $(wc -l <"$B/got") files; no frame lost"
echo "All is well."
