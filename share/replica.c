/* SPDX-License-Identifier: MIT */
/*
 * Replicas: where a frame stands for one pfn of a domain's, its i-th page of
 * one content joins the group's i-th frame of that content.
 *
 * Each replica has a hash of its own, so that no chain gets long, and all have
 * one stripe, so that a domain's are looked through under one lock:
 *
 *	hash of replica i = hash of the content ^ i * MIX mod 2^58
 *
 * The first six bits, which choose the stripe, stay; MIX has an inverse, so the
 * audit can tell which replica a frame is.  Replica 0 is what everybody joins
 * who did not ask for more.
 *
 * A domain has replicas 0, 1, 2 ... of a content, with holes where it broke
 * one. A free one behind one that it has is found by doubling and halving, in
 * at most 2 * log2(SHARE_REPLICAS_MAX) look-ups: a hole, or the next.  What it
 * holds decides that, and nobody else's holds.
 *
 * Of zero pages a domain has thousands, which come and go.  Any hole will not
 * do: where each domain leaves others, all together have a frame for each.  So
 * a domain knows below which replica it has all (zero_low), and looks from
 * there on; after LOOKS of them it goes on with the next offer.
 */
#include <hash/general_regs.h>

#include "offer.h"

#define REPLICA_MASK	((1UL << (64 - INDEX_STRIPES_LOG2)) - 1)
#define REPLICA_MIX	0x23779b97f4a7c15UL
#define REPLICA_UNMIX	0x1de83e19937733dUL
#define LOOKS		16u	/* a few thousand instructions */
_Static_assert(((REPLICA_MIX * REPLICA_UNMIX) & REPLICA_MASK) == 1, "inverse");

static uint64_t replica_hash(uint64_t hash, uint32_t i)
{
	return hash ^ ((i * REPLICA_MIX) & REPLICA_MASK);
}

static uint64_t replica_number(uint64_t hash, uint64_t stored)
{
	return ((hash ^ stored) * REPLICA_UNMIX) & REPLICA_MASK;
}

bool replica_of(uint64_t hash, uint64_t stored)
{
	return !((hash ^ stored) & ~REPLICA_MASK) &&
	       replica_number(hash, stored) < SHARE_REPLICAS_MAX;
}

void replica_count(struct share_group *g, uint64_t stored, int64_t n)
{
	atomic_add(&g->replicas, n);
	if (replica_of(g->zero_hash, stored))
		atomic_add(&g->zero_replicas, n);
}

/*
 * Does the domain have a frame of this hash for another page?  Or is the hash
 * the zero page's, and not this page's: SHARE1.
 */
static bool taken(const struct offer *o, uint64_t hash)
	needs_lock(&o->dom->lock, &o->group->index)
{
	const struct share_group *g = o->group;
	struct lintab_cursor c;
	const struct hold *h;
	uint32_t frame;

	if (hash == g->zero_hash && !o->zero)
		return true;
	index_seek(&o->group->index, hash, &c);
	while (index_next(&o->group->index, hash, &c, &frame)) {
		if (group_record(g, frame)->hash != hash)
			continue;
		h = hold_find(o->dom, frame);
		if (h && offer_other_pfn(o, h))
			return true;
	}
	return false;
}

/* SHARE_REPLICAS_MAX: there is none. */
static uint32_t find_one(const struct offer *o)
	needs_lock(&o->dom->lock, &o->group->index)
{
	uint32_t low = 0, high = 1;	/* low is taken */

	while (high < SHARE_REPLICAS_MAX && taken(o, replica_hash(o->hash, high))) {
		low = high;
		high *= 2;
	}
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (taken(o, replica_hash(o->hash, middle)))
			low = middle;
		else
			high = middle;
	}
	return high;
}

static uint32_t find_lowest(const struct offer *o)
	needs_lock(&o->dom->lock, &o->group->index)
{
	uint32_t i = MAX(o->dom->zero_low, 1u), end = MIN(i + LOOKS, SHARE_REPLICAS_MAX);

	while (i < end && taken(o, replica_hash(o->hash, i)))
		i++;
	o->dom->zero_low = i;
	return i < end ? i : find_one(o);
}

void replica_left(struct share_dom *d, uint64_t stored)
{
	uint64_t zero = d->group->zero_hash;

	if (replica_of(zero, stored))
		d->zero_low = MIN(d->zero_low, replica_number(zero, stored));
}

bool replica_choose_one(struct offer *o)
{
	uint32_t i;

	if (!taken(o, o->hash))
		return true;
	i = o->hash == o->group->zero_hash ? find_lowest(o) : find_one(o);
	if (i == SHARE_REPLICAS_MAX)
		return false;
	o->hash = replica_hash(o->hash, i);
	o->bucket.steps = LINTAB_NO_SPOT;
	o->replica = true;
	return true;
}

void share_dom_replicas(struct share_dom *d, bool on)
{
	spin_lock(&d->lock);
	d->replicas = on;
	spin_unlock(&d->lock);
}

#include <hash/general_regs_end.h>
