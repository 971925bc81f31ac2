/* SPDX-License-Identifier: MIT */
/* Counting of page types; pagetype.h has the rules (T1-T4). */
#include <port.h>
#include <errno.h>

#include "mm/pagetype.h"

static bool class_is_checked(enum page_class class)
{
	return class >= CLASS_L1 && class <= CLASS_DESC;
}

static bool type_cas(struct frame *f, uint64_t *old, uint64_t new)
{
	return __atomic_compare_exchange_n(&f->type, old, new, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/*
 * The type word after one more use as `class`, and what the caller must do.
 * A checked class at count 0 is not validated, whatever its class bits say.
 */
static int type_after_get(uint64_t old, enum page_class class, uint64_t *new)
{
	if (type_class(old) == class && type_count(old)) {
		if (type_count(old) >= TYPE_COUNT_MAX)
			return -EBUSY;
		if (class_is_checked(class) && !(old & TYPE_VALIDATED))
			return -EBUSY;
		*new = old + 1;
		return TYPE_SAME;
	}
	if (type_class(old) == class) {
		*new = old + 1;	/* keeps linear uses; T3 for writable */
		return class_is_checked(class) ? TYPE_FRESH_FLUSH : TYPE_SAME;
	}
	if (type_count(old) || type_linear(old))
		return -EBUSY;	/* T1; seed 003 */
	*new = ((uint64_t)class << TYPE_CLASS_SHIFT) | 1;
	return type_class(old) == CLASS_NONE ? TYPE_FRESH : TYPE_FRESH_FLUSH;
}

int pagetype_get(struct frame *f, enum page_class class)
{
	uint64_t old = READ_ONCE(f->type), new = 0;
	int change;

	do {
		change = type_after_get(old, class, &new);
		if (change < 0)
			return change;
	} while (!type_cas(f, &old, new));
	return change;
}

void pagetype_validated(struct frame *f)
{
	uint64_t old = __atomic_fetch_or(&f->type, TYPE_VALIDATED,
					 __ATOMIC_ACQ_REL);

	ASSERT(!(old & TYPE_VALIDATED) && type_count(old) == 1);
}

void pagetype_get_failed(struct frame *f)
{
	uint64_t now = __atomic_sub_fetch(&f->type, 1, __ATOMIC_ACQ_REL);

	ASSERT(type_count(now) == 0 && !(now & TYPE_VALIDATED));
}

bool pagetype_put(struct frame *f)
{
	uint64_t old = READ_ONCE(f->type), new;
	bool last;

	do {
		CHECK(type_count(old) > 0);
		last = type_count(old) == 1 && (old & TYPE_VALIDATED);
		/*
		 * The last use of a checked page keeps its count until its
		 * content is let go, so that no other class can slip in.
		 */
		new = last ? old & ~TYPE_VALIDATED : old - 1;
	} while (!type_cas(f, &old, new));
	return last;
}

void pagetype_devalidated(struct frame *f)
{
	uint64_t now = __atomic_sub_fetch(&f->type, 1, __ATOMIC_ACQ_REL);

	ASSERT(type_count(now) == 0 && !(now & (TYPE_VALIDATED | TYPE_PINNED)));
}

int pagetype_set_pinned(struct frame *f)
{
	uint64_t old = __atomic_fetch_or(&f->type, TYPE_PINNED,
					 __ATOMIC_ACQ_REL);

	return old & TYPE_PINNED ? -EINVAL : 0;
}

int pagetype_clear_pinned(struct frame *f)
{
	uint64_t old = __atomic_fetch_and(&f->type, ~TYPE_PINNED,
					  __ATOMIC_ACQ_REL);

	return old & TYPE_PINNED ? 0 : -EINVAL;
}

int pagetype_linear_get(struct frame *f, enum page_class class)
{
	uint64_t old = READ_ONCE(f->type);

	do {
		if (type_class(old) != class || !type_count(old))
			return -EBUSY;
		if (type_linear(old) >= TYPE_LINEAR_MAX)
			return -EBUSY;
	} while (!type_cas(f, &old, old + (1UL << TYPE_LINEAR_SHIFT)));
	return 0;
}

void pagetype_linear_put(struct frame *f)
{
	uint64_t old = __atomic_fetch_sub(&f->type, 1UL << TYPE_LINEAR_SHIFT,
					  __ATOMIC_ACQ_REL);

	CHECK(type_linear(old) > 0);
}

const char *page_class_name(enum page_class class)
{
	static const char *const names[] = {
		"none", "writable", "L1 table", "L2 table", "L3 table",
		"L4 table", "descriptor table", "shared",
	};

	return class < ARRAY_COUNT(names) ? names[class] : "?";
}
