#!/bin/bash
# SPDX-License-Identifier: MIT
# the first domain and Debian's Xen tools on Pasture and on Xen 4.17: what xl says that should be equal
# reads: ACCEL CPU_MODEL QEMU TIMEOUT N
# The same kernel, initial RAM disk and words of the command line; Pasture is given the
# kernel unpacked.  Then xl creates and destroys a guest N times (1,000): nothing is lost.
set -u
. bench/own.sh
. bench/linux/lib.sh
need all build/linux/linux-generic.elf build/linux/dom0.gz build/linux/xen.elf
kernel=$(kernel_of linux-image-amd64) || exit 1
B=build/soak/dom0
own "$B"
words="console=hvc0 acpi=off pci=off initcall_blacklist=cmos_init job=tools"
options="dom0_mem=400M dom0_max_vcpus=1 com1=115200,8n1 console=com1"

# on NAME HYPERVISOR KERNEL UNTIL WORDS SECONDS: what the first domain said is in $B/NAME.txt
on() {
	build/harness machine "$B/$1.log" V=0 UNTIL="$4" TIMEOUT="${TIMEOUT:-$6}" -- \
		-accel "${ACCEL:-tcg}" -cpu "${CPU_MODEL:-qemu64}" -smp 1 -m 768 -kernel "$2" \
		-append "exit=qemu $options" -initrd "$3 $words $5,build/linux/dom0.gz" ||
		{ echo "dom0: $1 did not end well: $B/$1.log"; exit 1; }
	tr -d '\r' <"$B/$1.log" | sed -n 's/^.*@dom0 \(.*\)$/\1/p' >"$B/$1.txt"
	[ -s "$B/$1.txt" ] || { echo "dom0: $1 said nothing: $B/$1.log"; exit 1; }
}
# nothing_lost NAME
nothing_lost() {
	grep -q "^@end frames_lost=0 .*audit_errors=0" "$B/$1.log" || { echo "dom0: $(grep "^@end" "$B/$1.log")"; exit 1; }
}
on pasture build/pasture build/linux/linux-generic.elf "@end " "" 300
nothing_lost pasture
on xen build/linux/xen.elf "$kernel" "@dom0 end" "" 300

# What must be the same, line by line.  Not looked at: what names the hypervisor, the
# machine's clock and memory, CPU time (and how many digits it has), HVM (which needs what
# Pasture does not), and the log.
equal() {
	grep -E '^step name=(modules|store|init|consoled|info|list|listv|vcpus) |^(modules|store|init): |^(list|listv|vcpus): |^info: (release|machine|nr_cpus|max_cpu_id|nr_nodes|cores_per_socket|threads_per_core|sharing_.*|outstanding_claims|free_cpus|xen_major|xen_minor|xen_scheduler|xen_pagesize|platform_params|xend_config_format) ' "$1" |
		sed -E 's/ +[0-9]+\.[0-9]+ */ TIME /; s/written by [0-9]+/written by PID/'
}
if ! diff <(equal "$B/pasture.txt") <(equal "$B/xen.txt"); then
	echo "dom0: Pasture (<) and Xen (>) differ"
	exit 1
fi
[ "$(equal "$B/pasture.txt" | wc -l)" -ge 30 ] || { echo "dom0: too few lines were compared"; exit 1; }
echo "dom0: $(equal "$B/pasture.txt" | wc -l) lines are the same on both"

count=${N:-1000}
on births build/pasture build/linux/linux-generic.elf "@end " "create=$count" $((300 + 6 * count))
nothing_lost births
grep -q '^step name=created ok=1' "$B/births.txt" || { echo "dom0: xl create or destroy failed: $B/births.log"; exit 1; }
[ "$(grep -c '^@dom id=.* state=made' "$B/births.log")" = $((count + 1)) ] || { echo "dom0: not all were made"; exit 1; }
echo "dom0: $count guests were created and destroyed, no frame is lost"
echo "All is well."
