# SPDX-License-Identifier: MIT
# The initial RAM disk: what it holds, the same bytes each time, and mistakes in its list.
# Beside others (1 s): no machine.
list=$work/list
echo "some text" >"$work/text"
cat >"$list" <<-END
	# a comment
	dir /bin
	node /dev/console 5 1
	file /init $work/text
	file /etc/text $work/text 600 # and one behind a line
	link /bin/sh busybox
END
"$harness" initramfs "$work/a.gz" "$list"
touch -d 2001-01-01 "$work/text"
sleep 1.1
"$harness" initramfs "$work/b.gz" "$list"
cmp "$work/a.gz" "$work/b.gz"
gzip -dc "$work/a.gz" >"$work/a.cpio"
grep -qa "^070701" "$work/a.cpio" || fail "no cpio newc"
grep -qai "00000005000000010000000d00000000/dev/console" "$work/a.cpio" || fail "wrong device"
out=$(/bin/busybox cpio -tv <"$work/a.cpio" 2>&1)
for want in "drwxr-xr-x .* bin" "crw------- .* dev/console" \
	"-rwxr-xr-x .* init" "-rw------- .* etc/text" "lrwxrwxrwx .* bin/sh -> busybox"; do
	grep -qE -- "$want" <<<"$out" || fail "not in it: $want"
done

bad() { # TEXT LINE
	printf 'dir /bin\n%s\n' "$2" >"$list"
	refuses "$list:2: $1" "$harness" initramfs "$work/a.gz" "$list"
}
bad "cannot read /no/such: No such file" "file /init /no/such"
bad "wanted dir PATH, file PATH SOURCE" "pipe /x"
bad "wanted dir PATH, file PATH SOURCE" "dir"
bad "wanted dir PATH, file PATH SOURCE" "link /x"
bad "wanted dir PATH, file PATH SOURCE" "dir /a /b /c /d /e"
bad "not a good number: 9x" "node /dev/x 9x 1"
bad "not a good number: 888" "file /init $work/text 888"
refuses "cannot read /no/list: No such file" "$harness" initramfs "$work/a.gz" /no/list
