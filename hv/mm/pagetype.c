/* SPDX-License-Identifier: MIT */
/* Counting of page types; pagetype.h has the rules (T1-T7). */
#include <port.h>
#include <errno.h>

#include "mm/pagetype.h"

static bool class_is_checked(enum page_class class)
{
	return class >= CLASS_L1 && class <= CLASS_DESC;
}

static bool type_cas(struct frame *f, uint64_t *old, uint64_t new)
{
	return atomic_cas(&f->type, old, new);
}

/*
 * The type word after the first use as `class`, when the last class was another
 * one.
 */
static int type_first_use(uint64_t old, enum page_class class, uint64_t *new)
{
	*new = ((uint64_t)class << TYPE_CLASS_SHIFT) | 1;
	if (type_class(old) == CLASS_NONE || type_class(old) == CLASS_SHARED)
		return TYPE_FRESH;
	if (class != CLASS_SHARED)
		*new |= TYPE_FLUSHING;	/* T6, T7 */
	return TYPE_FRESH_FLUSH;
}

/*
 * The type word after one more use as `class`, and what the caller must do.
 * A checked class at count 0 is not validated, whatever its class bits say.
 */
static int type_after_get(uint64_t old, enum page_class class, uint64_t *new)
{
	bool validated = old & TYPE_VALIDATED;

	if (type_class(old) == class && (type_count(old) || validated)) {
		if (type_count(old) >= TYPE_COUNT_MAX)
			return -EBUSY;
		if (class_is_checked(class) && !validated)
			return -EBUSY;
		*new = old + 1;
		return TYPE_SAME;
	}
	if (type_class(old) == class && !class_is_checked(class)) {
		*new = old + 1;	/* T3 for writable */
		return TYPE_SAME;
	}
	if (type_count(old))
		return -EBUSY;	/* T1 */
	if (type_class(old) != class && type_linear(old))
		return -EMLINK;	/* seed 003 */
	return type_first_use(old, class, new);
}

int pagetype_get(struct frame *f, enum page_class class)
{
	uint64_t old = READ_ONCE(f->type), new = 0;
	int change;

	do {
		while (unlikely(old & TYPE_FLUSHING)) {
			port_spin();	/* T6 */
			old = atomic_load_acquire(&f->type);
		}
		change = type_after_get(old, class, &new);
		if (change < 0)
			return change;
	} while (!type_cas(f, &old, new));
	return change;
}

bool pagetype_offer(struct frame *f, uint32_t writable)
{
	uint64_t old = (uint64_t)CLASS_WRITABLE << TYPE_CLASS_SHIFT | writable;

	return type_cas(f, &old, (uint64_t)CLASS_SHARED << TYPE_CLASS_SHIFT | 1);
}

void pagetype_flushed(struct frame *f)
{
	uint64_t old = atomic_fetch_and(&f->type, ~TYPE_FLUSHING);

	ASSERT((old & TYPE_FLUSHING) && type_count(old) == 1);
}

void pagetype_validated(struct frame *f)
{
	uint64_t old = atomic_fetch_or(&f->type, TYPE_VALIDATED);

	ASSERT(!(old & (TYPE_VALIDATED | TYPE_FLUSHING)) &&
	       type_count(old) == 1);
}

void pagetype_get_failed(struct frame *f)
{
	uint64_t now = atomic_sub(&f->type, 1);

	ASSERT(type_count(now) == 0 && !(now & TYPE_VALIDATED));
}

bool pagetype_put(struct frame *f)
{
	uint64_t old = READ_ONCE(f->type), new;
	bool last;

	do {
		CHECK(type_count(old) > 0);
		/* T6: nobody has a use before the flush */
		ASSERT(!(old & TYPE_FLUSHING));
		last = type_count(old) == 1 && (old & TYPE_VALIDATED) &&
		       !type_linear_in(old);
		/*
		 * The last use of a checked page keeps its count until its
		 * content is let go, so that no other class can slip in.
		 */
		new = last ? old & ~TYPE_VALIDATED : old - 1;
	} while (!type_cas(f, &old, new));
	return last;
}

void pagetype_put_plain(struct frame *f)
{
	bool last = pagetype_put(f);

	ASSERT(!last);	/* only tables and descriptor pages have a last use */
	(void)last;
}

void pagetype_devalidated(struct frame *f)
{
	uint64_t now = atomic_sub(&f->type, 1);

	ASSERT(type_count(now) == 0 && !(now & (TYPE_VALIDATED | TYPE_PINNED)));
}

int pagetype_set_pinned(struct frame *f)
{
	uint64_t old = atomic_fetch_or(&f->type, TYPE_PINNED);

	return old & TYPE_PINNED ? -EINVAL : 0;
}

int pagetype_clear_pinned(struct frame *f)
{
	uint64_t old = atomic_fetch_and(&f->type, ~TYPE_PINNED);

	return old & TYPE_PINNED ? 0 : -EINVAL;
}

void pagetype_partial(struct frame *f, unsigned int done, bool child)
{
	uint64_t old = READ_ONCE(f->type), new;

	do {
		ASSERT(type_count(old) == 1 && !(old & TYPE_VALIDATED));
		new = (old & ~(TYPE_DONE_MASK | TYPE_CHILD)) | TYPE_PARTIAL |
		      (uint64_t)done << TYPE_DONE_SHIFT |
		      (child ? TYPE_CHILD : 0);
	} while (!type_cas(f, &old, new));
}

void pagetype_whole(struct frame *f)
{
	(void)atomic_fetch_and(&f->type, ~(TYPE_PARTIAL | TYPE_CHILD |
					     TYPE_DONE_MASK));
}

#define LINEAR_ONE (1UL << TYPE_LINEAR_SHIFT)

int pagetype_linear_get(struct frame *f, enum page_class class)
{
	uint64_t old = READ_ONCE(f->type);

	do {
		if (type_class(old) != class || !(old & TYPE_VALIDATED))
			return -EBUSY;
		if (type_linear_out(old) || type_linear(old) >= TYPE_LINEAR_MAX)
			return -EBUSY;
	} while (!type_cas(f, &old, old + LINEAR_ONE));
	return 0;
}

bool pagetype_linear_put(struct frame *f)
{
	uint64_t old = READ_ONCE(f->type), new;
	bool last;

	do {
		CHECK(type_linear_in(old) > 0);
		last = type_linear(old) == 1 && !type_count(old);
		new = old - LINEAR_ONE;
		if (last)	/* as in pagetype_put() */
			new = (new & ~TYPE_VALIDATED) + 1;
	} while (!type_cas(f, &old, new));
	return last;
}

int pagetype_linear_out_get(struct frame *f)
{
	uint64_t old = READ_ONCE(f->type);

	do {
		if (type_linear_in(old) || type_linear(old) >= TYPE_LINEAR_MAX)
			return -EBUSY;
	} while (!type_cas(f, &old, (old | TYPE_LINEAR_OUT) + LINEAR_ONE));
	return 0;
}

void pagetype_linear_out_put(struct frame *f)
{
	uint64_t old = READ_ONCE(f->type), new;

	do {
		CHECK(type_linear_out(old) > 0);
		new = old - LINEAR_ONE;
		if (!type_linear(new))
			new &= ~TYPE_LINEAR_OUT;
	} while (!type_cas(f, &old, new));
}

const char *pagetype_class_name(enum page_class class)
{
	static const char *const names[] = {
		"none", "writable", "L1 table", "L2 table", "L3 table",
		"L4 table", "descriptor table", "shared",
	};

	return class < ARRAY_COUNT(names) ? names[class] : "?";
}
