/* SPDX-License-Identifier: MIT */
/*
 * What memory is promised to whom (design decision 10).
 *
 * With overcommit off, each frame that a domain may ever need is promised when
 * the domain is created, out of the frames that are promised to nobody:
 *  - its pages (pages.max): those that it has, and the credits of those that it
 *    gave up;
 *  - as many canonical frames as its share budget: every one has a holder, and
 *    a holder has no more of them than its budget;
 *  - its metadata, domain_metadata().
 * The budget and the metadata that comes with it are set aside for its share
 * group at once (mm/framepool.h).  It then can only take what was promised to
 * it: pages by the quota, canonical frames by the budget, page-table and small
 * structures by their own limits; before a structure without a small limit
 * grows (a view of the M2P, the grant handles), domain_promise_raise() is
 * asked.  So free frames always cover every credit, whatever others do, and a
 * copy on write cannot fail for want of memory (I10; SH29, SH30).
 *
 * Beside what the hypervisor had before the first domain, nobody is promised:
 *  - frames that wait for a flush on other CPUs when an allocation fails on
 *    this one;
 *  - frames whose domain is gone and that others still use;
 *  - what the audit takes for its counts.
 *
 * One limit is not absolute.  A view has a page for each 2 MiB of machine
 * memory in which the domain has a frame.  The promise covers frames that are
 * scattered over eight times as many such pieces as they need; so for a domain
 * that has, with its budget, an eighth of the machine, it covers all of the
 * machine.  A view that needs more pages takes them from what is promised to
 * nobody, while there is any.
 *
 * With overcommit on, promises are counted and none is refused.
 *
 * A domain may have its holds charged to its own quota (SHARE_MODE_OWN_QUOTA),
 * for its pages never move and what sharing frees is nothing to it.  Then
 *  OWN1  pages.total + pages.held <= pages.max, but for breaks under way, whose
 *        page is there and whose hold is not yet gone;
 *  OWN2  what is promised to it for pages and canonical frames is
 *        pages.promised + OWN_MARGIN, and pages.promised >= total + held: each
 *        canonical frame has a holder who was promised it, and the holders that
 *        it has beyond one were promised the frames of their breaks.
 * What it gives back is promised to nobody, and it gets it again only by
 * domain_promise_raise().
 */
#include <port.h>

#include "dom/domain.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "mm/palloc.h"

/* of a page of a view */
#define LEAF_FRAMES	(PAGE_SIZE / sizeof(pfn_t))
/* its upper tables, and those of the descriptor area */
#define VIEW_FIXED	8
/* one frame in so many, at most AUDIT_MOST, is for the audit's counts */
#define AUDIT_SHARE	128
#define AUDIT_MOST	256

static uint64_t promised_frames;	/* atomic */
/* frames in use before the first promise; constant then */
static uint64_t before;
static bool overcommit;		/* constant after boot */

void domain_set_overcommit(bool on)
{
	overcommit = on;
}

bool domain_overcommit(void)
{
	return overcommit;
}

static uint64_t view_pages(uint64_t pages)
{
	uint64_t leaves = palloc_total_count() / LEAF_FRAMES;

	return MIN(leaves + leaves / PT_SLOTS, pages / 64 + 16) + VIEW_FIXED;
}

/*
 * Holds and index entries: about 0.7 % of the budget; the view; a fixed part.
 */
uint64_t domain_metadata(uint64_t pages, uint32_t vcpus)
{
	return pages / 100 + view_pages(pages) + DOMAIN_ALLOWANCE +
	       (vcpus - 1) * VCPU_ALLOWANCE;
}

uint64_t domain_set_aside(uint64_t budget)
{
	return overcommit ? 0 : budget;
}

static uint64_t promised_at_most(void)
{
	uint64_t total = palloc_total_count(), kept;

	if (!before)	/* the boot CPU plans the first domain */
		before = total - palloc_free_count();
	kept = before + RECLAIM_WAITING * cpu_count + reclaim_orphans() +
	       MIN(total / AUDIT_SHARE, AUDIT_MOST);
	return total > kept ? total - kept : 0;
}

static bool take(uint64_t pages)
{
	uint64_t old = atomic_load_relaxed(&promised_frames);
	uint64_t most = promised_at_most();

	do {
		if (!overcommit && old + pages > most)
			return false;
	} while (!atomic_cas(&promised_frames, &old, old + pages));
	return true;
}

bool domain_promise_raise(struct domain *d, uint64_t pages)
{
	if (!take(pages))
		return false;
	atomic_add(&d->promised, pages);
	return true;
}

void domain_promise_lower(struct domain *d, uint64_t pages)
{
	atomic_sub(&d->promised, pages);
	atomic_sub(&promised_frames, pages);
}

uint64_t domain_promise_left(void)
{
	uint64_t most = promised_at_most();
	uint64_t used = atomic_load_relaxed(&promised_frames);

	return used < most ? most - used : 0;
}

void domain_promises(uint64_t *promised, uint64_t *most, uint64_t *boot)
{
	*promised = atomic_load_relaxed(&promised_frames);
	*most = promised_at_most();
	*boot = before;
}

static bool view_more(struct m2p_view *view)
{
	return domain_promise_raise(container_of(view, struct domain, m2p), 1);
}

uint64_t domain_promised_pages(const struct domain *d)
{
	return d->pages.own ? d->pages.promised + OWN_MARGIN :
			      d->pages.max + d->sharing.budget;
}

/* What was promised to d for one thing is another number now. */
static bool becomes(struct domain *d, uint64_t was, uint64_t is)
{
	if (is > was)
		return domain_promise_raise(d, is - was);
	domain_promise_lower(d, was - is);
	return true;
}

/* LOCK_PAGELIST. */
static bool own_quota_set(struct domain *d, bool on) needs_lock(&d->pages.lock)
{
	uint64_t was = domain_promised_pages(d), is;

	is = on ? d->pages.total + OWN_MARGIN : d->pages.max + d->sharing.budget;
	if (!becomes(d, was, is))
		return false;
	d->pages.own = on;
	d->pages.promised = on ? d->pages.total : 0;
	return true;
}

bool domain_own_quota(struct domain *d, bool on)
{
	bool ok;

	spin_lock(&d->pages.lock);
	ok = own_quota_set(d, on);
	spin_unlock(&d->pages.lock);
	return ok;
}

/*
 * What max pages cost beside what is promised already (LOCK_PAGELIST).
 * Metadata is never taken back: a view that has shrunk may grow again.
 */
static uint64_t cost(const struct domain *d, uint64_t max)
	needs_lock(&d->pages.lock)
{
	uint64_t most = MAX(d->pages.most, max) + d->sharing.budget;

	return (d->pages.own ? 0 : max) + domain_metadata(most, d->vcpu_count);
}

/* LOCK_PAGELIST. */
static bool max_set(struct domain *d, uint64_t max) needs_lock(&d->pages.lock)
{
	if (!becomes(d, cost(d, d->pages.max), cost(d, max)))
		return false;
	WRITE_ONCE(d->pages.max, max);
	d->pages.most = MAX(d->pages.most, max);
	WRITE_ONCE(d->m2p.promised,
		   view_pages(d->pages.most + d->sharing.budget));
	return true;
}

/*
 * What it has and may need again. LOCK_PAGELIST.  With a share budget one hold
 * may stand for many pages that it gave up: then it may need all that it might
 * ever have had.
 */
static uint64_t pages_had(const struct domain *d) needs_lock(&d->pages.lock)
{
	if (d->sharing.budget && !d->pages.own)
		return d->pages.max;
	return d->pages.total + READ_ONCE(d->pages.held);
}

bool domain_promise_limit(struct domain *d, uint64_t limit)
{
	bool ok;

	spin_lock(&d->pages.lock);
	ok = max_set(d, MAX(limit, pages_had(d)));
	if (ok)
		WRITE_ONCE(d->pages.limit, limit);
	spin_unlock(&d->pages.lock);
	return ok;
}

void domain_promise_settle(struct domain *d)
{
	if (d->pages.max > d->pages.limit)
		(void)max_set(d, MAX(d->pages.limit,
				     MIN(d->pages.max, pages_had(d))));
}

bool domain_promise(struct domain *d)
{
	uint64_t pages = d->pages.max + d->sharing.budget;

	d->m2p.promised = view_pages(pages);
	d->m2p.more = view_more;
	return domain_promise_raise(d, pages + domain_metadata(pages, d->vcpu_count));
}

void domain_promise_end(struct domain *d)
{
	domain_promise_lower(d, d->promised);
}
