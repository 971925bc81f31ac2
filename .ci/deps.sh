#!/bin/sh
# SPDX-License-Identifier: MIT
# Install the Debian packages that building and running Pasture needs, and
# nothing when all of them are there.  Quiet unless something is missing; a
# failure is one line that says what to do.  `make deps` runs it; so does the
# first compile.  `deps.sh deb`, `host`: also what these targets need; `lint`: also clang; `fuzz`: AFL++.
set -u

packages="gcc g++ jq libc6-dev binutils nasm qemu-system-x86 libxen-dev libxxhash-dev
check libsubunit-dev libarchive-dev libjansson-dev libssl3 libelf1 grub-pc-bin
grub-efi-amd64-bin grub-common xorriso mtools ovmf gnuplot-nox spin
zlib1g-dev libbz2-dev liblzma-dev libzstd-dev liblz4-dev"

# For `make lint T=locks`: its analysis of threads, which gcc has not.
[ "${1-}" != lint ] || packages="$packages clang"
# For `make fuzz DRIVER=cov`, with the clang that it is built on.
[ "${1-}" != fuzz ] || packages="$packages afl++"
# For `make deb` too, and a bare system to try them in.
[ "${1-}" != deb ] || packages="$packages debhelper dh-dkms mmdebstrap"
# For `make host`: Debian's image, and a way into it.
[ "${1-}" != host ] || packages="$packages mmdebstrap e2fsprogs openssh-client"

installed() {
	dpkg-query -W -f='${db:Status-Status}\n' "$1" 2>/dev/null |
		grep -qx installed
}

fail() {
	echo "pasture: $1" >&2
	exit 1
}

missing=
for p in $packages; do
	installed "$p" || missing="$missing $p"
done
# Either busybox will do, and the two packages exclude each other.
installed busybox || installed busybox-static ||
	missing="$missing busybox-static"
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null 2>&1 ||
	fail "no apt-get here; install these by hand, then 'touch build/.deps':$missing"
sudo=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null 2>&1 ||
		fail "neither root nor sudo; as root, run: apt-get install$missing"
	sudo="sudo -E"
fi

echo "pasture: installing$missing"
log=$(mktemp) || fail "cannot write to ${TMPDIR:-/tmp}"
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
# A stale list is worth a try: the install tells.
$sudo apt-get -q update >"$log" 2>&1
# shellcheck disable=SC2086
$sudo apt-get -q -y --no-install-recommends install $missing \
	>>"$log" 2>&1 && exit 0
fail "cannot install$missing: $(grep '^E:' "$log" | head -n 1)"
