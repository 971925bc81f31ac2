/* SPDX-License-Identifier: MIT */
/*
 * Offering pages: design decision 3's order, for a chunk of items at once.
 *
 *  (a) every named mapping goes read-only, and the frame takes class SHARED,
 *      which excludes any new writable or typed use;
 *  (b) the TLBs of the domain's CPUs are flushed, once for the chunk: nobody
 *      can write the page any more (SPIN model share.pml: other orders lose
 *      writes);
 *  (c) the frame is claimed by one compare-and-swap: its references must be
 *      those that the names account for, and from then on nobody can take one,
 *      give the frame back or write it by number (GT22, ME12);
 *  (d,e) hash, look up, compare: share_offer_batch(), once for the chunk;
 *  (f) the entries get the canonical frame, and the domain's page goes.
 *
 * An item that fails at any step gets its frame and its mappings back as they
 * were (undo()).  The entries that its names find are the references by which
 * its frame stays meanwhile: LOCK_MM keeps them.
 *
 * Of a guest that told where its list of names is (struct shareop_mode of
 * version 2), the new names go there with (f):
 *  NAME1  the list's page is the guest's own by then: if it is shared, it is
 *         broken before (a).
 *  NAME2  it is not offered itself beside a page whose name it has: its bytes
 *         would change after they were hashed.
 *  NAME3  none of the domain's vCPUs is in its guest from (b) on until all
 *         names are there: entry, M2P and list never disagree (pv/ptbreak.c,
 *         K2).
 */
#include <port.h>
#include <errno.h>

#include "dom/grant.h"
#include "dom/pages.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "offer/chunk_find.h"
#include "pv/p2mlist.h"
#include "pv/ptbreak.h"
#include "sharing/holds.h"
#include "sharing/pagefns.h"
#include "offer/result.h"
#include "sharing/sharing.h"

static struct chunk_name *item_names(struct chunk *c,
				       const struct chunk_item *item)
{
	return &c->names[item->first];
}

/* Why class SHARED was refused. */
static enum shareop_result busy_reason(struct domain *d, const struct frame *f)
{
	if (grant_is_pinned(d, frame_to_mfn(f)))
		return SHARE_GRANTED;
	switch (frame_class(f)) {
	case CLASS_WRITABLE:
		return SHARE_OTHER_WRITABLE;
	case CLASS_SHARED:
		return SHARE_OTHER_MAPPING;
	default:
		return SHARE_TYPE;
	}
}

/* How many were writable: their uses are left to let go of. */
static uint32_t ptes_protect(struct chunk *c, const struct chunk_item *item)
{
	struct chunk_name *n = item_names(c, item);
	uint32_t writable = 0;
	unsigned int i;

	for (i = 0; i < item->count; i++) {
		if (!n[i].was_rw)
			continue;
		atomic_fetch_and(n[i].pte, ~PTE_RW);
		writable++;
	}
	return writable;
}

/*
 * The names' writable uses go, and the frame takes class SHARED; or not, and
 * they are gone all the same.
 */
static bool type_take(struct frame *f, uint32_t writable)
{
	uint64_t type;

	if (likely(pagetype_offer(f, writable)))
		return true;
	while (writable--)
		domain_writable_put(f);
	/* Class SHARED in use: another item of this chunk named it (SH12). */
	type = READ_ONCE(f->type);
	return !(type_class(type) == CLASS_SHARED && type_count(type)) &&
	       pagetype_get(f, CLASS_SHARED) >= 0;
}

static void ptes_unprotect(struct domain *d, struct chunk *c,
			   const struct chunk_item *item, struct frame *f)
	needs_lock(&d->mm)
{
	struct chunk_name *n = item_names(c, item);
	unsigned int i;

	for (i = 0; i < item->count; i++) {
		if (!n[i].was_rw)
			continue;
		/* The lock has kept every other class away. */
		CHECK(!domain_writable_get(d, f));
		atomic_fetch_or(n[i].pte, PTE_RW);
	}
}

static void undo(struct domain *d, struct chunk *c,
		 struct chunk_item *item, enum shareop_result why)
	needs_lock(&d->mm)
{
	struct frame *f = mfn_to_frame(item->mfn);

	pagetype_put_plain(f);
	ptes_unprotect(d, c, item, f);
	item->has_shared_class = false;
	item->result = why;
}

/* (a) */
static void item_write_protect(struct domain *d, struct chunk *c,
		       struct chunk_item *item) needs_lock(&d->mm)
{
	struct frame *f;
	uint64_t state;

	item->result = chunk_find_ptes(d, c, item);
	if (item->result != SHARE_NOT_TRIED)
		return;
	f = mfn_to_frame(item->mfn);
	state = frame_state(f);
	if (frame_state_kind(state) == FRAME_SHARED) {
		item->result = SHARE_ALREADY;
		return;
	}
	if (!frame_state_is_page(state, d->id) ||
	    frame_state_ref(state) >= FRAME_REF_MAX) {
		item->result = SHARE_NOT_OWNED;
		return;
	}
	if (!type_take(f, ptes_protect(c, item))) {
		item->result = busy_reason(d, f);
		ptes_unprotect(d, c, item, f);
		return;
	}
	item->has_shared_class = true;
}

/*
 * (f) The entries get the canonical frame; the offered one, which nobody
 * references, is to go.
 */
static void item_remap(struct chunk *c, struct chunk_item *item)
{
	struct frame *f = mfn_to_frame(item->mfn);
	struct chunk_name *n = item_names(c, item);
	unsigned int i;

	for (i = 0; i < item->count; i++) {
		pte_t e = (*n[i].pte & ~(PTE_ADDR_MASK | PTE_RW |
					 PTE_AVL_SHARED)) |
			  pte_make(item->new_mfn,
				   n[i].was_rw ? PTE_AVL_SHARED : 0);

		atomic_store_release(n[i].pte, e);
	}
	/* It is claimed: the use of the class that (a) took ends like that. */
	WRITE_ONCE(f->type, (uint64_t)CLASS_SHARED << TYPE_CLASS_SHIFT);
	c->gone[c->gone_count++] = f;
	item->has_shared_class = false;
	item->result = SHARE_DONE;
}

/* (c) The references are the names'. */
static bool item_claim(struct domain *d, struct chunk *c,
		       struct chunk_item *item) needs_lock(&d->mm)
{
	if (!frame_claim(mfn_to_frame(item->mfn), d->id, item->count))
		return true;
	undo(d, c, item, grant_is_pinned(d, item->mfn) ? SHARE_GRANTED :
						      SHARE_OTHER_MAPPING);
	return false;
}

/* An item that was claimed, and is not shared after all. */
static void item_unclaim(struct domain *d, struct chunk *c,
			 struct chunk_item *item, enum shareop_result why)
	needs_lock(&d->mm)
{
	frame_unclaim(mfn_to_frame(item->mfn), d->id, item->count);
	undo(d, c, item, why);
}

/* (f), or not: what share/ made of the item, the claimed one of that number. */
static void item_finish(struct domain *d, struct chunk *c,
			struct chunk_item *item, unsigned int claimed)
	needs_lock(&d->mm)
{
	const struct share_page *page = &c->pages[claimed];

	if (page->result != SHARE_OK) {
		item_unclaim(d, c, item, result_of_offer(page->result));
		return;
	}
	if (unlikely(c->nameless >> claimed & 1)) {
		(void)share_drop(d->sharing.dom, page->canonical, item->count, false);
		item_unclaim(d, c, item, SHARE_NO_MEMORY);
		return;
	}
	item->new_mfn = MFN(page->canonical);
	item_remap(c, item);
	if (d->breaks.offers_listed)
		p2mlist_write(d, PFN(page->pfn), item->new_mfn);
}

/* The canonical frames get their pfns, where they have none. */
static void items_name(struct domain *d, struct chunk *c, unsigned int count)
	needs_lock(&d->mm)
{
	unsigned int i;

	c->nameless = 0;
	m2p_begin(&d->m2p);
	for (i = 0; i < count; i++) {
		const struct share_page *page = &c->pages[i];

		if (page->result == SHARE_OK &&
		    m2p_put_first(&d->m2p, MFN(page->canonical), PFN(page->pfn)))
			c->nameless |= 1UL << i;
	}
	m2p_end(&d->m2p);
}

/* What the claimed pages are, by the names that they still have. */
static void pages_identify(struct domain *d, struct share_page *pages, unsigned int count)
	needs_lock(&d->mm)
{
	unsigned int i;

	m2p_begin(&d->m2p);
	for (i = 0; i < count; i++)
		pages[i].pfn = pfn_n(m2p_look(&d->m2p, MFN(pages[i].frame)));
	m2p_end(&d->m2p);
}

/* (c) to (f): those that are claimed go to share/ together. */
static void items_share(struct domain *d, struct chunk *c) needs_lock(&d->mm)
{
	struct pagefns_bracket bracket;
	unsigned int i, count = 0;

	c->gone_count = 0;
	for (i = 0; i < c->item_count; i++) {
		const struct chunk_item *item = &c->items[i];

		if (item->has_shared_class && item_claim(d, c, &c->items[i]))
			c->pages[count++] = (struct share_page){
				.frame = mfn_n(item->mfn), .mappings = item->count,
			};
	}
	pages_identify(d, c->pages, count);
	holds_count(d, count);
	pagefns_begin(&bracket, count);
	share_offer_batch(d->sharing.dom, c->pages, count);
	pagefns_end(&bracket);
	items_name(d, c, count);
	for (i = 0, count = 0; i < c->item_count; i++)
		if (c->items[i].has_shared_class)
			item_finish(d, c, &c->items[i], count++);
	if (unlikely(d->tally))
		chunk_tally(d, c, PTE_RW);
	domain_pages_discard(d, c->gone, c->gone_count);
	holds_count(d, 0);
}

/* --- the guest's list of names --- */

/*
 * NAME1: the list's page that gets this item's name is the guest's own before
 * anything of the item changes.
 */
static void item_list_prepare(struct domain *d, struct chunk *c,
			      struct chunk_item *item) needs_lock(&d->mm)
{
	pte_t *listed;
	int r;

	if (item->result != SHARE_NOT_TRIED ||
	    chunk_find_ptes(d, c, item) != SHARE_NOT_TRIED)
		return;
	r = p2mlist_prepare(d, item->mfn, m2p_get(&d->m2p, item->mfn), &listed);
	if (r < 0)
		item->result = r == -ENOMEM ? SHARE_NO_MEMORY :
					      SHARE_OTHER_MAPPING;
}

/* NAME2: no page of this number is offered just now. */
static void frame_spare(struct domain *d, struct chunk *c, mfn_t mfn)
	needs_lock(&d->mm)
{
	unsigned int i;

	for (i = 0; i < c->item_count; i++)
		if (c->items[i].has_shared_class && mfn_eq(c->items[i].mfn, mfn))
			undo(d, c, &c->items[i], SHARE_OTHER_WRITABLE);
}

static void list_pages_spare(struct domain *d, struct chunk *c)
	needs_lock(&d->mm)
{
	unsigned int i;

	for (i = 0; i < c->item_count; i++) {
		const struct chunk_item *item = &c->items[i];
		const pte_t *pte;

		if (!item->has_shared_class)
			continue;
		pte = p2mlist_entry(d, m2p_get(&d->m2p, item->mfn));
		if (pte && !(*pte & PTE_RW))
			frame_spare(d, c, pte_mfn(*pte));
	}
}

/* False: pages of the list have new names, and not all entries know. */
static bool lists_prepare(struct domain *d, struct chunk *c) needs_lock(&d->mm)
{
	unsigned int i;

	for (i = 0; i < c->item_count; i++)
		item_list_prepare(d, c, &c->items[i]);
	return !ptbreak_left(d);
}

bool offer_chunk(struct domain *d, struct chunk *c)
{
	unsigned int i;

	chunk_begin(c);
	if (d->breaks.offers_listed && !lists_prepare(d, c))
		return false;
	for (i = 0; i < c->item_count; i++)
		if (c->items[i].result == SHARE_NOT_TRIED)
			item_write_protect(d, c, &c->items[i]);
	if (d->breaks.offers_listed) {
		list_pages_spare(d, c);
		(void)ptbreak_hold(d);	/* NAME3 */
	}
	domain_flush_tlb(d); /* (b) */
	items_share(d, c);
	return true;
}
