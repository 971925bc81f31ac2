# SPDX-License-Identifier: MIT
# GRUB for Xen starts as a guest, shows its prompt, and does what is typed there.
T='' make -s --no-print-directory build/linux/grub-prompt.elf
dir=build/cli/grub-prompt
mkdir -p $dir
rm -f $dir/in $dir/log
mkfifo $dir/in
echo "domain name=grub kernel=grub-prompt.elf memory=64M" >$dir/domains.cfg
timeout 60 "${QEMU:-qemu-system-x86_64}" -accel tcg -cpu qemu64 -m 256 -display none -no-reboot \
	-nodefaults -vga none -device isa-debug-exit,iobase=0xf4,iosize=4 -serial stdio \
	-kernel build/pasture -append exit=qemu \
	-initrd "$dir/domains.cfg domains.cfg,build/linux/grub-prompt.elf grub-prompt.elf" \
	<$dir/in >$dir/log 2>&1 &
exec 9>$dir/in
for _ in $(seq 200); do
	! grep -aq 'grub>' $dir/log || break
	sleep 0.2
done
grep -aq 'grub>' $dir/log || fail "no prompt of GRUB's in $dir/log"
printf 'echo prompt-%s\n' works >&9
printf 'halt\n' >&9
wait || [ $? = 1 ]	# 2 * 0 + 1: the hypervisor ended well
exec 9>&-
grep -aq 'prompt-works' $dir/log || fail "GRUB did not do what was typed; see $dir/log"
grep -aq 'state=dead reason=poweroff' $dir/log || fail "GRUB did not power off; see $dir/log"
