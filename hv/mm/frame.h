/* SPDX-License-Identifier: MIT */
/*
 * The frame table: 24 bytes for every machine frame.
 *
 * With the 8 bytes that a frame costs in its owner's view of the M2P, a frame
 * costs 32 bytes in all (design decision 9).
 *
 * Two atomic words say everything about who may use a frame and how:
 *
 *   state   general references (32 bits) | owner (16) | kind (4) | flags |
 *           order
 *   type    how it is used now: class and counts (mm/pagetype.h)
 *
 * F1  kind FREE or POOL: ref 0, type 0; FREE: owner 0; POOL: owner is the share
 *     group that it is set aside for.
 * F2  kind OWNED: ref = (allocated ? 1 : 0) + present entries naming it + pins
 *     + loaded page-table bases + descriptor-table slots + holds of the
 *     hypervisor.
 * F3  the word changes owner or kind only while ref is 0, or while the caller
 *     knows every reference (frame_claim()); so a successful frame_get() pins
 *     owner and kind.  One exception: the owner of a page that outlives its
 *     domain becomes DOMID_ORPHAN (ctl/destroy.c, END4).  A frame that can be
 *     referenced is whole: linked, named, counted (frame_publish()).
 * F4  at ref 0 an OWNED or HEAP frame is given back: to the heap, or, with
 *     NOHEAP set, to nobody, until the destructor clears the flag (seed 000).
 * F5  kind SHARED: owner is the share group, ref the share count (share/).
 */
#ifndef HV_MM_FRAME_H
#define HV_MM_FRAME_H

#include "lib/atomic.h"
#include "lib/types.h"
#include "mm/ram.h"

enum frame_kind {
	/* firmware, devices, the image, modules: never handed out */
	FRAME_RESERVED,
	FRAME_HV,	/* allocated by the hypervisor for itself */
	FRAME_FREE,	/* in the buddy allocator */
	FRAME_POOL,	/* set aside for a share group, unused */
	FRAME_OWNED,	/* a domain's page */
	/*
	 * hypervisor heap page that a domain may map (shared info, grant table,
	 * trace)
	 */
	FRAME_HEAP,
	FRAME_SHARED,	/* canonical page of a share group */
};

struct frame {
	uint64_t state;		/* atomic */
	uint64_t type;		/* atomic; mm/pagetype.h */
	union {
		struct {
			/*
			 * FREE: buddy list (LOCK_HEAP); OWNED: owner's page
			 * list (LOCK_PAGELIST); frame_link()
			 */
			uint32_t next, prev;
		};
		/* SHARED: keyed hash of the content; constant while shared */
		uint64_t hash;
		/* HV: 0; a leaf of a view: its names (mm/m2p.c, M2P4) */
		uint64_t names;
	};
};
_Static_assert(sizeof(struct frame) == 24, "decision 9: 24 + 8 bytes a frame");

#define FRAME_REF_MASK		0xffffffffUL
/* a frame_get() beyond this is refused (PT15) */
#define FRAME_REF_MAX		0xfffffff0UL
#define FRAME_OWNER_SHIFT	32
#define FRAME_OWNER_MASK	(0xffffUL << FRAME_OWNER_SHIFT)
#define FRAME_KIND_SHIFT	48
#define FRAME_KIND_MASK		(0xfUL << FRAME_KIND_SHIFT)
/* the owner has not given the frame up: counts as one reference */
#define FRAME_ALLOCATED		(1UL << 52)
#define FRAME_NOHEAP		(1UL << 53)	/* F4 */
/* HEAP: the domain may map it writable */
#define FRAME_HEAP_RW		(1UL << 54)
/* FREE: holds old content; scrub before it is handed to a domain */
#define FRAME_DIRTY		(1UL << 55)
/* FREE: order of the block that starts here, + 1; 0 = not a start */
#define FRAME_ORDER_SHIFT	56
#define FRAME_ORDER_MASK	(0x1fUL << FRAME_ORDER_SHIFT)

/* one past the last frame in the table; constant after boot */
extern mfn_t frame_max_mfn;

/*
 * Of the ranges of RAM in which frames were looked for, the largest: most
 * frames are there.  atomic; any range will do
 */
extern unsigned int frame_largest_range;
static inline bool frame_in_largest_range(mfn_t mfn)
{
	const struct ram_range *r = &ram_ranges[atomic_load_relaxed(&frame_largest_range)];

	return likely(mfn_n(mfn) >= mfn_n(r->first) && mfn_n(mfn) < mfn_n(r->end));
}

bool frame_valid_elsewhere(mfn_t mfn);
/*
 * Is there a record for this mfn (RAM known at boot)? Safe for any number a
 * guest names.
 */
static inline bool frame_valid(mfn_t mfn)
{
	return frame_in_largest_range(mfn) || frame_valid_elsewhere(mfn);
}
struct frame *mfn_to_frame(mfn_t mfn);	/* mfn must be frame_valid() */
mfn_t frame_to_mfn(const struct frame *f);

/* Links between frames (next, prev, heads of lists): 32 bits, 0 = none. */
static inline struct frame *frame_linked(uint32_t link)
{
	return mfn_to_frame(MFN(link));
}

static inline uint32_t frame_link(mfn_t mfn)
{
	return mfn_n(mfn);
}

static inline uint64_t frame_state(const struct frame *f)
{
	return READ_ONCE(f->state);
}

static inline enum frame_kind frame_state_kind(uint64_t state)
{
	return (state & FRAME_KIND_MASK) >> FRAME_KIND_SHIFT;
}

static inline enum frame_kind frame_kind(const struct frame *f)
{
	return frame_state_kind(frame_state(f));
}

static inline bool frame_is_shared(const struct frame *f)
{
	return frame_kind(f) == FRAME_SHARED;
}

static inline domid_hv_t frame_state_owner(uint64_t state)
{
	return (state & FRAME_OWNER_MASK) >> FRAME_OWNER_SHIFT;
}

static inline uint32_t frame_state_ref(uint64_t state)
{
	return state & FRAME_REF_MASK;
}

/* A page of `owner`'s that is alive. */
static inline bool frame_state_is_page(uint64_t state, domid_hv_t owner)
{
	const uint64_t who = FRAME_KIND_MASK | FRAME_OWNER_MASK;

	return (state & who) == ((uint64_t)FRAME_OWNED << FRAME_KIND_SHIFT |
				 (uint64_t)owner << FRAME_OWNER_SHIFT) &&
	       frame_state_ref(state);
}

/*
 * Take a general reference if the frame is OWNED or HEAP, by `owner`, and alive
 * (ref > 0).  0, -EPERM (not owner's), -EBUSY (count at its limit).  No locks.
 */
int frame_get(struct frame *f, domid_hv_t owner) must_check;
/*
 * One more reference to a frame that the caller already references; -EBUSY at
 * the limit.
 */
int frame_get_again(struct frame *f) must_check;
/*
 * Drop one reference; at zero the frame is given back as F4 says. Takes
 * LOCK_PAGELIST of the owner and LOCK_HEAP then.
 */
void frame_put(struct frame *f);
/*
 * Clear ALLOCATED; true if it was set (then the caller drops that reference
 * with frame_put()).
 */
bool frame_test_and_clear_allocated(struct frame *f) must_check;

/*
 * How a frame changes hands (PT6, PT7): claimed by one compare-and-swap,
 * published by one store.
 *
 * Claim a frame that is OWNED by `owner`, ALLOCATED, and has no references but
 * the owner's own and `refs` that the caller knows of; else -EBUSY, with
 * nothing changed.  A claimed frame is the hypervisor's (kind HV): nobody can
 * reference it, give it back or claim it, by whatever number.  It still is on
 * the owner's list and in the owner's M2P, and keeps its type word.  The known
 * references have gone with the claim: nobody puts them.
 */
int frame_claim(struct frame *f, domid_hv_t owner, uint32_t refs) must_check;
/*
 * Undo frame_claim(): the frame is `owner`'s again, with the references that it
 * had.
 */
void frame_unclaim(struct frame *f, domid_hv_t owner, uint32_t refs);
/*
 * Publish a frame that nobody can reference: it becomes `owner`'s, ALLOCATED,
 * with `refs` references beside the owner's own.  This is the last step, since
 * from here on any CPU may name the frame, or even give it back.  So before it
 * the frame is on the owner's list, its type counts what `refs` are for, and
 * its M2P entry is written.
 */
void frame_publish(struct frame *f, domid_hv_t owner, uint32_t refs);

#endif
