/* SPDX-License-Identifier: MIT */
/*
 * The one-trap copy on write: every named mapping of a shared frame gets the same
 * private frame.  If they are all the mappings that there are, the frame itself
 * becomes the domain's and no byte is copied.
 *
 * The new page counts in the domain's quota like any other; with overcommit
 * off there is always a frame for it (design decision 10).
 */
#include <port.h>

#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "sharing/chunk.h"
#include "sharing/private.h"
#include "sharing/sharing.h"
#include "x86/tlb.h"

/* The frame left the table and is nobody's: make it the domain's, then map it. */
static void frame_adopt(struct domain *d, struct sharing_chunk *c,
			struct sharing_item *item)
{
	struct sharing_name *n = &c->names[item->first];
	uint32_t writable = 0;
	unsigned int i;

	for (i = 0; i < item->count; i++)
		writable += (*n[i].pte & PTE_AVL_SHARED) != 0;
	private_adopt(d, item->mfn, item->count, writable);
	for (i = 0; i < item->count; i++)
		__atomic_store_n(n[i].pte, private_pte(*n[i].pte, item->mfn),
				 __ATOMIC_RELEASE);
	item->new_mfn = item->mfn;
}

static void copy_map(struct domain *d, struct sharing_chunk *c,
			   struct sharing_item *item, mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);
	struct sharing_name *n = &c->names[item->first];
	unsigned int i;

	for (i = 0; i < item->count; i++) {
		pte_t e = private_pte(*n[i].pte, mfn);

		/* A fresh frame: neither can fail. */
		CHECK(!frame_get_again(f));
		CHECK(!(e & PTE_RW) || !domain_writable_get(d, f));
		__atomic_store_n(n[i].pte, e, __ATOMIC_RELEASE);
	}
	item->new_mfn = mfn;
}

static enum share_result item_copy(struct domain *d, struct sharing_chunk *c,
				   struct sharing_item *item)
{
	mfn_t mfn = private_copy(d, item->mfn);

	if (mfn == INVALID_MFN)
		return SHARE_NO_MEMORY;
	copy_map(d, c, item, mfn);
	share_drop(d->share, item->mfn, item->count, true);
	if (!share_holds(d->share, item->mfn, NULL, NULL))
		m2p_clear(&d->m2p, item->mfn);
	return SHARE_DONE;
}

static enum share_result item_unshare(struct domain *d,
				      struct sharing_chunk *c,
				      struct sharing_item *item)
{
	enum share_result r = chunk_find(d, c, item);
	uint32_t mappings;

	if (r != SHARE_NOT_TRIED)
		return r;
	if (frame_state_kind(frame_state(mfn_to_frame(item->mfn))) !=
	    FRAME_SHARED)
		return SHARE_NOT_SHARED;
	if (!share_holds(d->share, item->mfn, &mappings, NULL) ||
	    mappings < item->count)
		return SHARE_NOT_SHARED;
	if (!domain_quota_take(d))
		return SHARE_NO_MEMORY;
	if (share_take(d->share, item->mfn, item->count) == SHARE_OK) {
		frame_adopt(d, c, item);
		return SHARE_DONE;
	}
	domain_quota_give(d);
	return item_copy(d, c, item);
}

/*
 * The CPUs that must not read a page's old translation any more.  A frame that was
 * adopted may be known to any: who let go of it needed no flush then, and its new owner
 * writes what he likes there (TL2).
 */
static uint64_t stale_mask(struct domain *d, const struct sharing_item *item)
{
	if (item->new_mfn == item->mfn)
		return __atomic_load_n(&vcpu_guest_cpus, __ATOMIC_SEQ_CST);
	return __atomic_load_n(&d->cpu_mask, __ATOMIC_SEQ_CST);
}

void chunk_unshare(struct domain *d, struct sharing_chunk *c)
{
	uint64_t mask = 0;
	unsigned int i;

	for (i = 0; i < c->item_count; i++) {
		struct sharing_item *item = &c->items[i];

		if (item->result != SHARE_NOT_TRIED)
			continue;
		item->result = item_unshare(d, c, item);
		if (item->result == SHARE_DONE)
			mask |= stale_mask(d, item);
	}
	if (mask)
		tlb_flush_mask(mask);
}
