# SPDX-License-Identifier: MIT
# No vector, mask, MMX or x87 register in what runs while others' are live: the sharing half of
# guest-lib (in a kernel's page-fault handler), share/ and hash/ (in the hypervisor), compiled as a stranger
# may: by gcc, and by clang where it is installed, at every level and for this machine's registers.
files="$(ls guest-lib/core/*.c)
$(ls share/*.c hash/*.c | grep -vE '^hash/page_(sse2|avx2|avx512)\.c$')"
flags="-std=gnu11 -ffreestanding -fno-strict-aliasing -w -isystem build/inc -DDEBUG=0 -DTEST_BUILD=0
-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__ -DXXH_NO_STDLIB -Ihv/port -iquote hv
-Ihv/abi -Ihash/include -Ishare/include -Iguest-lib/core/include"
banned='%([xyz]mm[0-9]|mm[0-7]|st[^a-z]|k[0-7][^a-z0-9])|[^a-z]f(ld|st|x|nst)[a-z0-9]* '

# compile CC LEVEL FILE...: objects in $dir.
compile() {
	local cc=$1 level=$2 f
	shift 2

	rm -f "$dir"/*.o
	for f; do
		# shellcheck disable=SC2086
		$cc $level $flags -c -o "$dir/$(basename "$f" .c).o" "$f" 2>"$dir/log" ||
			echo "$f: $cc $level: $(grep -m 1 error "$dir/log")"
	done
}

# The functions of these objects that use what they must not.
faults() {
	objdump -d --no-show-raw-insn "$dir"/*.o |
		awk -v banned="$banned" '/file format/ { file = $1; sub(/.*\//, "", file) }
		/>:$/ { name = $2 } $0 ~ banned { print file, name }' | sort -u
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The list finds what it looks for.
echo 'void f(double *d) { *d = *d * 3 + 1; }' >"$dir/see.c"
compile gcc -O2 "$dir/see.c"
[ -n "$(faults)" ] || echo "tests/lint/registers.sh: sees no vector register where there is one"
for cc in gcc clang; do
	command -v $cc >/dev/null || continue
	for level in -O0 -O1 -O2 -Os "-O3 -march=native"; do
		# shellcheck disable=SC2086
		compile $cc "$level" $files
		faults | sed "s/^/$cc $level: /; s/\$/ uses registers that are not general/"
	done
done
