# SPDX-License-Identifier: MIT
# ACCEL=kvm by a user who cannot use /dev/kvm.
if [ "$(id -u)" = 0 ]; then
	[ -c /dev/kvm ] && [ "$(stat -c %a /dev/kvm)" != 660 ] &&
		[ "$(stat -c %a /dev/kvm)" != 600 ] && exit 77
	nobody="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$nobody test -x "$harness" || exit 77
	refuses "use ACCEL=tcg" $nobody "$harness" run ACCEL=kvm
elif [ -w /dev/kvm ]; then
	exit 77
else
	refuses "use ACCEL=tcg" "$harness" run ACCEL=kvm
fi
