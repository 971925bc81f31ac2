# SPDX-License-Identifier: MIT
# GRUB for Xen starts as a guest, shows its prompt, and does what is typed there.
T='' make -s --no-print-directory build/linux/grub-prompt.elf
dir=build/cli/grub-prompt
mkdir -p $dir
rm -f $dir/in $dir/log
mkfifo $dir/in
echo "domain name=grub kernel=grub-prompt.elf memory=64M" >$dir/domains.cfg
"$harness" machine $dir/log TIMEOUT=60 --type -- -accel tcg -cpu qemu64 -m 256 \
	-kernel build/pasture -append exit=qemu \
	-initrd "$dir/domains.cfg domains.cfg,build/linux/grub-prompt.elf grub-prompt.elf" <$dir/in &
exec 9>$dir/in
for _ in $(seq 200); do
	! grep -aq 'grub>' $dir/log 2>/dev/null || break
	sleep 0.2
done
grep -aq 'grub>' $dir/log 2>/dev/null || fail "no prompt of GRUB's in $dir/log"
printf 'echo prompt-%s\n' works >&9
printf 'halt\n' >&9
wait $! || fail "the machine did not end well; see $dir/log"
exec 9>&-
grep -aq 'prompt-works' $dir/log || fail "GRUB did not do what was typed; see $dir/log"
grep -aq 'state=dead reason=poweroff' $dir/log || fail "GRUB did not power off; see $dir/log"
