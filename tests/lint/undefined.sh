# SPDX-License-Identifier: MIT
# What must link alone needs from outside only what is listed here: share/ with hash/,
# and the sharing half of the guest library, which asks for the rest by its callbacks.
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# alone WHAT MAY_NEED OBJECT...
alone() {
	local what=$1 may=$2
	shift 2

	[ $# -gt 0 ] || echo "$what: no objects"
	# By nm: `ld -r` loses symbols when only some objects are made for link-time optimization.
	nm --defined-only -g "$@" | awk 'NF == 3 { print $3 }' >"$out"
	nm -u "$@" | awk '$1 == "U" { print $2 }' | sort -u | grep -vxFf "$out" |
		grep -vxE "$may" | sed "s|^|$what: undefined symbol: |"
}

# shellcheck disable=SC2086
{
	alone share+hash 'mem(cpy|move|set|cmp)|spin_[a-z_]+|panic|port_[a-z_]+' $SHARE_OBJ
	alone guest-lib/core 'mem(cpy|set)' $CORE_OBJ
}
