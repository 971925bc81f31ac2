/* SPDX-License-Identifier: MIT */
/*
 * Page types: what a frame is used as, and how often.
 *
 *   class 4 | validated 1 | pinned 1 | partial 1 | child 1 | flushing 1 | - 1 |
 *   nr_done 10 | linear: out 1, number 15 | count 28
 *
 * T1  classes exclude each other: the class changes only while both counts are
 *     0.
 * T2  count of a table class = uses as a directory (parent entries, pin, loaded
 *     base).  Uses as a linear page table are counted apart (seed 003): in the
 *     field `linear` of the table that is used, and, with the bit `out`, in
 *     that of the table that uses others.  A table either is used or uses
 *     others, never both, so links are one deep (XSA-240).  A table's link to
 *     itself is counted in neither field: it comes and goes with the table.
 * T3  a frame that was WRITABLE stays in that class at count 0 until somebody
 *     wants another class; that user must flush the owner's TLBs, after the
 *     class changed (no new writable mapping can then appear) and before
 *     looking at the content (SPIN model abac; XSA-401).
 * T4  validated: the content was checked for its class, and holds the
 *     references of its entries.  A table stays validated until both counts are
 *     0: as long as there is a linear link the CPU still walks its entries, so
 *     what they name must be held.
 * T5  partial: a table that is being validated or devalidated has count 1, and
 *     exactly its entries below nr_done hold what they name; with `child`,
 *     entry nr_done names a table that is itself partial, and holds it (I7).
 * T6  flushing: the class changed, and CPUs may still have translations of what
 *     the frame was.  The CPU that changed the class owes the flush (T3), and
 *     nobody gets a use before the flush is done: a second getter waits
 *     (XSA-401; SPIN model type_getters).  The waiting CPU answers flush
 *     requests (port_spin()), and the flushing CPU needs no lock, so neither
 *     waits for ever.
 * T7  class SHARED of a domain's page means that an offer is using it.  The
 *     offer holds LOCK_MM, flushes once for many pages, and takes other locks
 *     before that flush; so nobody may wait for it.  Nobody has to: every other
 *     class is refused until the offer lets go of the page, which it does after
 *     the flush.  So the class that comes after SHARED needs no flush.
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
#define TYPE_CHILD		(1UL << 56)
#define TYPE_FLUSHING		(1UL << 55)
#define TYPE_DONE_SHIFT		44
#define TYPE_DONE_MASK		(0x3ffUL << TYPE_DONE_SHIFT)
#define TYPE_LINEAR_SHIFT	28
#define TYPE_LINEAR_MASK	(0x7fffUL << TYPE_LINEAR_SHIFT)
#define TYPE_LINEAR_OUT		(1UL << 43)
#define TYPE_LINEAR_MAX		0x7ffeUL
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

/* How often the table is used as a linear page table. */
static inline uint32_t type_linear_in(uint64_t type)
{
	return type & TYPE_LINEAR_OUT ? 0 : type_linear(type);
}

/* How many of the table's entries use others as linear page tables. */
static inline uint32_t type_linear_out(uint64_t type)
{
	return type & TYPE_LINEAR_OUT ? type_linear(type) : 0;
}

static inline unsigned int type_done(uint64_t type)
{
	return (type & TYPE_DONE_MASK) >> TYPE_DONE_SHIFT;
}

static inline enum page_class frame_class(const struct frame *f)
{
	return type_class(READ_ONCE(f->type));
}

/*
 * Is f a validated page table of that level, 1 to 4?  The owner's LOCK_MM keeps
 * the answer true.
 */
static inline bool frame_is_table(const struct frame *f, unsigned int level)
{
	uint64_t type = READ_ONCE(f->type);

	return type_class(type) == CLASS_L1 + (level - 1) &&
	       (type & TYPE_VALIDATED);
}

enum type_change {
	/* count raised; the class and validation were there */
	TYPE_SAME,
	/* class taken from none, or from SHARED (T7): validate now */
	TYPE_FRESH,
	/*
	 * class taken from another (T6): flush the owner's TLBs, say so, then
	 * validate
	 */
	TYPE_FRESH_FLUSH,
};

/*
 * Count one use as `class`.  TYPE_*, or -EBUSY: used as another class, count at
 * its limit, or (table classes) not yet validated; or -EMLINK: no use is left
 * but linear ones.  The caller holds a general reference and, for table
 * classes, the owner's LOCK_MM.
 *
 * After TYPE_FRESH_FLUSH everybody else waits for pagetype_flushed().  So that
 * nobody forgets it, dom/domain.h's domain_type_get() does all of it; only an
 * offer (T7) calls this one.
 */
int pagetype_get(struct frame *f, enum page_class class) must_check;
/*
 * An offer's names have so many writable uses of f, and it takes them away: if
 * these are all the uses there are, they become the offer's one use as SHARED
 * (T7), in one step.  False: nothing changed.
 */
bool pagetype_offer(struct frame *f, uint32_t writable) must_check;
/* After TYPE_FRESH_FLUSH: the flush was made (T6). */
void pagetype_flushed(struct frame *f);
/* After TYPE_FRESH*: content is good (T4). */
void pagetype_validated(struct frame *f);
/* After TYPE_FRESH*: content is bad; count back to 0, class kept. */
void pagetype_get_failed(struct frame *f);
/*
 * Drop one use.  True if that was the last of a validated table or descriptor
 * page: the caller must now devalidate and call pagetype_devalidated().
 */
bool pagetype_put(struct frame *f) must_check;
void pagetype_devalidated(struct frame *f);
/* Drop a use as WRITABLE or SHARED: nothing is to be done after the last. */
void pagetype_put_plain(struct frame *f);

/* T5; owner's LOCK_MM. */
void pagetype_partial(struct frame *f, unsigned int done, bool child);
void pagetype_whole(struct frame *f);	/* no longer partial */

/* The pin flag; -EINVAL if it already is as wanted. Owner's LOCK_MM. */
int pagetype_set_pinned(struct frame *f) must_check;
int pagetype_clear_pinned(struct frame *f) must_check;

/*
 * One more linear use of a table of `class` (T2): -EBUSY if f is no validated
 * table of that class, uses others itself, or is at the limit.  The put returns
 * true as pagetype_put() does.
 */
int pagetype_linear_get(struct frame *f, enum page_class class) must_check;
bool pagetype_linear_put(struct frame *f) must_check;
/*
 * One more entry of this table uses another table: -EBUSY if this table is used
 * in that way itself, or is at the limit.
 */
int pagetype_linear_out_get(struct frame *f) must_check;
void pagetype_linear_out_put(struct frame *f);

const char *pagetype_class_name(enum page_class class);

#endif
