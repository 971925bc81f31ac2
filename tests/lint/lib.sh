# SPDX-License-Identifier: MIT
# For the checks in this folder.  Each NAME.sh prints one line "file:line: what
# is wrong" per fault and nothing else, but "note: what it found", which is shown; run.sh
# counts it as one test.
# From the Makefile: HV_CC, HOST_CC, GUEST_CC (compiler with flags), SHARE_OBJ, CORE_OBJ,
# HV_OBJ.

# The layers of hv/, from below (hv/README.md).
layer_rows="abi lib:debug:port x86 mm dom io sharing pv audit offer ctl boot"

folders="hv share hash guest-lib tests bench .ci"

# sources PATTERN...: files of the tree with such names.
sources() {
	local args=() p

	for p in "$@"; do
		args+=(-o -name "$p")
	done
	find $folders -type f \( "${args[@]:1}" \) 2>/dev/null | sort
}
