# SPDX-License-Identifier: MIT
# What `make host` says to a user's mistakes, each one line; nothing is built or booted for it.
run() {
	T=${T-} bash bench/linux/host/run.sh </dev/null
}
mistake() { # TEXT COMMAND...
	expect 1 "$@"
	[ "$(wc -l <<<"$out")" = 1 ] || fail "more than one line: ${*:2}"
}
T=kvm mistake "pasture: T=kvm: wanted xen" run
mistake "pasture: no terminal for a shell; name a command" run
CMD=true SSH_PORT=x mistake "pasture: SSH_PORT=x: wanted a number" run
CMD=true SSH_PORT=70000 mistake "pasture: SSH_PORT=70000: wanted a number" run

# It builds what it boots.
make -n -W hv/boot/main.c T= host | grep -q -- '-o build/hv/hv/boot/main.o' || fail "make host does not build the hypervisor"

# A port that somebody has; an earlier run's file is not waited for.
rm -f "$work/port"
perl -MSocket -e '
	$| = 1;
	socket(S, PF_INET, SOCK_STREAM, 0) && bind(S, sockaddr_in(0, INADDR_LOOPBACK)) && listen(S, 1) or die;
	print((sockaddr_in(getsockname(S)))[0], "\n");
	sleep(60)' >"$work/port" &
holder=$!
trap 'kill $holder' EXIT
for _ in {1..100}; do
	[ ! -s "$work/port" ] || break
	sleep 0.1
done
[ -s "$work/port" ] || fail "no port could be had"
CMD=true SSH_PORT=$(cat "$work/port") mistake "is taken; name another one, or none" run

# The image: not root; no space; no mmdebstrap's answer.
stubs=$work/host-stubs
rm -rf "$stubs"
mkdir -p "$stubs"
printf '#!/bin/sh\necho 1000\n' >"$stubs/id"
chmod +x "$stubs/id"
# Nothing is installed for this test, and nobody is asked for a password.
for tool in sudo mke2fs ssh ssh-keygen mmdebstrap; do
	printf '#!/bin/sh\nexit 1\n' >"$stubs/$tool"
	chmod +x "$stubs/$tool"
done
image() {
	PATH=$stubs:$PATH bash bench/linux/host/image.sh "$work/no.img" build/packages/linux-image-amd64
}
mistake "pasture: a Debian image is made by root only; run 'make host' as root, or with sudo installed, once" image
printf '#!/bin/sh\necho 0\n' >"$stubs/id"
printf '#!/bin/sh\nprintf "Avail\\n1000\\n"\n' >"$stubs/df"
chmod +x "$stubs/df"
TMPDIR=$work/absent mistake "pasture: TMPDIR=$work/absent: there is no such folder" image
mistake "has 0 MiB free, a Debian image needs 2500; set TMPDIR=" image
rm "$stubs/df"
printf '#!/bin/sh\necho "E: Unable to locate package nasm" >&2\nexit 25\n' >"$stubs/mmdebstrap"
printf '#!/bin/sh\nexec echo 100000\n' >"$stubs/df"
chmod +x "$stubs/mmdebstrap"
sed -i 's/100000/9000000/' "$stubs/df"
chmod +x "$stubs/df"
expect 1 "pasture: no Debian: E: Unable to locate package nasm; all of it is in" image
[ ! -e "$work/no.img" ] || fail "an image is there"
out=$(make -n -B host T=list)
! grep -qE '^(gcc|nasm|ld|objcopy)|image.sh' <<<"$out" || fail "make host T=list builds"
out=$(make -s host T=list) && grep -q '^xen' <<<"$out" || fail "make host T=list does not say what there is"
