# SPDX-License-Identifier: MIT
# The guest library as an outsider takes it: installed, its headers alone in C and C++, the samples of the
# pages compiled, linked at any address, and run.
# Beside others (41 s): make finds all built, and boot-mine has a folder for it.
to=$work/guest-lib
export DIR=$to.mine
rm -rf "$to"
mkdir -p "$to"
expect 2 "PREFIX=here: wanted a path that begins with /" make -s install-guest-lib PREFIX=here
make -s install-guest-lib PREFIX=/usr DESTDIR="$to/root"
make -s install-guest-lib PREFIX="$to/usr"
# The same but for the prefix in the files for pkg-config.
out=$(diff -rq "$to/root/usr" "$to/usr") && fail "pkg-config does not know the prefix"
! grep -v '\.pc differ$' <<<"$out" | grep -q . || fail "two installations differ"
cmp LICENSE "$to/usr/share/doc/pasture/LICENSE"
# The pages are there, and lead to what is there.
for page in your-kernel guest-lib; do
	grep -o '](\([^)]*\))' "$to/usr/share/doc/pasture/$page.md" | sed 's/^](//; s/)$//' >"$to/links"
	while read -r link; do
		[ -e "$to/usr/share/doc/pasture/$link" ] || fail "the installed $page.md: there is no $link"
	done <"$to/links"
	[ -s "$to/links" ] || fail "the installed $page.md has no links"
done
export PKG_CONFIG_PATH=$to/usr/lib/pkgconfig
warn="-Wall -Wextra -Wno-unused-parameter -Werror"

# Each header is complete, and nothing in it leads back into this tree.
cd "$to"
xen="-D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__"
for header in usr/include/pasture/*.h usr/include/pasture/abi/*.h; do
	name=${header#usr/include/}
	for lang in "c -std=gnu11" "c++ -std=c++11"; do
		# shellcheck disable=SC2086
		echo "#include <$name>" | gcc -x $lang $warn $xen $(pkg-config --cflags pasture-share) \
			-fsyntax-only - || fail "$name is no header in ${lang%% *}"
	done
done
# The sharing half's headers need none of Xen's.
for name in share offers repay stubs; do
	echo "#include <pasture/$name.h>" | gcc -M -x c $(pkg-config --cflags pasture-share) - >deps
	! grep -q /xen/ deps || fail "pasture/$name.h needs Xen's headers"
done

# Names: all that the archive defines is declared in a header that is installed, and begins with gl_.
nm -g --defined-only usr/lib/libpasture-share.a | awk 'NF == 3 { print $3 }' >names
[ "$(wc -l <names)" -gt 25 ] || fail "the archive has no names"
while read -r name; do
	grep -qE "\\b$name\\(" usr/include/pasture/{share,offers,repay,stubs}.h || fail "$name is in no header"
	[[ $name == gl_* ]] || fail "$name does not begin with gl_"
done <names
out=$(nm usr/lib/libpasture-share.a | awk '$1 == "U" { print $2 }' | sort -u | grep -vxE 'mem(cpy|set)') &&
	fail "the archive needs more than memcpy and memset"

sample() { # PAGE NAME: the block of code under its mark
	awk -v mark="<!-- sample: $2 -->" '$0 == mark { on = 1; next } on && /^```/ { if (++n == 2) exit; next } on' \
		"$dir/../../$1" >"$2.c"
	[ -s "$2.c" ] || fail "$1 has no sample $2"
}
sample docs/your-kernel.md offers
sample guest-lib/README.md share
sample guest-lib/README.md hello

# The sharing half in a kernel of the last 2 GiB, in a PIE, and far up in an address space.
cat >other.c <<'END'
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n) { (void)from; (void)n; return to; }
void *memset(void *to, int byte, size_t n) { (void)byte; (void)n; return to; }
char hypercall_page[4096];
struct gl_share_ops;
extern const void *const my_ops[16];
const void *const my_ops[16] = { 0 };
END
link() { # NAME COMPILER-FLAGS -- LINKER-FLAGS
	local name=$1 flags=()

	shift
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	for part in offers share other; do
		# shellcheck disable=SC2046
		gcc $warn -O2 -ffreestanding -mno-red-zone -fno-stack-protector "${flags[@]}" \
			$(pkg-config --cflags pasture-share) -c -o "$part.o" "$part.c"
	done
	for part in offers share; do
		# shellcheck disable=SC2046
		ld -nostdlib -z noexecstack "$@" -e sharing_begin -o "$name-$part" "$part.o" other.o \
			$(pkg-config --libs-only-L --libs-only-l pasture-share) || fail "$part does not link: $name"
		readelf -sW "$name-$part" | grep -q "FUNC .* gl_$part.*_init" || fail "$name-$part has no library"
	done
}
link top -mcmodel=kernel -fno-pic -- -static -Ttext=0xffffffff81000000
link far -mcmodel=large -fno-pic -- -static -Ttext-segment=0x7f1234560000
link pie -fpie -- -pie --no-dynamic-linker
! readelf -rW pie-offers | grep -q R_X86 || fail "the library has to be relocated in a PIE"
if command -v clang >/dev/null; then
	clang $warn -O2 -ffreestanding -mcmodel=kernel $(pkg-config --cflags pasture-share) -c -o offers.o offers.c
fi

# In a kernel of C++: the library's names are C's.
# shellcheck disable=SC2046
gcc -x c++ -std=c++11 $warn -ffreestanding $(pkg-config --cflags pasture-share) -c -o cxx.o offers.c
nm cxx.o | grep -q ' U gl_offers_range$' || fail "C++ has other names than the library"

# As kernels that boot.
kernel() { # NAME SOURCE...
	# shellcheck disable=SC2046
	gcc -O2 $warn $(pkg-config --cflags pasture-guest) -o "$1.elf" "${@:2}" $(pkg-config --libs pasture-guest) ||
		fail "the kernel $1 cannot be built"
}
kernel hello hello.c
kernel offers offers.c "$dir/samples/offers-main.c"
kernel share share.c "$dir/samples/share-main.c"

# A kernel of another kind, at two addresses of its own; then as one that is older than Xen's notes.
foreign() { # NAME BASE CODE-MODEL
	# shellcheck disable=SC2046
	gcc -O2 $warn -ffreestanding -mno-red-zone -fno-stack-protector -fno-asynchronous-unwind-tables -fno-pic \
		-mcmodel="$3" $(pkg-config --cflags pasture-share) -DBASE="$2" -nostdlib -static -no-pie \
		-Wl,-N,-z,noexecstack,--no-warn-rwx-segments,--build-id=none \
		-Wl,-Ttext-segment="$(printf "%#x" $(($2 + 0x100000)))" -o "$1.elf" \
		"$dir/samples/foreign.c" offers.c $(pkg-config --libs pasture-share) || fail "$1 cannot be built"
}
foreign top 0xffffffff80000000 kernel
foreign far 0x7f1234400000 large
page=$(nm top.elf | awk '$3 == "hypercall_page" { print $1 }')
printf "LOADER=generic,XEN_VER=xen-3.0,VIRT_BASE=0xffffffff80000000,FEATURES=!writable_descriptor_tables" >section
printf ",HYPERCALL_PAGE=%d" $(((0x$page - 0xffffffff80000000) >> 12)) >>section
objcopy --remove-section .note.Xen --add-section __xen_guest=section top.elf old.elf
cd "$dir/../.."

mine() { # KERNEL TEXT [VARIABLE...]
	expect 0 "$2" make -s boot-mine KERNEL="$to/$1.elf" GUEST_MEM=8 TIMEOUT=60 "${@:3}"
	grep -q '^  mine1  poweroff 0$' <<<"$out" || fail "mine1 did not end well"
	grep -q '^  mine2  poweroff 0$' <<<"$out" || fail "mine2 did not end well"
}
mine hello "(d2 mine2) hello"
mine offers "begun 0 offered 40 stopped 0 words 55 6"
grep -q '^  saved by sharing, at most: [0-9]* pages; breaks: [1-9]' <<<"$out" || fail "nothing was shared"
mine share "begun 64 offered 40 ended 0 words 55 6" BREAKS=guest
# The page's line of the list and its command, in the folder that this left, as in build/mine.
mine hello "(d2 mine2) hello" INITRD=LICENSE
page() { # PATTERN: the lines of code that match, and those that they go on with
	awk -v pattern="$1" '/^    / && $0 ~ pattern { on = 1 } on { print } !/\\$/ { on = 0 }' docs/your-kernel.md
}
ln -sfn "$PWD/build/pasture" "$work/pasture"
page "^    domain name=web" >"$DIR"/domains.cfg
line=$(page "^    qemu-system" | sed 's/"domains.cfg,kernel"/"domains.cfg,kernel,part1"/')
out=$(cd "$DIR" && timeout 60 bash -c "$line" </dev/null 2>&1) || fail "the page's command fails: $out"
grep -q "(d2 web2) hello" <<<"$out" || fail "the page's list starts no guests: $out"
# Each word of the list is in the page's table.
words=$(sed -n '/^static const struct rule domain_rules/,/^}/s/{ "\([a-z0-9_]*\)",/\n\1\n/gp' hv/ctl/config.c | grep -x '[a-z0-9_]*')
for word in $words; do
	# shellcheck disable=SC2016
	grep -q '^| `'"$word"'=` |' docs/your-kernel.md || fail "the page's table has no $word="
done
[ "$(wc -w <<<"$words")" -gt 10 ] || fail "the domain list has no words"

for name in top far old; do
	mine $name "errors 0"
	! grep -q "errors [1-9]" <<<"$out" || fail "$name has errors"
	grep -q '^  saved by sharing, at most: [1-9]' <<<"$out" || fail "$name shared nothing"
done

refuses "name your kernel" bash bench/boot-mine.sh
KERNEL=$to/hello.elf GUESTS=0 refuses "GUESTS=0: wanted a number from 1 to 250" bash bench/boot-mine.sh
KERNEL=$to/hello.elf VCPUS=33 refuses "VCPUS=33: wanted a number from 1 to 32" bash bench/boot-mine.sh
KERNEL=$to/hello.elf BREAKS=x refuses "BREAKS=x: wanted first or guest" bash bench/boot-mine.sh
KERNEL=$to/nosuch refuses "cannot read $to/nosuch" bash bench/boot-mine.sh
KERNEL=$to/hello.c refuses "neither a bzImage nor an ELF file" bash bench/boot-mine.sh
KERNEL=$to/hello.elf INITRD=/nosuch refuses "INITRD: cannot read /nosuch" bash bench/boot-mine.sh
