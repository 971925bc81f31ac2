# SPDX-License-Identifier: MIT
# No QEMU: by name, by path, and with an empty PATH.
refuses "no-such-qemu not found; run 'make deps'" "$harness" run QEMU=no-such-qemu
refuses "./no-such-qemu not found" "$harness" run QEMU=./no-such-qemu
refuses "qemu-system-x86_64 not found" env PATH= "$PWD/$harness" run
refuses "no-such-qemu not found" "$harness" boot-test canary QEMU=no-such-qemu
