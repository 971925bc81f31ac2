# SPDX-License-Identifier: MIT
# share/ and hash/ need from outside only what is listed here.
[ -n "$SHARE_OBJ" ] || { echo "share/: no objects"; exit; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# shellcheck disable=SC2086
ld -r -o "$out" $SHARE_OBJ &&
	nm -u "$out" | awk '{ print $NF }' |
	grep -vxE 'mem(cpy|move|set|cmp)|spin_[a-z_]+|panic|port_[a-z_]+' |
	sed 's/^/share+hash: undefined symbol: /'
