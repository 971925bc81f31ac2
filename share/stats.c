/* SPDX-License-Identifier: MIT */
/*
 * Counters, and the equations that they obey when nothing runs (audit.c checks
 * the first four):
 *
 *   pages_shared   = entries of all indexes
 *   pages_sharing  = sum of all domains' mappings - pages_shared
 *   pages_unshared = frames with count 1                        (SHARE3)
 *   replicas       = those of pages_shared whose content is in the index by
 *                    another frame, too; zero_replicas of them are all zero
 *   zero_mappings  = sum of counts of the zero_frames; these are in
 *                    pages_sharing, too
 *   offers         = share_offer() calls that succeeded, refusals = the others
 *   breaks, drops  = mappings that share_drop() took away with and without
 *                    `broke`; share_take() adds its mappings to breaks and
 *                    last_breaks
 *
 * Reading takes no domain's lock: if others work meanwhile, each number is
 * right at some moment, but not all at the same moment.
 */
#include <hash/general_regs.h>

#include "impl.h"

static void add_events(struct share_totals *t, const struct share_events *e)
{
	t->offers += counter_get(&e->offered);
	t->refusals += counter_get(&e->refused);
	t->breaks += counter_get(&e->breaks);
	t->last_breaks += counter_get(&e->last_breaks);
	t->drops += counter_get(&e->drops);
}

static void add_group(struct share_totals *t, const struct share_group *g)
{
	uint64_t chain = counter_get(&g->max_chain);

	t->pages_shared += index_count(&g->index);
	t->pages_unshared += g->unshared_gone;
	t->zero_frames += counter_get(&g->zero_frames);
	t->replicas += counter_get(&g->replicas);
	t->zero_replicas += counter_get(&g->zero_replicas);
	t->metadata_bytes += index_bytes(&g->index);
	t->max_chain = MAX(t->max_chain, chain);
}

static void add_dom(struct share_totals *t, const struct share_dom *d)
{
	add_events(t, &d->events);
	t->pages_sharing += counter_get(&d->mappings);
	t->pages_unshared += counter_get(&d->unshared);
	t->zero_mappings += counter_get(&d->zero_mappings);
	t->metadata_bytes += lintab_bytes(&d->holds);
}

void share_totals_get(struct share *s, struct share_totals *out)
{
	struct share_totals t = { 0 };

	spin_lock(&s->lock);
	add_events(&t, &s->gone);
	t.max_chain = s->max_chain_gone;
	t.metadata_bytes = s->fixed_bytes;
	for (unsigned int i = 0; i < GROUP_BUCKETS; i++)
		for (struct share_group *g = s->groups[i]; g; g = g->next)
			add_group(&t, g);
	for (struct share_dom *d = s->doms; d; d = d->next)
		add_dom(&t, d);
	spin_unlock(&s->lock);
	/* While others work the two sums may be from different moments. */
	t.pages_sharing -= MIN(t.pages_sharing, t.pages_shared);
	t.pages_unshared = MAX((int64_t)t.pages_unshared, 0);
	*out = t;
}

void share_dom_counters_get(struct share_dom *d, struct share_dom_counters *out)
{
	spin_lock(&d->lock);
	*out = (struct share_dom_counters){
		.held = share_dom_held(d),
		.mappings = d->mappings,
		.budget = d->budget,
		.offered = d->events.offered,
		.refused = d->events.refused,
		.zero = d->events.zero,
		.breaks = d->events.breaks,
		.last_breaks = d->events.last_breaks,
	};
	spin_unlock(&d->lock);
}

#include <hash/general_regs_end.h>
