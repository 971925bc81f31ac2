# SPDX-License-Identifier: MIT
# The one order of locks (hv/lib/lockorder.h) on every path that there is, also through tables of
# operations and callbacks, which clang's analysis of threads does not follow (locks.sh).
command -v clang >/dev/null || .ci/deps.sh lint || exit
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# translate OUT FILE: clang's code for it, as it is written
# shellcheck disable=SC2086
set -- $HV_CC
flags=("${@:2}")
translate() {
	clang "${flags[@]}" -Wno-everything -O0 -g0 -S -emit-llvm -o "$1" "$2" 2>&1 |
		sed -n "s/.*\(error: .*\)/${2//\//\\/}: \1/p"
}

# The order's levels, from 0.
levels=$(cpp -fpreprocessed -P hv/lib/lockorder.h | sed -n '/^enum lock_level/,/}/p' |
	grep -oE '\bLOCK_[A-Z_0-9]+' | awk '{ print NR - 1 "=" $0 }' | tr '\n' ' ')
# shellcheck disable=SC2046
tries=$(sed -nE 's/.*\b([a-z_]+)\([^()]*\)[ a-z_]*takes_lock_if_true.*/\1/p' \
	$(sources '*.[ch]' | grep -E '^(hv|share|hash)/') | sort -u | tr '\n' ' ')

# order FILE...: what is wrong in these, taken together
order() {
	awk -v levels="$levels" -v tries="$tries" -f tests/lint/lockorder.awk "$@" |
		sed -E 's|^([a-z+_0-9]+) |\1.c: |; :a; s|^([a-z_0-9/]*)\+|\1/|; ta' | sort
}

# It sees what it looks for, and nothing else.
cat >"$dir/see.c" <<'EOF2'
#include <port.h>
#include "x86/spinlock.h"
static struct spinlock mm = SPINLOCK_INIT(LOCK_MM), heap = SPINLOCK_INIT(LOCK_HEAP);
struct pool { struct spinlock lock; };
struct ops { void (*good)(void); void (*bad)(struct pool *p); };
struct timed { void *arg; void (*fn)(void); };
void pool_init(struct pool *p) { spin_lock_init(&p->lock, LOCK_POOL); }
static void take_pool(struct pool *p) { spin_lock(&p->lock); spin_unlock(&p->lock); }
static void take_mm(void) { spin_lock(&mm); spin_unlock(&mm); }
static void take_heap(void) { spin_lock(&heap); spin_unlock(&heap); }
static const struct ops table[] = { { take_heap, take_pool } };
static void (*const list[])(void) = { take_heap, take_mm };
void (*variable)(void) = take_mm;
void set(struct timed *t, void (*fn)(void)) { t->fn = fn; }
void begin(struct timed *t) { set(t, take_mm); }
static void each(void (*fn)(void)) { fn(); }
void direct(void) { spin_lock(&heap); take_mm(); spin_unlock(&heap); }
void by_table(struct pool *p, unsigned int i) { spin_lock(&heap); table[i].bad(p); spin_unlock(&heap); }
void by_list(unsigned int i) { spin_lock(&heap); list[i](); spin_unlock(&heap); }
void by_variable(void) { spin_lock(&heap); variable(); spin_unlock(&heap); }
void by_field(struct timed *t) { spin_lock(&heap); t->fn(); spin_unlock(&heap); }
void by_callback(void) { spin_lock(&heap); each(take_mm); spin_unlock(&heap); }
void same(struct pool *p) { spin_lock(&p->lock); take_pool(p); spin_unlock(&p->lock); }
void branch(bool b) { if (b) spin_lock(&heap); if (!b) take_mm(); if (b) spin_unlock(&heap); }
static void gives_up(void) { spin_unlock(&heap); take_mm(); spin_lock(&heap); }
void good(struct pool *p) { spin_lock(&p->lock); table[0].good(); spin_unlock(&p->lock); }
void freed(struct pool *p) { spin_lock(&heap); gives_up(); spin_unlock(&heap); }
void tries(void) { if (spin_trylock(&heap)) spin_unlock(&heap); else take_mm(); }
EOF2
translate "$dir/see.ll" "$dir/see.c"
seen=$(order "$dir/see.ll" | sed -nE 's/^see.c: ([a-z_]+): .*/\1/p' | sort -u | tr '\n' ' ')
[ "$seen" = "by_callback by_field by_list by_table by_variable direct same " ] ||
	echo "tests/lint/lockorder.sh: it sees faults in '$seen'"

mkdir "$dir/all"
for f in $(sources '*.c' | grep -E '^(hv|share|hash)/' | grep -vE '^hash/page_|asm_offsets|x86/spinlock'); do
	translate "$dir/all/$(tr / + <<<"${f%.c}").ll" "$f"
done
# The self-test takes two in the wrong order to see that debug builds stop there.
order "$dir"/all/*.ll >"$dir/told"
grep -q '^hv/boot/selftest.c: wrong_order: ' "$dir/told" ||
	echo "tests/lint/lockorder.sh: the self-test's wrong order is not seen"
grep -v '^hv/boot/selftest.c: wrong_order: ' "$dir/told"
