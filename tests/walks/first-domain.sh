#!/bin/bash
# SPDX-License-Identifier: MIT
# How much of the hypervisor can only the first domain reach?  Functions, and their lines from name to closing brace,
# that nothing leads to, by call or by address, but the gates below.  Needs build/hv (make); -v: each function.
cd "$(dirname "$0")/../.." || exit 1
# Asked for privilege before, or in a domain that is the first, or of what it alone has: calls (domctl to
# typed_take), ports and configuration space, frames of devices and of others, interrupts of devices, and what
# is read of devices at boot.
gates="domctl sysctl xsm op_platform device_op evtchn_pirq_bind memory_map_set memory_map_machine acquire typed_take
ioport_in ioport_out configwrite_fault ioframe_take ioframe_drop foreign_take sessions_start sessions_look
pirq_interrupt pirq_bound pirq_end pci_scan ioapic_add console_init_first console_init_served"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
flags="-std=gnu11 -O0 -g -ffreestanding -ffunction-sections -fdata-sections -mgeneral-regs-only -fno-pie -w
-fno-stack-protector -isystem build/inc -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
-D__XEN_TOOLS__ -DDEBUG=0 -DTEST_BUILD=0 -DXXH_NO_STDLIB -Ihv/port -iquote hv -Ihash/include -Ishare/include -Ihv/abi"
for f in $(git ls-files 'hv/*.c' 'share/*.c' 'hash/*.c' | grep -vE '^hash/page_(avx|sse)|asm_offsets'); do
	# shellcheck disable=SC2086
	gcc $flags -c -o "$dir/$(tr / + <<<"${f%.c}").o" "$f" || exit 1
done
# SECTION refers to SYMBOL or SECTION; SYMBOL is SECTION; FUNCTION is at FILE:LINE
for o in "$dir"/*.o; do
	echo "unit $(basename "$o")"
	objdump -r "$o" | awk '/^RELOC/ { s = substr($4, 2, length($4) - 3) } /R_X86/ { sub(/[-+]0x.*/, "", $3); print "refers", s, $3 }'
	objdump -t "$o" | awk '$2 == "g" { print "is", $NF, $(NF - 2) }'
	nm -l --defined-only "$o" | awk '$2 ~ /^[tT]$/ && $4 { print "at", $3, $4 }'
done >"$dir/units"
find build/hv -name '*.asm.o' -exec objdump -r {} + | awk '/R_X86|R_386/ { sub(/[-+]0x.*/, "", $3); print "root", $3 }' >"$dir/roots"
awk -v gates="$gates" -v v="$1" '
function go(all,   n, i, s, k) {
	delete seen
	n = 0
	for (s in roots)
		queue[++n] = s
	for (i = 1; i <= n; i++) {
		s = queue[i]
		if (s in seen || (!all && s ~ /:\.text\./ && substr(s, index(s, ".text.") + 6) in gate))
			continue
		seen[s]
		for (k = 1; k <= refs[s]; k++)
			queue[++n] = (ref[s, k] in is) ? is[ref[s, k]] : ref[s, k]
	}
}
BEGIN { split(gates, g, /[ \n]+/); for (i in g) gate[g[i]] }
$1 == "unit" { unit = $2 }
$1 == "refers" {
	s = unit ":" $2
	ref[s, ++refs[s]] = $3 ~ /^\./ ? unit ":" $3 : $3
	if ($2 !~ /^\.(text|rodata|data|bss|debug|eh_frame)/)
		roots[s]
}
$1 == "is" && $3 ~ /^\./ { is[$2] = unit ":" $3 }
$1 == "at" { place[unit ":.text." $2] = $3; known[$2] }
$1 == "root" { root[$2] }
END {
	for (i in gate)
		if (!(i in known))
			print "no such function: " i
	for (s in root)
		if (s in is)
			roots[is[s]]
	go(0)
	for (s in seen)
		others[s]
	go(1)
	for (s in seen)
		if (!(s in others) && s in place && !counted[place[s]]++)
			print place[s]
}' "$dir/units" "$dir/roots" | sort >"$dir/only"
grep '^no such' "$dir/only" && exit 1
while IFS=: read -r file line; do
	echo "$(awk -v from="$line" 'NR >= from { n++ } NR >= from && /^}/ { exit } END { print n }' "$file") ${file#"$PWD"/}:$line"
done <"$dir/only" >"$dir/counted"
[ "$1" != -v ] || sort -k 2 "$dir/counted"
awk '{ n += $1; split($2, f, ":"); file[f[1]] } END { print n " lines in " NR " functions of " length(file) " files" }' "$dir/counted"
