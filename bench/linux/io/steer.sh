# SPDX-License-Identifier: MIT
# Sourced by dom0-init where there are guests with front ends: what a person does with a
# guest that runs, by unmodified xl.  Word of the command line:
#   steer=1    its console, CPUs, memory, name, weight; stopped and let on, rebooted, shut

# steered TEXT COMMAND...: run it; then the guest says so, once more than it had.
steered() {
	text=$1
	shift
	had=$(grep -c "$text" /var/log/xen/console/guest-steer.log)
	"$@" || { echo "status $?: $*"; return 1; }
	i=0
	until [ "$(grep -c "$text" /var/log/xen/console/guest-steer.log)" -gt "$had" ]; do
		i=$((i + 1))
		[ $i -lt 1200 ] || { tail -n 20 /var/log/xen/console/guest-steer.log; return 1; }
		usleep 100000
	done
	echo "$*: $(grep "$text" /var/log/xen/console/guest-steer.log | tail -n 1)"
}

# lists PATTERN: within ten seconds of a quiet machine the guest's line is like that.
lists() {
	i=0
	until xl list steer | grep -E "$1"; do
		i=$((i + 1))
		[ $i -lt 300 ] || { xl list; return 1; }
		usleep 100000
	done
}

# Typed at the console while it is shown; Ctrl-] ends it, as a person does.
typed() {
	(usleep 500000; echo "are you there"; until_said steer "heard=are you there" >/dev/null; printf '\035'; sleep 1) |
		script -q -c "xl console steer" /tmp/console >/dev/null
	cat /tmp/console
	grep -q "heard=are you there" /tmp/console
}

steer_born() {
	xl create "$(guest steer /cloud 96 'maxmem=128' 'vcpus=2' 'ramdisk="/tmp/io"' 'extra="console=hvc0 quiet cryptomgr.notests job=steer"')" &&
		until_said steer "steer cpus=2 mib=96"
}

steer_cpus() {
	steered "steer cpus=1" xl vcpu-set steer 1 && xl vcpu-list steer &&
		steered "steer cpus=2" xl vcpu-set steer 2 && xl vcpu-list steer
}

# Up to maxmem=; the list follows.
steer_memory() {
	steered "steer cpus=2 mib=64" xl mem-set steer 64 && lists "steer +[0-9]+ +64 " &&
		steered "steer cpus=2 mib=128" xl mem-set steer 128 && lists "steer +[0-9]+ +128 "
}

steer_state() {
	xl pause steer && lists " --p--- " && xl unpause steer && lists " [r-][b-]---- "
}

# With what config-update left.
steer_reboot() {
	was=$(xl domid steer) && steered "steer cpus=2 mib=96" xl reboot steer || return 1
	echo "domain $was is domain $(xl domid steer)"
	[ "$was" != "$(xl domid steer)" ] && lists "steer +[0-9]+ +96 +2 "
}

# says PATTERN ARGUMENT...: xl does it, without a word of an error, and says so (no
# pattern: it need not say anything).
says() {
	pattern=$1
	shift
	xl "$@" >/tmp/said 2>&1 || { echo "status $?: xl $*"; cat /tmp/said; return 1; }
	if grep -q "error" /tmp/said || { [ "$pattern" ] && ! grep -qE -- "$pattern" /tmp/said; }; then
		echo "xl $* says"
		cat /tmp/said
		return 1
	fi
	echo "xl $*: $(grep -E -- "${pattern:-.}" /tmp/said | head -n 1)"
}

# refuses WORDS ARGUMENT...: xl says that it cannot.
refuses() {
	pattern=$1
	shift
	xl "$@" >/tmp/said 2>&1
	grep -qE -- "$pattern" /tmp/said || { echo "xl $* says"; cat /tmp/said; return 1; }
	echo "xl $*: $(grep -E -- "$pattern" /tmp/said | head -n 1)"
}

# What only reads, or sets a number; docs/xl.md has the same commands.
steer_looks() {
	says '"domid": 1' list -l steer && says 'steer .* [r-][b-]----' list -v &&
		says 'Pool-0' list -c && says 'steer .* all$' list -n &&
		says 'steer +1 +0:' uptime && says '^1$' domid steer && says '^steer$' domname 1 &&
		says ' 1 +steer' vm-list && says 'steer' claims && says 'free_memory' info -n &&
		says 'steer +1 +128 +0' sharing && says 'hypervisor' dmesg && says 'steer +1 +1 ' vcpu-list steer &&
		says 'Pool-0 +2 +credit2' cpupool-list && says 'Pool-0 +0,1' cpupool-list -c || return 1
	for kind in block network channel vtpm vkb vdispl vsnd pci usb; do
		says '' $kind-list steer || return 1
	done
}

steer_sets() {
	says '' rename steer helm && says 'helm' list helm && says '' rename helm steer &&
		says '' sched-credit2 -d steer -w 512 -c 50 && says 'steer +1 +512 +50' sched-credit2 -d steer &&
		says '' sched-credit2 -d steer -w 256 -c 0 && says '' mem-max steer 128 &&
		says '' vcpu-pin steer 0 1 && says '' vcpu-pin steer 1 - 1 &&
		says 'steer +1 +0 +1 +.* 1 / all$' vcpu-list steer &&
		says 'steer +1 +1 .* all / all$' vcpu-list steer && says '' vcpu-pin steer all all all &&
		says 'steer +1 +0 .* all / all$' vcpu-list steer && says '' config-update steer /tmp/steer.cfg
}

# What the guest itself gets to feel, and its memory in a file.
steer_prods() {
	steered "NMI received" xl trigger steer nmi && steered "HELP : loglevel" xl sysrq steer h || return 1
	says '' dump-core steer /tmp/core || return 1
	ls -l /tmp/core
	[ "$(head -c 4 /tmp/core | tail -c 3)" = ELF ] && [ "$(($(stat -c %s /tmp/core) >> 20))" -ge 128 ] || return 1
	rm /tmp/core
	lists "steer .* [r-][b-]----"
}

# As docs/xl.md says; the guest goes on.
steer_refused() {
	refuses "Invalid argument" vcpu-pin steer 0 7 &&
		refuses "Operation not supported" cpupool-cpu-remove Pool-0 1 &&
		refuses "failed: Invalid argument" trigger steer power &&
		refuses "Function not implemented" trigger steer reset &&
		refuses "Flask XSM Disabled" getenforce && refuses "opening Xen hypfs" set-parameters x &&
		refuses "Failed to save domain" save -c steer /tmp/saved || return 1
	rm -f /tmp/saved
	steered "heard=goes on" typed_to "goes on"
}

typed_to() {
	echo "$1" >"$(xenstore-read "/local/domain/$(xl domid steer)/console/tty")"
}

steer_end() {
	xl shutdown -w steer && until_said steer "Test result: SUCCESS" && xl destroy steer && disk_nothing_left
}

steer_steps() {
	zcat /cloud.gz /io.gz >/tmp/io
	step born steer_born
	step console typed
	step cpus steer_cpus
	step memory steer_memory
	step state steer_state
	step looks steer_looks
	step sets steer_sets
	step prods steer_prods
	step refused steer_refused
	step reboot steer_reboot
	step end steer_end
}
