#!/bin/bash
# SPDX-License-Identifier: MIT
# In the first domain: many.sh N MIB: N guests of MIB MiB at once, each with a disk; each says that it is there.
set -u
count=$1 mib=$2
xl=/usr/lib/xen-4.17/bin/xl
for ((n = 1; n <= count; n++)); do
	truncate -s 8M /run/many$n.img
	printf '%s\n' "name = \"many$n\"" "kernel = \"/boot/guest/disk.elf\"" "memory = $mib" 'extra = "rest=1"' \
		"disk = [ '/run/many$n.img,raw,xvda,w' ]" >/tmp/many.cfg
	$xl create -q /tmp/many.cfg 2>/tmp/many.log || { echo "guest $n: $(head -n 1 /tmp/many.log)"; break; }
	[ $((n % 10)) != 0 ] || echo "$n guests, $($xl info | sed -n 's/^free_memory *: *//p') MiB free"
done
# The last of them may need a while.
for ((i = 0; i < 120; i++)); do
	said=$(grep -l 'at rest' /var/log/xen/guest-many*.log 2>/dev/null | wc -l)
	[ "$said" -lt $((n - 1)) ] || break
	sleep 1
done
there=$($xl list | awk 'NR > 1 && $2 > 0' | wc -l)
disks=$(losetup -a | wc -l)
echo "guests_at_once=$there said=$said disks=$disks"
for id in $($xl list | awk 'NR > 1 && $2 > 0 { print $2 }'); do
	$xl destroy "$id"
done
echo "left=$($xl list | awk 'NR > 1 && $2 > 0' | wc -l)"
[ "$there" = "$count" ] && [ "$said" = "$count" ] && [ "$disks" = "$count" ]
