/* SPDX-License-Identifier: MIT */
/*
 * A chunk: the entries of a share batch that are worked on together, with one
 * TLB flush and without a look at the clock in between.
 */
#ifndef HV_OFFER_CHUNK_H
#define HV_OFFER_CHUNK_H

#include <share/share.h>

#include "abi/share.h"
#include "dom/tally.h"
#include "x86/pte.h"

#define CHUNK_ITEMS	64
#define CHUNK_NAMES	128
_Static_assert(CHUNK_ITEMS <= 64, "a bit for each");
_Static_assert(CHUNK_NAMES >= SHARE_NAMES_MAX, "the longest entry fits");

struct chunk_item {
	uint32_t first, count;		/* its names in names[] */
	/* SHARE_NOT_TRIED while it is in the running */
	enum shareop_result result;
	mfn_t mfn;			/* the frame that all names map */
	/* and the one that they map afterwards */
	mfn_t new_mfn;
	/* offer: the frame has class SHARED and lost its RW mappings */
	bool has_shared_class;
	/* unshare: names that become writable */
	uint32_t writable;
};

struct chunk_name {
	uint64_t name;			/* as the guest gave it */
	pte_t *pte;
	bool was_rw;
};

struct chunk {
	struct chunk_item items[CHUNK_ITEMS];
	unsigned int item_count;
	struct chunk_name names[CHUNK_NAMES];
	unsigned int name_count;
	struct shareop_entry entries[CHUNK_ITEMS]; /* as read from the guest */
	struct share_page pages[CHUNK_ITEMS];	/* for share/ */
	/* offer: bit i: there was no memory for the name of page i's frame */
	uint64_t nameless;
	/* offer: frames that the domain gives up */
	struct frame *gone[CHUNK_ITEMS];
	unsigned int gone_count;
	/*
	 * The table that maps this part of the addresses, or NULL: the last
	 * that was looked for.  LOCK_MM keeps it, from chunk_begin() on.
	 */
	uint64_t region;
	pte_t *table;
};

/*
 * Once, when the number of CPUs is known; panics without memory.  And this
 * CPU's chunk.
 */
void chunk_init(void);
struct chunk *chunk_scratch(void);

/*
 * Both: LOCK_MM of d held; every item gets its result.  False: nothing was done
 * that the guest sees, for names change just now (K2): the call is to be made
 * again.
 */
bool offer_chunk(struct domain *d, struct chunk *c) must_check
	needs_lock(&d->mm);
bool unshare_chunk(struct domain *d, struct chunk *c) must_check
	needs_lock(&d->mm);

/* The work on a chunk begins. */
static inline void chunk_begin(struct chunk *c)
{
	c->region = ~0UL;
}

/*
 * The audit is at d: tell it of all names of items that have another frame now
 * (dom/tally.h).  was_rw: PTE_RW where a name's was_rw meant that, else 0.
 */
tally_cold void chunk_tally(const struct domain *d, const struct chunk *c, pte_t was_rw);

#endif
