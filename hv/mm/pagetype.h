/* SPDX-License-Identifier: MIT */
/*
 * Page types: what a frame is used as, and how often.
 *
 *   class 4 | validated 1 | pinned 1 | partial 1 | spare 1 | nr_done 10 |
 *   linear uses 16 | count 28
 *
 * T1  classes exclude each other: the class changes only while both counts are 0.
 * T2  count of a table class = uses as a directory (parent entries, pin, loaded
 *     base); uses as a linear page table are counted apart (seed 003).
 * T3  a frame that was WRITABLE stays in that class at count 0 until somebody
 *     wants another class; he must flush the owner's TLBs first, after the
 *     class changed (no new writable mapping can then appear), before he looks
 *     at the content (SPIN model abac; XSA-401).
 * T4  validated: the content was checked for its class, and holds the
 *     references of its entries.
 * Writable and shared and descriptor classes need no nr_done; table classes keep the number of
 * entries that a preempted (de)validation has done there.
 *
 * This file only counts; pv/ptcheck.c looks at content.
 */
#ifndef HV_MM_PAGETYPE_H
#define HV_MM_PAGETYPE_H

#include "mm/frame.h"

enum page_class {
	CLASS_NONE, CLASS_WRITABLE, CLASS_L1, CLASS_L2, CLASS_L3, CLASS_L4,
	CLASS_DESC, CLASS_SHARED,
};

#define TYPE_CLASS_SHIFT	60
#define TYPE_VALIDATED		(1UL << 59)
#define TYPE_PINNED		(1UL << 58)
#define TYPE_PARTIAL		(1UL << 57)
#define TYPE_DONE_SHIFT		44
#define TYPE_DONE_MASK		(0x3ffUL << TYPE_DONE_SHIFT)
#define TYPE_LINEAR_SHIFT	28
#define TYPE_LINEAR_MASK	(0xffffUL << TYPE_LINEAR_SHIFT)
#define TYPE_LINEAR_MAX		0x7fffUL
#define TYPE_COUNT_MASK		0xfffffffUL
#define TYPE_COUNT_MAX		0xffffff0UL

static inline enum page_class type_class(uint64_t type)
{
	return type >> TYPE_CLASS_SHIFT;
}

static inline uint32_t type_count(uint64_t type)
{
	return type & TYPE_COUNT_MASK;
}

static inline uint32_t type_linear(uint64_t type)
{
	return (type & TYPE_LINEAR_MASK) >> TYPE_LINEAR_SHIFT;
}

enum type_change {
	TYPE_SAME,		/* count raised; the class and validation were there */
	TYPE_FRESH,		/* class taken from none: validate now */
	TYPE_FRESH_FLUSH,	/* class taken from WRITABLE: flush the owner's TLBs, then validate */
};

/*
 * Count one use as `class`.  TYPE_* or -EBUSY: used as another class, count at
 * its limit, or (table classes) not yet validated.  The caller holds a general
 * reference and, for table classes, the owner's LOCK_MM.
 */
int pagetype_get(struct frame *f, enum page_class class) must_check;
/* After TYPE_FRESH*: content is good (T4). */
void pagetype_validated(struct frame *f);
/* After TYPE_FRESH*: content is bad; count back to 0, class none. */
void pagetype_get_failed(struct frame *f);
/*
 * Drop one use.  True if that was the last of a validated table or descriptor
 * page: the caller must now devalidate and call pagetype_devalidated().
 */
bool pagetype_put(struct frame *f) must_check;
void pagetype_devalidated(struct frame *f);

/* The pin flag; -EINVAL if it already is as wanted. Owner's LOCK_MM. */
int pagetype_set_pinned(struct frame *f) must_check;
int pagetype_clear_pinned(struct frame *f) must_check;

/* Linear uses of a table (seed 003). -EBUSY: not a validated table of `class`, or at the limit. */
int pagetype_linear_get(struct frame *f, enum page_class class) must_check;
void pagetype_linear_put(struct frame *f);

const char *page_class_name(enum page_class class);

#endif
