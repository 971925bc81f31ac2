/* SPDX-License-Identifier: MIT */
/*
 * What a domain has in the sharing service: its place in a group, and its holds
 * of shared frames.
 */
#include <port.h>
#include <errno.h>

#include "dom/promise.h"
#include "dom/reclaim.h"
#include "lib/fmt.h"
#include "mm/framepool.h"
#include "mm/m2p.h"
#include "sharing/groups.h"
#include "sharing/holds.h"
#include "sharing/sharing.h"

int holds_domain_init(struct domain *d, const char *group, uint64_t budget)
{
	if (group[0]) {
		d->sharing.group = groups_join(group, &d->sharing.group_number);
		str_copy(d->sharing.group_name, sizeof(d->sharing.group_name), group);
	} else {
		d->sharing.group = GROUP_ALONE | d->id;
		fmt_snprintf(d->sharing.group_name, sizeof(d->sharing.group_name), "alone%u",
			     d->id);
	}
	if (!d->sharing.group)
		return -ENOMEM;
	d->sharing.frames = frame_pool_join(d->sharing.group, !group[0],
				    domain_set_aside(budget));
	if (!d->sharing.frames)
		return -ENOMEM;
	d->m2p.from = d->sharing.frames;
	d->sharing.dom = share_dom_create(sharing_service(), d->sharing.group, budget);
	return d->sharing.dom ? 0 : -ENOMEM;
}

enum progress holds_domain_reap(struct domain *d)
{
	if (!d->sharing.frames)
		return DONE;
	if (!d->sharing.frames_stopped) {
		uint64_t aside = domain_set_aside(d->sharing.budget);

		if (d->pages.own)
			frame_pool_own(d->sharing.frames, aside, false);
		frame_pool_stop(d->sharing.frames, aside);
	}
	d->sharing.frames_stopped = true;
	return frame_pool_give_part(d->sharing.frames);
}

void holds_domain_fini(struct domain *d)
{
	if (d->sharing.dom) {
		CHECK(share_dom_held(d->sharing.dom) == 0);
		share_dom_destroy(d->sharing.dom);
		d->sharing.dom = NULL;
	}
	if (d->sharing.frames) {
		m2p_view_fini(&d->m2p);
		d->m2p.from = NULL;
		reclaim_pool(d->sharing.frames);
		frame_pool_leave(d->sharing.frames);
		d->sharing.frames = NULL;
	}
	/* GROUP1: not before */
	if (d->sharing.group_number)
		groups_leave(d->sharing.group);
}

bool holds_find(struct domain *d, mfn_t mfn, uint32_t *mappings, pfn_t *pfn)
{
	return d->sharing.dom && share_holds(d->sharing.dom, mfn_n(mfn), mappings,
						pfn ? &pfn->n : NULL);
}

int holds_take(struct domain *d, mfn_t mfn, uint32_t mappings,
	       struct share_held *held)
{
	switch (d->sharing.dom ? share_take(d->sharing.dom, mfn_n(mfn), mappings, held) :
				 SHARE_ERR_NOT_HELD) {
	case SHARE_OK:
		holds_count(d, 0);
		return 0;
	case SHARE_ERR_OTHERS:
		return -EBUSY;
	default:
		return -EPERM;
	}
}

void holds_count(struct domain *d, uint64_t more)
{
	WRITE_ONCE(d->pages.held, share_dom_held(d->sharing.dom) + more);
}

void holds_budget_set(struct domain *d)
{
	ASSERT(spin_is_locked(&d->mm));
	/* A domain whose making failed half-way has none. */
	if (!READ_ONCE(d->sharing.dom))
		return;
	share_dom_set_budget(d->sharing.dom, d->pages.own ? READ_ONCE(d->pages.max) :
							    d->sharing.budget);
}

int holds_own_quota(struct domain *d, bool on)
{
	if (d->pages.own == on)
		return 0;
	if (!domain_own_quota(d, on))
		return -ENOSPC;
	holds_budget_set(d);
	frame_pool_own(d->sharing.frames, domain_set_aside(d->sharing.budget), on);
	return 0;
}

int holds_map(struct domain *d, mfn_t mfn)
{
	if (!d->sharing.dom)
		return -EPERM;
	switch (share_hold(d->sharing.dom, mfn_n(mfn))) {
	case SHARE_OK:
		return 0;
	case SHARE_ERR_COUNT:
		return -EBUSY;
	default:
		return -EPERM;
	}
}

void holds_unmap(struct domain *d, mfn_t mfn, bool broke)
{
	/*
	 * Not at the domain's end: there may be more drops than the buffer
	 * holds, and nobody reads it.
	 */
	if (READ_ONCE(d->state) == DOM_RUNNING)
		trace_event(d, broke ? TRACE_BREAK : TRACE_DROP, 0, mfn,
			    pfn_n(m2p_get(&d->m2p, mfn)));
	/* I9: the view names only what the domain owns or holds. */
	if (!share_drop(d->sharing.dom, mfn_n(mfn), 1, broke))
		m2p_clear(&d->m2p, mfn);
	holds_count(d, 0);
}
