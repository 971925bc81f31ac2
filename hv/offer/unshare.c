/* SPDX-License-Identifier: MIT */
/*
 * The one-trap copy on write: every named mapping of a shared frame gets the
 * same private frame.  If they are all the mappings that there are, the frame
 * itself becomes the domain's and no byte is copied.
 *
 * The new page counts in the domain's quota like any other; with overcommit
 * off there is always a frame for it (design decision 10).
 */
#include <port.h>
#include <errno.h>

#include "dom/pages.h"
#include "mm/framepool.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "offer/chunk_find.h"
#include "sharing/holds.h"
#include "sharing/ownpage.h"
#include "sharing/sharing.h"
#include "x86/tlb.h"

/*
 * Two steps, with a flush between them (SH2).  Before it no entry is writable:
 * a CPU that still reads the old frame would see stores to the page late, or,
 * if it is another domain's CPU and the frame is the same, would see them at
 * all.
 */

/*
 * Of a page that is copied the entries name the new frame already, for reading.
 */
static void names_copy(struct chunk *c, const struct chunk_item *item)
{
	struct chunk_name *n = &c->names[item->first];
	unsigned int i;

	for (i = 0; i < item->count; i++)
		atomic_store_release(n[i].pte, ownpage_pte(*n[i].pte, item->new_mfn) & ~PTE_RW);
}

/*
 * How many entries will be writable: those that were when the page was offered.
 */
static uint32_t names_writable(struct chunk *c,
			       const struct chunk_item *item)
{
	struct chunk_name *n = &c->names[item->first];
	uint32_t writable = 0;
	unsigned int i;

	for (i = 0; i < item->count; i++) {
		n[i].was_rw = *n[i].pte & PTE_AVL_SHARED;
		writable += n[i].was_rw;
	}
	return writable;
}

/* After the flush: the frame is the domain's, and written again. */
static void item_finish(struct domain *d, struct chunk *c,
			const struct chunk_item *item) needs_lock(&d->mm)
{
	struct chunk_name *n = &c->names[item->first];
	unsigned int i;

	ownpage_publish(d, item->new_mfn, item->count, item->writable);
	for (i = 0; i < item->count; i++) {
		atomic_fetch_and(n[i].pte, ~PTE_AVL_SHARED);
		if (n[i].was_rw)
			atomic_fetch_or(n[i].pte, PTE_RW);
	}
}

static enum shareop_result item_copy(struct domain *d, struct chunk *c,
				   struct chunk_item *item, pfn_t pfn)
	needs_lock(&d->mm)
{
	mfn_t mfn = ownpage_copy(d, item->mfn, pfn);

	if (mfn_eq(mfn, INVALID_MFN))
		return SHARE_NO_MEMORY;
	item->new_mfn = mfn;
	names_copy(c, item);
	if (!share_drop(d->sharing.dom, mfn_n(item->mfn), item->count, true))
		m2p_clear(&d->m2p, item->mfn);
	return SHARE_DONE;
}

/* Room in the quota was taken. */
static enum shareop_result item_break(struct domain *d, struct chunk *c,
				      struct chunk_item *item)
	needs_lock(&d->mm)
{
	struct share_held held;
	int r = holds_take(d, item->mfn, item->count, &held);

	if (r == -EPERM || held.mappings < item->count)
		return SHARE_NOT_SHARED;
	item->writable = names_writable(c, item);
	if (r)
		return item_copy(d, c, item, PFN(held.pfn));
	item->new_mfn = item->mfn;
	return SHARE_DONE;
}

/* The first step of one item. */
static enum shareop_result item_unshare(struct domain *d,
				      struct chunk *c,
				      struct chunk_item *item)
	needs_lock(&d->mm)
{
	enum shareop_result r = chunk_find_ptes(d, c, item);

	if (r != SHARE_NOT_TRIED)
		return r;
	if (!frame_is_shared(mfn_to_frame(item->mfn)))
		return SHARE_NOT_SHARED;
	if (!domain_quota_move(d))
		return SHARE_NO_MEMORY;
	r = item_break(d, c, item);
	if (r != SHARE_DONE)
		domain_quota_give(d);
	return r;
}

/*
 * The CPUs that must not use old translations of the page any more.  If the
 * frame itself becomes the domain's, every CPU that runs a domain of the group
 * may know it: the holders that dropped it needed no flush then, and its new
 * owner will write to it (TL2).
 */
static uint64_t stale_mask(struct domain *d, const struct chunk_item *item)
{
	if (mfn_eq(item->new_mfn, item->mfn))
		return frame_pool_cpus(d->sharing.frames);
	return domain_cpus(d);
}

bool unshare_chunk(struct domain *d, struct chunk *c)
{
	bool done[CHUNK_ITEMS] = { false };
	uint64_t mask = 0;
	unsigned int i;

	chunk_begin(c);
	for (i = 0; i < c->item_count; i++) {
		struct chunk_item *item = &c->items[i];

		if (item->result != SHARE_NOT_TRIED)
			continue;
		item->result = item_unshare(d, c, item);
		done[i] = item->result == SHARE_DONE;
		if (done[i])
			mask |= stale_mask(d, item);
	}
	holds_count(d, 0);
	if (mask)
		tlb_flush_mask(mask);
	for (i = 0; i < c->item_count; i++)
		if (done[i])
			item_finish(d, c, &c->items[i]);
	if (unlikely(d->tally))
		chunk_tally(d, c, 0);
	return true;
}
