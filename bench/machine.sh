# SPDX-License-Identifier: MIT
# For scripts that start the machine themselves:
#
#	machine NAME MIB CPUS [QEMU OPTIONS...] < DOMAIN-LIST
#
# boots build/pasture (or $PASTURE) in build/jobs/NAME with the domain list from stdin and the
# kernels it names, from build/guest.  Prints all that the machine prints, keeps it in
# build/jobs/NAME/console.log, and returns 0 if the hypervisor ended well.
. bench/own.sh

machine() {
	local name=$1 mib=$2 cpus=$3 dir modules kernel
	shift 3

	dir=build/jobs/$name
	own "$dir"
	find "$dir" -mindepth 1 ! -name .lock -delete
	cat > "$dir/domains.cfg"
	modules="$dir/domains.cfg domains.cfg"
	for kernel in $(sed -n 's/.*kernel=\([^ ]*\).*/\1/p' "$dir/domains.cfg" | sort -u); do
		modules="$modules,build/guest/$kernel $kernel"
	done
	build/harness machine "$dir/console.log" V=1 TIMEOUT="${TIMEOUT:-120}" -- \
		-accel "${ACCEL:-tcg}" -cpu "${CPU_MODEL:-qemu64}" -smp "$cpus" -m "${mib}M" "$@" \
		-kernel "${PASTURE:-build/pasture}" -append "exit=qemu ${APPEND-}" -initrd "$modules"
}
