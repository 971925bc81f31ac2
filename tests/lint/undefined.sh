# SPDX-License-Identifier: MIT
# share/ and hash/ need from outside only what is listed here.
[ -n "$SHARE_OBJ" ] || { echo "share/: no objects"; exit; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# By nm: `ld -r` loses symbols when only some objects are made for link-time optimization.
# shellcheck disable=SC2086
nm --defined-only -g $SHARE_OBJ | awk 'NF == 3 { print $3 }' >"$out"
# shellcheck disable=SC2086
nm -u $SHARE_OBJ | awk '$1 == "U" { print $2 }' | sort -u |
	grep -vxFf "$out" |
	grep -vxE 'mem(cpy|move|set|cmp)|spin_[a-z_]+|panic|port_[a-z_]+' |
	sed 's/^/share+hash: undefined symbol: /'
