# SPDX-License-Identifier: MIT
# For scripts: a machine with Debian as its first domain, on Pasture or on Xen, and commands in it.  Source it
# from the top of the tree after bench/own.sh.
#
#	host_start FOLDER pasture|xen [QEMU OPTIONS...]	boot it; the port of its ssh is in $port
#	host_do COMMAND		run it there; its output, its status
#	host_stop		power it off; 0: the hypervisor says that all is well
#	host_end NAME		for a test: power it off; no frame was lost and no audit found an error, or exit
#
# JOB=NAME: a job of bench/linux/host/NAME.sh, and no ssh.  MEM= CPUS= CPU_MODEL= ACCEL= SSH_PORT= TIMEOUT= as
# `make host` has them.  IMAGE=managers: the image with more in it.  DISKS=3: the first domain's and its
# guests'.  Each is the same image; what is written to it is gone with the machine.
HI=build/host-image

host_fail() {
	echo "pasture: $*" >&2
	exit 1
}

# port_is_free NUMBER: nobody answers there.
port_is_free() {
	! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

port_choose() {
	if [ -n "${SSH_PORT-}" ]; then
		port=$SSH_PORT
		[[ $port =~ ^[1-9][0-9]{0,4}$ && $port -lt 65536 ]] ||
			host_fail "SSH_PORT=$port: wanted a number from 1 to 65535"
		port_is_free "$port" || host_fail "SSH_PORT=$port is taken; name another one, or none"
		return
	fi
	for ((port = 2222; port < 2300; port++)); do
		! port_is_free $port || return 0
	done
	host_fail "no port of 2222 to 2299 is free; name one: SSH_PORT="
}

# host_words HYPERVISOR: QEMU's words for it, in $words
host_words() {
	local cpus=${CPUS:-2} mem=${MEM:-1024} options kernel modules disk

	options="dom0_mem=${DOM0_MEM:-448}M dom0_max_vcpus=1 com1=115200,8n1 console=com1 ${APPEND-}"
	modules="console=hvc0 quiet disk=/dev/vda host=host address=10.0.2.15 job=${JOB-},$HI/host.gz"
	if [ "$1" = xen ]; then
		kernel=build/linux/xen.elf
		options="$options noreboot=1 xpti=no spec-ctrl=no"
		modules="$(echo build/packages/linux-image-amd64/boot/vmlinuz-*) $modules"
	else
		kernel=${PASTURE:-build/pasture}
		options="$options exit=qemu ${PASTURE_OPTIONS-}"
		modules="build/linux/linux-generic.elf $modules"
	fi
	words=(-accel "${ACCEL:-tcg}" -cpu "${CPU_MODEL:-qemu64}" -smp "$cpus" -m "${mem}M" -kernel "$kernel"
		-append "$options" -initrd "$modules"
		-netdev "user,id=n,hostfwd=tcp:127.0.0.1:$port-:22" -device virtio-net-pci,netdev=n)
	for ((disk = 1; disk <= ${DISKS:-3}; disk++)); do
		words+=(-drive "file=$HI/${IMAGE:-debian}.img,format=raw,if=none,snapshot=on,id=disk$disk,file.locking=off"
			-device "virtio-blk-pci,drive=disk$disk")
	done
}

host_do() {
	ssh -F /dev/null -i "$key" -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
		-o LogLevel=ERROR -o BatchMode=yes -o ConnectTimeout=60 -o ServerAliveInterval=60 \
		-o ServerAliveCountMax=15 ${tty:+-t} \
		root@127.0.0.1 "$@"
}

# Until its ssh answers.
host_wait() {
	local began=$SECONDS

	until host_do true 2>/dev/null; do
		kill -0 "$machine" 2>/dev/null || { wait "$machine"; return 1; }
		[ $((SECONDS - began)) -lt 900 ] || { echo "pasture: no ssh on port $port after 900 s; see $log" >&2; return 1; }
		sleep 1
	done
}

host_start() {
	local hypervisor=$2

	port_choose
	own "$1"
	log=$1/console.log
	shift 2
	# Another image may be made meanwhile, with another key.
	key=$(dirname "$log")/key
	install -m 600 "$HI/debian.img.key" "$key" ||
		host_fail "no key to the image: run as who made it, or remove $HI and make it anew"
	host_words "$hypervisor"
	# Xen switches the machine off by ACPI when its first domain powers off, and has no code to say how it went.
	until=()
	[ "$hypervisor" != xen ] || until=("UNTIL=Entering ACPI S5 state")
	build/harness machine "$log" V="${V:-0}" TIMEOUT="${TIMEOUT:-86400}" "${until[@]}" -- "${words[@]}" "$@" &
	machine=$!
	host_wait || { kill "$machine" 2>/dev/null; exit 1; }
}

host_stop() {
	local began=$SECONDS

	host_do 'sync; poweroff -f' >/dev/null 2>&1
	while kill -0 "$machine" 2>/dev/null; do
		[ $((SECONDS - began)) -lt 300 ] || { echo "pasture: it does not power off; see $log" >&2; kill "$machine"; }
		sleep 0.5
	done
	wait "$machine"
}

host_end() {
	host_stop || { echo "$1: the hypervisor did not end well: $log" >&2; exit 1; }
	grep -q "^@end frames_lost=0 .*audit_errors=0" "$log" && ! grep -q 'audit_errors=[1-9]' "$log" ||
		{ echo "$1: $(grep '^@end' "$log")" >&2; exit 1; }
}
