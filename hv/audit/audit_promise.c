/* SPDX-License-Identifier: MIT */
/*
 * The part of I10 that says why credits are covered (dom/promise.c): all that
 * is promised fits, and the hypervisor's own frames are within what was
 * promised for metadata.
 */
#include <port.h>

#include "dom/promise.h"
#include "dom/reclaim.h"
#include "mm/palloc.h"
#include "audit/audit_private.h"
#include "sharing/sharing.h"

struct sums {
	uint64_t promised, metadata, owned;
};

static void add(struct domain *d, void *arg)
{
	struct sums *s = arg;

	s->promised += d->promised;
	s->metadata += d->promised - domain_promised_pages(d);
	s->owned += d->pages.total;
}

/*
 * The hypervisor's own frames: neither free, nor a guest's, nor shared, nor on
 * the way from these states to another.
 */
static uint64_t own_frames(const struct sums *s)
{
	struct share_totals t;

	share_totals_get(sharing_service(), &t);
	return palloc_total_count() - palloc_free_count() - s->owned -
	       t.pages_shared - reclaim_orphans() - reclaim_waiting();
}

void audit_promises(struct audit *a, uint64_t taken)
{
	uint64_t promised, most, boot, own;
	struct sums s = { 0 };

	domain_for_each(add, &s);
	domain_promises(&promised, &most, &boot);
	own = own_frames(&s) - taken;
	if (s.promised != promised)
		audit_error(a, "I10: domains were promised %lu frames, counted %lu",
			    s.promised, promised);
	if (!domain_overcommit() && promised > most)
		audit_error(a, "I10: %lu frames are promised, there are %lu",
			    promised, most);
	if (own > boot + s.metadata)
		audit_error(a, "I10: the hypervisor uses %lu frames, %lu before the first domain, %lu promised",
			    own, boot, s.metadata);
}
