# SPDX-License-Identifier: MIT
# For scripts that start the machine themselves:
#
#	machine NAME MIB CPUS [QEMU OPTIONS...] < DOMAIN-LIST
#
# boots build/pasture (or $PASTURE) in build/jobs/NAME with the domain list from stdin and the
# kernels it names, from build/guest.  Prints all that the machine prints, keeps it in
# build/jobs/NAME/console.log, and returns 0 if the hypervisor ended well.
machine() {
	local name=$1 mib=$2 cpus=$3 top dir modules kernel status
	shift 3

	top=$PWD dir=build/jobs/$name
	rm -rf "$dir"
	mkdir -p "$dir"
	cat > "$dir/domains.cfg"
	modules=domains.cfg
	for kernel in $(sed -n 's/.*kernel=\([^ ]*\).*/\1/p' "$dir/domains.cfg" | sort -u); do
		ln -s "$top/build/guest/$kernel" "$dir/$kernel"
		modules=$modules,$kernel
	done
	cp "${PASTURE:-build/pasture}" "$dir/pasture"
	(
		cd "$dir" || exit 1
		timeout "${TIMEOUT:-120}" "${QEMU:-qemu-system-x86_64}" \
			-display none -no-reboot -nodefaults -vga none \
			-device isa-debug-exit,iobase=0xf4,iosize=4 \
			-accel "${ACCEL:-tcg}" -cpu "${CPU_MODEL:-qemu64}" \
			-smp "$cpus" -m "${mib}M" -serial stdio "$@" \
			-kernel pasture -append "exit=qemu ${APPEND-}" \
			-initrd "$modules" </dev/null 2>qemu.log | tee console.log
		exit "${PIPESTATUS[0]}"
	)
	status=$?
	[ $status = 1 ]	# isa-debug-exit: 2 * 0 + 1
}
