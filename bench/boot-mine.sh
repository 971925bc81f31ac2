#!/bin/bash
# SPDX-License-Identifier: MIT
# Boot a PV kernel of your own, as GUESTS guests of one group, on this terminal; make boot-mine.
# The package pasture-tools says where things are: LIB, PASTURE, HARNESS, DIR, and its command, ME.
. "${LIB:-bench}/own.sh"
B=${DIR:-build/mine}
pasture=$(realpath "${PASTURE:-build/pasture}") harness=$(realpath "${HARNESS:-build/harness}")

fail() {
	echo "pasture: $1" >&2
	exit 2
}
number() { # NAME VALUE FROM TO
	[[ $2 =~ ^[0-9]{1,7}$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] ||
		fail "$1=$2: wanted a number from $3 to $4"
}
[ -n "${KERNEL-}" ] || fail "name your kernel: ${ME:-make boot-mine} KERNEL=FILE"
guests=${GUESTS:-2} each=${GUEST_MEM:-32} vcpus=${VCPUS:-1} breaks=${BREAKS:-first}
number GUESTS "$guests" 1 250
number GUEST_MEM "$each" 1 1048576
number VCPUS "$vcpus" 1 32
[[ $breaks =~ ^(first|guest)$ ]] || fail "BREAKS=$breaks: wanted first or guest"
[[ ${WORDS-} != *[\"$'\n']* ]] || fail "WORDS: no quotation mark in a command line"
# shellcheck disable=SC2162
read -a files <<<"${INITRD-}"
for f in "${files[@]}"; do
	[ -f "$f" ] && [ -r "$f" ] || fail "INITRD: cannot read $f"
done

[ ! -e "$B" ] || [ -e "$B/.lock" ] || [ -z "$(ls -A "$B")" ] || fail "DIR=$B has other things in it"
own "$B"
find "$B" -mindepth 1 ! -name .lock -delete
"$harness" kernel "$KERNEL" "$B/kernel" || exit 2
modules="domains.cfg,kernel" parts=
for f in "${files[@]}"; do
	part=part$((++n))
	cp -- "$f" "$B/$part"
	modules+=",$part" parts+="+$part"
done
# Twice what the guests have: their frames, and once more the distinct pages that they share.
mem=${MEM:-$((2 * guests * each + 64 + $(du -cm "$B" | tail -n 1 | cut -f 1)))}
number MEM "$mem" 16 1048576
echo "domain name=mine count=$guests group=mine kernel=kernel memory=${each}M vcpus=$vcpus breaks=$breaks${parts:+ \
modules=${parts#+}}${WORDS:+ cmdline=\"$WORDS\"}" >"$B/domains.cfg"

(cd "$B" && exec "$harness" machine console.log V=1 TIMEOUT="${TIMEOUT:-300}" --type -- \
	-accel "${ACCEL:-tcg}" -cpu "${CPU_MODEL:-qemu64}" -smp "${CPUS:-2}" -m "${mem}M" \
	-chardev socket,id=c,path=control.sock,server=on,wait=off -serial chardev:c \
	-kernel "$pasture" -append "exit=qemu ctl=com2 stats=200" -initrd "$modules") | sed -u '/^@stat /d'
status=${PIPESTATUS[0]}

# Frames that sharing saved, at most; how each guest ended.
saved=$(sed -n 's/^@stat .*pages_sharing=\([0-9]*\).*/\1/p' "$B/console.log" | sort -n | tail -n 1)
echo
sed -n 's/^@dom .*name=\([^ ]*\) state=dead reason=\([^ ]*\) code=\([^ ]*\).*/  \1  \2 \3/p' "$B/console.log"
sed -n 's/^@stat .*cow_breaks=\([0-9]*\).*/\1/p' "$B/console.log" | tail -n 1 |
	sed "s/.*/  saved by sharing, at most: ${saved:-0} pages; breaks: &/"
[ "$status" = 0 ] || fail "the machine did not end well; all that it printed is in $B/console.log"
grep -q '^@end frames_lost=0 .*audit_errors=0 .*crashed=0' "$B/console.log" ||
	fail "a guest was ended for a mistake, or frames were lost; see $B/console.log"
