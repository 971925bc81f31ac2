# SPDX-License-Identifier: MIT
# The hypervisor's image is not there.
refuses "build/no-such-pasture: No such file or directory; run 'make' first" \
	"$harness" run --pasture build/no-such-pasture
