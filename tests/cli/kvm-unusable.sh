# SPDX-License-Identifier: MIT
# ACCEL=kvm on a machine where it cannot work.
[ ! -w /dev/kvm ] || ! timeout 10 qemu-system-x86_64 -accel kvm -display none \
	-nodefaults -S -monitor stdio <<<quit >/dev/null 2>&1 || exit 77
refuses "use ACCEL=tcg" "$harness" run ACCEL=kvm
