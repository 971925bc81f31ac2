#!/bin/bash
# SPDX-License-Identifier: MIT
# Programs and every library that they need, as a list for `harness initramfs`:
# needed.sh "PROGRAM..." FOLDER...  The folders are unpacked packages.
set -eu
read -ra programs <<<"$1"
shift
declare -A done=()
todo=("${programs[@]}")

echo "dir /lib"
echo "dir /lib64"
for program in "${programs[@]}"; do
	echo "file /bin/$(basename "$program") $program"
done
while [ ${#todo[@]} != 0 ]; do
	file=${todo[0]}
	todo=("${todo[@]:1}")
	for name in $(objdump -p "$file" | sed -n 's/^ *NEEDED *//p'); do
		[ -z "${done[$name]-}" ] || continue
		done[$name]=1
		path=$(find "$@" -name "$name" | head -n 1)
		[ -n "$path" ] || { echo "pasture: no package has $name, which $file needs" >&2; exit 1; }
		case $name in
		ld-linux-x86-64.so.2) echo "file /lib64/$name $path" ;;
		*) echo "file /lib/$name $path" ;;
		esac
		todo+=("$path")
	done
done
