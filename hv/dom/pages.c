/* SPDX-License-Identifier: MIT */
/*
 * A domain's own pages: uses, quota and list (D2).
 *
 * The list is two 32-bit links in each frame; a page that the reaper let go of,
 * but that somebody still references, waits on a second list.
 */
#include <port.h>
#include <errno.h>

#include "dom/domain.h"
#include "dom/pages.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "dom/tally.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"

/* --- uses --- */

int domain_type_get(struct domain *d, struct frame *f, enum page_class class)
{
	int r = pagetype_get(f, class);

	if (likely(r != TYPE_FRESH_FLUSH))
		return r;
	domain_flush_tlb(d);
	pagetype_flushed(f);
	return TYPE_FRESH;
}

int domain_writable_get(struct domain *d, struct frame *f)
{
	int r = domain_type_get(d, f, CLASS_WRITABLE);

	return r < 0 ? r : 0;
}

void domain_writable_put(struct frame *f)
{
	pagetype_put_plain(f);
}

/* --- the list --- */

/* LOCK_PAGELIST. */
static void list_push(uint32_t *head, struct frame *f)
{
	f->prev = 0;
	f->next = *head;
	if (*head)
		frame_linked(*head)->prev = frame_link(frame_to_mfn(f));
	*head = frame_link(frame_to_mfn(f));
}

/* Off whichever list it is on.  LOCK_PAGELIST. */
static inline void list_take(struct domain *d, struct frame *f)
	needs_lock(&d->pages.lock)
{
	if (f->next)
		frame_linked(f->next)->prev = f->prev;
	if (f->prev)
		frame_linked(f->prev)->next = f->next;
	else if (d->pages.list == frame_link(frame_to_mfn(f)))
		d->pages.list = f->next;
	else
		d->pages.left = f->next;
	f->next = f->prev = 0;
}

/*
 * Pages that come from nowhere, of a domain whose holds are charged to its
 * quota: what it gave back it gets again if it can be promised.  LOCK_PAGELIST.
 */
static bool own_take(struct domain *d, uint64_t pages)
	needs_lock(&d->pages.lock)
{
	uint64_t want = d->pages.total + READ_ONCE(d->pages.held) + pages;

	if (want > d->pages.limit)
		return false;
	if (want <= d->pages.promised)
		return true;
	if (!domain_promise_raise(d, want - d->pages.promised))
		return false;
	d->pages.promised = want;
	return true;
}

/* It is told without the lock, too: to tools, to the operator. */
static void total_set(struct domain *d, uint64_t pages) needs_lock(&d->pages.lock)
{
	WRITE_ONCE(d->pages.total, pages);
}

/* No hold of the domain's becomes one of these pages. */
static bool quota_take(struct domain *d, uint64_t pages)
{
	bool ok;

	spin_lock(&d->pages.lock);
	ok = READ_ONCE(d->state) < DOM_DYING && /* END6 */
	     pages <= d->pages.limit && d->pages.total <= d->pages.limit - pages &&
	     (!d->pages.own || own_take(d, pages));
	if (ok)
		total_set(d, d->pages.total + pages);
	spin_unlock(&d->pages.lock);
	return ok;
}

static void quota_give(struct domain *d, uint64_t pages)
{
	spin_lock(&d->pages.lock);
	ASSERT(d->pages.total >= pages);
	total_set(d, d->pages.total - pages);
	spin_unlock(&d->pages.lock);
}

static void *pages_alloc(struct domain *d, unsigned int order)
{
	return order ? palloc_hv(order) : palloc_hv_near(&d->pages.place);
}

mfn_t domain_pages_prepare(struct domain *d, unsigned int order)
{
	void *virt;

	if (!quota_take(d, 1UL << order))
		return INVALID_MFN;
	virt = pages_alloc(d, order);
	if (!virt) {
		reclaim_flush_all();	/* this CPU may have freed some */
		virt = pages_alloc(d, order);
	}
	if (!virt)
		quota_give(d, 1UL << order);
	return virt ? virt_to_mfn(virt) : INVALID_MFN;
}

void domain_pages_publish(struct domain *d, mfn_t mfn, unsigned int order)
{
	uint64_t i;

	spin_lock(&d->pages.lock);
	for (i = 1UL << order; i-- > 0; )
		list_push(&d->pages.list, mfn_to_frame(mfn_add(mfn, i)));
	for (i = 0; i < 1UL << order; i++)
		frame_publish(mfn_to_frame(mfn_add(mfn, i)), d->id, 0);
	tally_pages(d, mfn_to_frame(mfn), 1UL << order);
	spin_unlock(&d->pages.lock);
}

void domain_pages_cancel(struct domain *d, mfn_t mfn, unsigned int order)
{
	uint64_t i;

	for (i = 0; i < 1UL << order; i++)
		m2p_clear(&d->m2p, mfn_add(mfn, i));
	palloc_hv_free(mfn_to_virt(mfn), order);
	quota_give(d, 1UL << order);
}

bool domain_quota_take(struct domain *d)
{
	return quota_take(d, 1);
}

bool domain_quota_move(struct domain *d)
{
	bool ok;

	spin_lock(&d->pages.lock);
	/* The hold counts already, where holds are charged to the quota. */
	ok = READ_ONCE(d->state) < DOM_DYING && d->pages.total < d->pages.max;
	if (ok)
		total_set(d, d->pages.total + 1);
	spin_unlock(&d->pages.lock);
	return ok;
}

void domain_pages_settle(struct domain *d)
{
	uint64_t now, less = 0;

	spin_lock(&d->pages.lock);
	now = d->pages.total + READ_ONCE(d->pages.held);
	if (d->pages.own && d->pages.promised > now) {
		less = d->pages.promised - now;
		d->pages.promised = now;
	}
	domain_promise_settle(d);
	spin_unlock(&d->pages.lock);
	domain_promise_lower(d, less);
}

void domain_quota_give(struct domain *d)
{
	quota_give(d, 1);
}

void domain_page_publish(struct domain *d, struct frame *f, uint32_t refs)
{
	spin_lock(&d->pages.lock);
	list_push(&d->pages.list, f);
	frame_publish(f, d->id, refs);
	tally_pages(d, f, 1);
	spin_unlock(&d->pages.lock);
}

void domain_page_replace(struct domain *d, struct frame *old, struct frame *new)
{
	spin_lock(&d->pages.lock);
	tally_gone(d, &old, 1);
	tally_pages(d, new, 1);
	list_take(d, old);
	list_push(&d->pages.list, new);
	frame_publish(new, d->id, 0);
	spin_unlock(&d->pages.lock);
	reclaim_claimed(d, &old, 1);
}

void domain_page_remove(struct domain *d, struct frame *f)
{
	spin_lock(&d->pages.lock);
	list_take(d, f);
	ASSERT(d->pages.total > 0);
	total_set(d, d->pages.total - 1);
	tally_gone(d, &f, 1);
	spin_unlock(&d->pages.lock);
}

void domain_pages_discard(struct domain *d, struct frame *const *pages,
			  unsigned int count)
{
	unsigned int i;

	if (!count)
		return;
	spin_lock(&d->pages.lock);
	tally_gone(d, pages, count);
	for (i = 0; i < count; i++)
		list_take(d, pages[i]);
	ASSERT(d->pages.total >= count);
	total_set(d, d->pages.total - count);
	spin_unlock(&d->pages.lock);
	reclaim_claimed(d, pages, count);
}

/*
 * The next page for the reaper, moved to the second list; NULL when all have
 * been seen.  It carries a reference of its own, so it stays.
 */
struct frame *domain_page_next_left(struct domain *d)
{
	struct frame *f = NULL;

	spin_lock(&d->pages.lock);
	while (d->pages.list && !f) {
		f = frame_linked(d->pages.list);
		list_take(d, f);
		list_push(&d->pages.left, f);
		/*
		 * With count 0, its last user is on the way to
		 * frame_owner_free() and will free it.
		 */
		if (frame_get(f, d->id))
			f = NULL;
	}
	spin_unlock(&d->pages.lock);
	return f;
}

/* The first page from `link` on that takes a reference.  LOCK_PAGELIST. */
static struct frame *first_alive(struct domain *d, uint32_t link)
	needs_lock(&d->pages.lock)
{
	for (; link; link = frame_linked(link)->next)
		if (!frame_get(frame_linked(link), d->id))
			return frame_linked(link);
	return NULL;
}

struct frame *domain_page_after(struct domain *d, struct frame *at)
{
	struct frame *next;

	spin_lock(&d->pages.lock);
	/* Referenced, so still on the list. */
	next = first_alive(d, at ? at->next : d->pages.list);
	spin_unlock(&d->pages.lock);
	if (at)
		frame_put(at);
	return next;
}

struct frame *domain_table_after(struct domain *d, struct frame *at,
				 unsigned int level, unsigned int most)
{
	struct frame *f = NULL;
	uint32_t link;

	spin_lock(&d->pages.lock);
	link = at ? at->next : d->pages.list;
	for (; link; link = f->next) {
		f = frame_linked(link);
		if (most)
			most--;
		if ((!most || frame_is_table(f, level)) && !frame_get(f, d->id))
			break;
	}
	spin_unlock(&d->pages.lock);
	if (at)
		frame_put(at);
	return link ? f : NULL;
}

uint64_t domain_pages_left(struct domain *d)
{
	uint64_t left;

	spin_lock(&d->pages.lock);
	left = d->pages.total;
	spin_unlock(&d->pages.lock);
	return left;
}

/*
 * Only other domains use the frame, as data, and nobody asks for its owner any
 * more.
 */
static bool orphan_allowed(const struct frame *f, uint64_t state)
{
	enum page_class class = frame_class(f);

	return frame_state_ref(state) && !(state & FRAME_ALLOCATED) &&
	       (class == CLASS_NONE || class == CLASS_WRITABLE ||
		!type_count(f->type));
}

/*
 * False if the last user has just let go: with count 0, that user is on the way
 * to frame_owner_free().
 */
static bool orphan_publish(struct frame *f)
{
	uint64_t old = frame_state(f);

	do {
		if (!orphan_allowed(f, old))
			return false;
	} while (!atomic_cas(&f->state, &old, (old & ~FRAME_OWNER_MASK) |
				((uint64_t)DOMID_ORPHAN << FRAME_OWNER_SHIFT)));
	return true;
}

/*
 * First take the page off the list and count it: the last frame_put() frees an
 * orphan, and knows no list.
 */
bool domain_page_orphan(struct domain *d)
{
	struct frame *f = NULL;
	bool ok = false;

	spin_lock(&d->pages.lock);
	if (d->pages.left) {
		f = frame_linked(d->pages.left);
		list_take(d, f);
		reclaim_orphan_count(1);
		ok = orphan_publish(f);
		if (ok) {
			tally_gone(d, &f, 1);
			total_set(d, d->pages.total - 1);
			d->end.orphans++;
		} else {
			reclaim_orphan_count(-1);
			list_push(&d->pages.left, f);
		}
	}
	spin_unlock(&d->pages.lock);
	/* I9.  The frame may have a new owner by now; d's view has its name. */
	if (ok)
		m2p_clear(&d->m2p, frame_to_mfn(f));
	return ok;
}
