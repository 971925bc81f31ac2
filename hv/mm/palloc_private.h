/* SPDX-License-Identifier: MIT */
/*
 * What the files of the frame allocator share: palloc.c, buddy.c, framepool.c.
 */
#ifndef HV_MM_PALLOC_PRIVATE_H
#define HV_MM_PALLOC_PRIVATE_H

#include "mm/palloc.h"
#include "x86/spinlock.h"

#define ORDERS		(PALLOC_MAX_ORDER + 1)
#define NO_FRAME	0	/* mfn 0 is never RAM that we hand out */

#define FRAME_STATE(kind, owner, ref)				\
	((uint64_t)(kind) << FRAME_KIND_SHIFT |			\
	 (uint64_t)(owner) << FRAME_OWNER_SHIFT | (ref))

/* Free blocks; the lock is that of the struct that contains this one. */
struct buddy {
	uint64_t state;		/* of its frames, but for the order; constant */
	uint32_t list[ORDERS];
};

/*
 * Frames that go in have the buddy's state; free neighbours merge.
 * buddy_take(): INVALID_MFN if there is no block.  buddy_take_below(): of
 * frames below `end`; it looks at BUDDY_LOOKS blocks of each order, and may
 * miss one.
 */
#define BUDDY_LOOKS	32
void buddy_give(struct buddy *b, mfn_t mfn, unsigned int order);
mfn_t buddy_take(struct buddy *b, unsigned int order);
mfn_t buddy_take_below(struct buddy *b, unsigned int order, mfn_t end);
/*
 * A block of up to 2^*order frames, *order: its own.  It is the next behind the
 * last one of this place, in the same 2 MiB; or else from where most is free in
 * a row, but of 2 MiB that are free only if there is nothing less.
 */
mfn_t buddy_take_near(struct buddy *b, struct palloc_place *place,
		      unsigned int *order);

/* The heap's, of state FREE; LOCK_HEAP.  They stay counted as free. */
mfn_t heap_take(unsigned int order);
mfn_t heap_take_near(struct palloc_place *place, unsigned int *order);
void heap_give(mfn_t mfn, unsigned int order);
/* Frames from mfn on become free, or are no longer (PALLOC1). */
void palloc_note(mfn_t mfn, uint64_t frames, bool freed);
/* Single frames that are free no longer. */
void palloc_note_used(const uint32_t *mfns, uint32_t count);
/* Frames that are no longer free become the hypervisor's: zeroed, kind HV. */
void *palloc_hv_from(mfn_t mfn, unsigned int order);

static inline void frame_set_state(struct frame *f, uint64_t state)
{
	atomic_store_release(&f->state, state);
}

#endif
