# SPDX-License-Identifier: MIT
# For scripts that run Linux guests, from the top of the tree.

# need TARGET...: make them, quietly but for what takes long.
need() {
	T='' make -s --no-print-directory "$@" >&2 || exit 1
}

# kernel_of PACKAGE: the bzImage of an unpacked kernel package.
kernel_of() {
	need "build/packages/$1/.done"
	echo build/packages/"$1"/boot/vmlinuz-*
}
