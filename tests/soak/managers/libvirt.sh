#!/bin/bash
# SPDX-License-Identifier: MIT
# In the first domain: libvirt's Xen driver, through Debian's libvirtd and virsh, unmodified.
set -u
fail() {
	echo "libvirt: $*; $(grep -h error /var/log/libvirt/libvirtd.log /var/log/libvirt/libxl/*.log 2>/dev/null | tail -n 3 | paste -sd ' ')"
	exit 1
}
v() {
	virsh -q -c xen:///system "$@" 2>&1
}
# wanted TEXT OF-WHAT COMMAND...: the command works and says the text.
wanted() {
	local text=$1 what=$2 said
	shift 2
	said=$(v "$@") || fail "$what: $said"
	grep -q -- "$text" <<<"$said" || fail "$what says '$said', not '$text'"
	echo "libvirt: $what: $(grep -m 1 -- "$text" <<<"$said")"
}
# did COMMAND...: it works, and has nothing to say.
did() {
	local said
	said=$(v "$@") || fail "$*: $said"
}
# until SECONDS COMMAND...
until_true() {
	local began=$SECONDS limit=$1
	shift
	until "$@" >/dev/null 2>&1; do
		[ $((SECONDS - began)) -lt "$limit" ] || return 1
		sleep 1
	done
}
answers() {
	ssh 10.0.3.21 "${1:-true}"
}
gone() {
	! v list | grep -q v1 && [ "$(xl list | wc -l)" = 2 ]
}
stands() {
	[ "$(v domstate v1)" = "$1" ]
}

mkdir -p /var/log/libvirt/libxl
# libvirtd has QEMU's driver beside Xen's, which wants the user that libvirt-daemon-system makes.
getent passwd libvirt-qemu >/dev/null || useradd -r -U libvirt-qemu
getent group kvm >/dev/null || groupadd -r kvm
libvirtd -d || fail "libvirtd does not start"
until_true 60 v version || fail "$(v version)"
wanted 'Running hypervisor: Xen 4.17' version version
wanted '<arch>x86_64</arch>' capabilities capabilities
wanted 'CPU(s)' nodeinfo nodeinfo
wanted 'Domain-0' 'list' list

cat >/tmp/v1.xml <<E
<domain type='xen'><name>v1</name><uuid>11111111-2222-4333-8444-555555555555</uuid>
<memory unit='MiB'>192</memory><currentMemory unit='MiB'>192</currentMemory><vcpu current='1'>2</vcpu>
<os><type arch='x86_64' machine='xenpv'>linux</type><kernel>/boot/guest/vmlinuz</kernel>
<initrd>/boot/guest/ramdisk</initrd>
<cmdline>console=hvc0 quiet disk=/dev/xvda host=v1 address=10.0.3.21</cmdline></os>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<devices>
<disk type='block' device='disk'><driver name='phy' type='raw'/>
<source dev='/dev/vdb'/><target dev='xvda' bus='xen'/></disk>
<interface type='bridge'><source bridge='xenbr0'/><mac address='00:16:3e:00:00:21'/></interface>
<console type='pty'><target type='xen' port='0'/></console>
</devices></domain>
E
did create /tmp/v1.xml
wanted 'Used memory: *196608' dominfo dominfo v1
wanted '11111111-2222-4333-8444-555555555555' domuuid domuuid v1
until_true 600 answers || fail "v1 does not answer: $(tail -n 3 /var/log/libvirt/libxl/v1.log)"
[ "$(answers 'findmnt -n -o SOURCE /')" = /dev/xvda ] || fail "v1 is not on its disk"
echo "libvirt: v1 is up, on its disk and in its network"
wanted xvda domblklist domblklist v1
wanted 00:16:3e:00:00:21 domiflist domiflist v1
wanted 'CPU Affinity: *y' vcpuinfo vcpuinfo v1

# The console, as a person has it: what is typed reaches the guest, what it says comes back.
{ sleep 5; printf '\n'; sleep 10; printf '\035'; sleep 1; } |
	timeout 60 script -q -c 'virsh -c xen:///system console v1' /tmp/console >/dev/null 2>&1
grep -qa 'root@v1\|login' /tmp/console || fail "console says $(tr -d '\r' </tmp/console | tail -n 3 | paste -sd ' ')"
echo "libvirt: console answers"

did suspend v1
until_true 20 stands paused || fail "suspend: $(v domstate v1)"
did resume v1
until_true 20 stands running || fail "resume: $(v domstate v1)"
echo "libvirt: suspend, resume"
did setmem v1 160M --live
until_true 60 sh -c "[ \$(xl list v1 | awk 'NR == 2 { print \$3 }') -le 161 ]" || fail "setmem: $(xl list v1)"
did setvcpus v1 2 --live
until_true 60 sh -c "ssh 10.0.3.21 'cat /sys/devices/system/cpu/present' | grep -q 0-1" || fail "setvcpus: no second CPU"
echo "libvirt: setmem, setvcpus"
# A device; files libvirt gives to QEMU, which no PV guest needs.
did attach-disk v1 /dev/vdc xvdb --driver phy --live
until_true 60 answers 'test -b /dev/xvdb' || fail "attach-disk: the guest has no xvdb"
did detach-disk v1 xvdb --live
until_true 60 answers '! test -b /dev/xvdb' || fail "detach-disk: the guest still has xvdb"
echo "libvirt: attach-disk, detach-disk"
id=$(v domid v1)
did reboot v1
until_true 300 sh -c "[ \$(virsh -q -c xen:///system domid v1) -gt $id ]" || fail "reboot: it stays domain $id"
until_true 600 answers || fail "v1 does not answer after reboot"
echo "libvirt: reboot"
did shutdown v1
until_true 300 gone || fail "shutdown: $(v list)"
echo "libvirt: shutdown"

# Kept by libvirt, started, destroyed at work.
did define /tmp/v1.xml
did start v1
v list --all | grep -q 'v1 *running' || fail "list --all: $(v list --all)"
did destroy v1
until_true 60 gone || fail "destroy: $(v list --all)"
did undefine v1
echo "libvirt: define, start, destroy, undefine"
sed 's/vmlinuz/nothing/' /tmp/v1.xml >/tmp/bad.xml
said=$(v create /tmp/bad.xml) && fail "create without a kernel worked"
echo "libvirt: a missing kernel: $(head -n 1 <<<"$said")"
[ "$(v list | wc -l)" = 1 ] && [ "$(xl list | wc -l)" = 2 ] || fail "a guest is left: $(v list)"
kill "$(cat /run/libvirtd.pid)"
