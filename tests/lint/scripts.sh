# SPDX-License-Identifier: MIT
# The shell scripts are well formed, and none starts a QEMU itself: build/harness machine does, which
# lets no earlier run speak for this one.  (guest-images.sh has guests without a hypervisor.)
for f in $(sources '*.sh') tests/cli/fake-qemu .ci/run; do
	bash -n "$f"
done
grep -nE -- '-display none|isa-debug-exit' $(sources '*.sh') Makefile |
	grep -v '^bench/host/guest-images.sh:\|^tests/lint/' |
	sed 's/:[^:]*$/: start machines by build\/harness machine/'
