/* SPDX-License-Identifier: MIT */
/*
 * Heap pages of domains; heappages.h has the decisions (HEAP1-HEAP6).
 *
 * A domain's are on one list through frame.next; frame.prev holds the kind.  As
 * soon as palloc_heap() returns, the guest can map a page by guessing its
 * number; the page is zeroed by then (decision 18).  The list and the kind are
 * set later.  That is early enough: only heap_page_unshare() reads them, for a
 * caller that got the page from heap_page_share(), and the destructor, after
 * all calls.
 */
#include <port.h>
#include <errno.h>

#include "dom/domain.h"
#include "dom/reclaim.h"
#include "mm/palloc.h"

static const struct {
	bool writable;		/* HEAP2 */
	uint32_t max;		/* HEAP3 */
} kinds[HEAP_KINDS] = {
	[HEAP_SHARED_INFO] = { true, 1 },
	[HEAP_TRACE] = { false, HEAP_TRACE_PAGES },
	[HEAP_GRANT_TABLE] = { true, HEAP_GRANT_PAGES },
	[HEAP_GRANT_STATUS] = { true, HEAP_STATUS_PAGES },
};

/* HEAP3 */
static bool limit_take(struct domain *d, enum heap_kind kind, uint32_t pages)
{
	bool ok;

	spin_lock(&d->pages.lock);
	ok = pages <= kinds[kind].max &&
	     d->heap.count[kind] <= kinds[kind].max - pages;
	if (ok)
		d->heap.count[kind] += pages;
	spin_unlock(&d->pages.lock);
	return ok;
}

static void limit_give(struct domain *d, enum heap_kind kind, uint32_t pages)
{
	spin_lock(&d->pages.lock);
	d->heap.count[kind] -= pages;
	spin_unlock(&d->pages.lock);
}

static void chain_add(struct domain *d, enum heap_kind kind, mfn_t mfn)
	needs_lock(&d->pages.lock)
{
	struct frame *f = mfn_to_frame(mfn);

	f->prev = kind;
	f->next = d->heap.list;
	d->heap.list = frame_link(mfn);
}

void *heap_page_share(struct domain *d, enum heap_kind kind, unsigned int pages)
{
	unsigned int order = __builtin_ctz(pages), i;
	void *run;

	ASSERT(pages == 1U << order);
	if (!limit_take(d, kind, pages))
		return NULL;
	run = palloc_heap(d->id, order, kinds[kind].writable);
	if (!run) {
		reclaim_flush_all();	/* this CPU may have freed some */
		run = palloc_heap(d->id, order, kinds[kind].writable);
	}
	if (!run) {
		limit_give(d, kind, pages);
		return NULL;
	}
	spin_lock(&d->pages.lock);
	for (i = pages; i-- > 0; )
		chain_add(d, kind, mfn_add(virt_to_mfn(run), i));
	spin_unlock(&d->pages.lock);
	return run;
}

/* Off the list; false: not on it. LOCK_PAGELIST. */
static bool chain_remove(struct domain *d, mfn_t mfn) needs_lock(&d->pages.lock)
{
	uint32_t *link = &d->heap.list;

	while (*link && *link != frame_link(mfn))
		link = &frame_linked(*link)->next;
	if (!*link)
		return false;
	*link = mfn_to_frame(mfn)->next;
	return true;
}

/*
 * Clear NOHEAP only if no reference is left; after that none can be taken.  One
 * compare-and-swap decides.
 */
static bool claim_end(struct frame *f)
{
	uint64_t old = frame_state(f);

	do {
		if (frame_state_ref(old))
			return false;
	} while (!atomic_cas(&f->state, &old, old & ~FRAME_NOHEAP));
	return old & FRAME_NOHEAP;
}

int heap_page_unshare(struct domain *d, void *page)
{
	struct frame *f = mfn_to_frame(virt_to_mfn(page));
	enum heap_kind kind = heap_page_kind(f);

	if (!claim_end(f))
		return -EBUSY;
	spin_lock(&d->pages.lock);
	CHECK(chain_remove(d, frame_to_mfn(f)));
	d->heap.count[kind]--;
	spin_unlock(&d->pages.lock);
	/* The guest need not have flushed when it unmapped the page (TL2). */
	domain_flush_tlb(d);
	palloc_heap_free(page);
	return 0;
}

/*
 * Somebody maps it still: from here on it is nobody's page, and the last
 * frame_put() frees it.  False: nobody does.
 */
static bool become_orphan(struct frame *f)
{
	uint64_t old = frame_state(f), new;

	reclaim_orphan_count(1);
	do {
		if (!frame_state_ref(old)) {
			reclaim_orphan_count(-1);
			return false;
		}
		new = (uint64_t)FRAME_OWNED << FRAME_KIND_SHIFT |
		      (uint64_t)DOMID_ORPHAN << FRAME_OWNER_SHIFT |
		      frame_state_ref(old);
	} while (!atomic_cas(&f->state, &old, new));
	return true;
}

void heap_pages_free(struct domain *d)
{
	while (d->heap.list) {
		struct frame *f = frame_linked(d->heap.list);

		d->heap.list = f->next;
		/* HEAP6; the count only falls, as nobody finds d. */
		if (become_orphan(f))
			continue;
		CHECK(claim_end(f));
		palloc_heap_free(mfn_to_virt(frame_to_mfn(f)));
	}
}

enum heap_kind heap_page_kind(const struct frame *f)
{
	return f->prev;
}
