# SPDX-License-Identifier: MIT
# The shell scripts are well formed.
for f in $(sources '*.sh') tests/cli/fake-qemu .ci/run; do
	bash -n "$f"
done
