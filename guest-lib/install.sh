#!/bin/sh
# SPDX-License-Identifier: MIT
# The guest library as other kernels take it: install.sh BUILD PREFIX [DESTDIR].  In the tree a header is
# gl/NAME.h or, of hv/abi, NAME.h; here it is pasture/NAME.h or pasture/abi/NAME.h, and so do all name it.
set -eu
build=$1 prefix=$2 root=${3-}
cd "$(dirname "$0")/.."
case $prefix in
/*) ;;
*) echo "pasture: PREFIX=$prefix: wanted a path that begins with /" >&2 && exit 2 ;;
esac
include=$root$prefix/include/pasture lib=$root$prefix/lib share=$root$prefix/share
mkdir -p "$include/abi" "$lib/pkgconfig" "$share/pasture" "$share/doc/pasture" || {
	echo "pasture: PREFIX=$prefix: cannot write there; another PREFIX=, or as root" >&2
	exit 1
}

# The same version for headers, archives and pkg-config: that of the header.
version=$(sed -n 's/^#define GL_SHARE_VERSION[[:blank:]]*//p' guest-lib/core/include/gl/share.h)
abi=$(sed -n 's/^#define SHARE_ABI_VERSION //p' hv/abi/share.h)

header() { # FILE TO
	sed -E -e 's@^#include <gl/@#include <pasture/@' \
		-e 's@^#include <(share|trace|xencomm)\.h>@#include <pasture/abi/\1.h>@' "$1" >"$2"
	chmod 644 "$2"
}
for f in hv/abi/*.h; do
	header "$f" "$include/abi/$(basename "$f")"
done
for f in guest-lib/*/include/gl/*.h; do
	header "$f" "$include/$(basename "$f")"
done
for name in guest share; do
	install -m 644 "$build/libpasture-$name.a" "$lib"
	strip --strip-debug --enable-deterministic-archives "$lib/libpasture-$name.a"
done
install -m 644 guest-lib/kernel/guest.lds "$share/pasture"
# The pages, with links to what is installed; of others their text is left.
page() { # FILE TO
	sed -E -e 's@\]\(\.\./guest-lib/README\.md\)@](guest-lib.md)@g' -e 's@\]\(\.\./docs/@](@g' \
		-e 's@\]\(\.\./hv/abi/@](../../../include/pasture/abi/@g' \
		-e 's@\[([^]]*)\]\(([^)]*/)?linux/README\.md\)@\1 (package pasture-dkms)@g' "$1" >"$2"
	chmod 644 "$2"
}
page docs/your-kernel.md "$share/doc/pasture/your-kernel.md"
page guest-lib/README.md "$share/doc/pasture/guest-lib.md"
install -m 644 LICENSE "$share/doc/pasture"

# $1: name, $2: what it is, $3: flags to compile, $4: to link.
package() {
	cat >"$lib/pkgconfig/$1.pc" <<END
prefix=$prefix
includedir=\${prefix}/include
libdir=\${prefix}/lib

Name: $1
Description: $2
Version: $version.$abi
Cflags: -I\${includedir}$3
Libs: $4-L\${libdir} -l$1
END
	chmod 644 "$lib/pkgconfig/$1.pc"
}
package pasture-share "the sharing half of Pasture's guest library, for any PV64 kernel" "" ""
package pasture-guest "what a small PV64 kernel stands on, sharing included" \
	" -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ -ffreestanding -mno-red-zone \
-mgeneral-regs-only -fno-pic -fno-pie -fno-stack-protector -fno-asynchronous-unwind-tables" \
	"-nostdlib -static -no-pie -Wl,-T,\${prefix}/share/pasture/guest.lds,-z,max-page-size=4096 \
-Wl,-z,noexecstack,--no-warn-rwx-segments,--build-id=none "
