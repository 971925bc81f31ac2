/* SPDX-License-Identifier: MIT */
/*
 * How mappings go: share_drop() for mappings that are replaced or cleared,
 * share_take() for a frame that its only holder wants as its own.
 *
 * A hold ends under the stripe of the frame's hash, where look-ups run: a
 * look-up either joins the frame's holders before we look at `holders`, or
 * comes after us: then it finds the frame with its other holders, or not at
 * all.  The frame is freed only after it left the index.
 */
#include <hash/general_regs.h>

#include "impl.h"

/*
 * Take a frame without holders out of the index; r is its record.  Stripe lock.
 */
static void frame_leave(struct share_group *g, uint32_t frame, struct share_record *r)
	needs_lock(&g->index)
{
	CHECK(!r->count && !r->holders);
	if (r->hash == g->zero_hash)
		counter_add(&g->zero_frames, -1);
	if (unlikely(r->next & FOLLOW_REPLICA))
		replica_count(g, r->hash, -1);
	index_remove(&g->index, r->hash, frame);
	atomic_store_relaxed(&r->hash, 0);
	atomic_store_relaxed(&r->next, FOLLOW_NONE);
}

/*
 * The domain's last mappings go with its hold; true if nobody else has the
 * frame.
 */
static bool hold_end(struct share_dom *d, struct hold *h, uint32_t mappings)
	needs_lock(&d->lock)
{
	struct share_group *g = d->group;
	uint32_t frame = h->frame >> 1;
	struct share_record *r = group_record(g, frame);
	uint64_t hash = r->hash;
	bool last;

	hold_remove(d, h);
	replica_left(d, hash);
	index_lock(&g->index, hash);
	count_sub(d, frame, mappings);
	WRITE_ONCE(r->holders, r->holders - 1);
	last = !r->holders;
	if (last)
		frame_leave(g, frame, r);
	index_unlock(&g->index, hash);
	return last;
}

bool share_drop(struct share_dom *d, uint32_t canonical, uint32_t mappings,
		bool broke)
{
	struct share *s = d->group->share;
	bool last = false, held;
	struct hold *h;

	spin_lock(&d->lock);
	h = hold_find(d, canonical);
	CHECK(h && h->mappings >= mappings);
	hold_count(d, canonical, -(int64_t)mappings);
	counter_add(broke ? &d->events.breaks : &d->events.drops, mappings);
	h->mappings -= mappings;
	held = h->mappings;
	if (held)
		count_sub(d, canonical, mappings);
	else
		last = hold_end(d, h, mappings);
	spin_unlock(&d->lock);
	if (!last)
		return held;
	s->ops->canonical_free(d->group->ctx, canonical);
	index_balance(&d->group->index);
	return false;
}

/*
 * Others have the frame: no lock is needed to see that, for it may have been so
 * a moment ago.
 *
 * With the stripe locked nobody can join; and if we are the only holder, only
 * our domain, which is locked, can change the count.
 */
static bool take_alone(struct share_dom *d, struct hold *h)
	needs_lock(&d->lock)
{
	struct share_group *g = d->group;
	uint32_t frame = h->frame >> 1;
	struct share_record *r = group_record(g, frame);
	uint64_t hash = r->hash;
	bool alone;

	if (READ_ONCE(r->holders) != 1)
		return false;
	index_lock(&g->index, hash);
	alone = r->holders == 1;
	if (alone) {
		replica_left(d, hash);
		hold_count(d, frame, -(int64_t)h->mappings);
		count_sub(d, frame, h->mappings);
		WRITE_ONCE(r->holders, 0);
		frame_leave(g, frame, r);
	}
	index_unlock(&g->index, hash);
	return alone;
}

int share_take(struct share_dom *d, uint32_t canonical, uint32_t mappings,
	       struct share_held *held)
{
	const struct share_ops *ops = d->group->share->ops;
	struct hold *h;
	int rc = SHARE_OK;

	spin_lock(&d->lock);
	h = hold_find(d, canonical);
	if (h && held)
		*held = (struct share_held){ h->mappings, hold_pfn(h) };
	if (!h) {
		rc = SHARE_ERR_NOT_HELD;
	} else if (h->mappings != mappings || !take_alone(d, h)) {
		rc = SHARE_ERR_OTHERS;
	} else {
		hold_remove(d, h);
		counter_add(&d->events.breaks, mappings);
		counter_add(&d->events.last_breaks, mappings);
	}
	spin_unlock(&d->lock);
	if (rc != SHARE_OK)
		return rc;
	if (ops->canonical_left)
		ops->canonical_left(d->group->ctx);
	index_balance(&d->group->index);
	return rc;
}

#include <hash/general_regs_end.h>
