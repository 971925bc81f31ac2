/* SPDX-License-Identifier: MIT */
/* Inside share/: one offer and its steps (offer.c); batch.c runs the steps. */
#ifndef SHARE_OFFER_H
#define SHARE_OFFER_H

#include "impl.h"

#define OFFER_UNDER_WAY	1	/* no enum share_error */
/* after so many lines the CPU's own prefetcher goes on */
#define OFFER_ASK_LINES	4

struct offer {
	/* offer_slot_init(): of one batch */
	struct share_dom *dom;
	struct share_group *group;
	struct follow *follow;	/* the batch's */
	/* offer_begin(): */
	const void *page;
	uint64_t pfn;
	uint32_t mappings;
	/*
	 * A frame for a miss; kept from one offer to the next until one takes
	 * it.
	 */
	uint32_t drawn;
	bool has_drawn;

	int result;		/* enum share_error, or OFFER_UNDER_WAY */
	uint32_t canonical;	/* with SHARE_OK */

	uint64_t hash;
	bool zero;
	/*
	 * follow.c: the hash is that of `same`, which has the page's content
	 * and was in the index when so many of its stripe were gone.
	 */
	bool followed;
	uint32_t same;
	uint64_t same_when;
	/* replica.c: the hash is not the content's */
	bool replica;
	bool within_budget;	/* the budget allows a new hold */
	/* Found by the look-up: */
	/* one frame of each other content of this hash */
	uint32_t collisions[SHARE_CHAIN_CAP];
	uint32_t collision_count;
	/* the content is there, with no room for our mappings */
	bool match_full;
	/* the domain holds the content for another pfn, and may not for two */
	bool held;
};

/* A place for the offers of a batch, one after the other. */
static inline void offer_slot_init(struct offer *o, struct share_dom *d,
				   struct follow *f)
{
	o->dom = d;
	o->group = d->group;
	o->follow = f;
}

/* A page's offer begins; what the last one's found is forgotten. */
static inline void offer_begin(struct offer *o, const void *page, uint64_t pfn,
			       uint32_t mappings)
{
	o->page = page;
	o->pfn = pfn;
	o->mappings = mappings;
	o->followed = o->replica = o->match_full = o->held = o->zero = false;
	o->collision_count = 0;
}

/* Ask for the start of a page that is hashed next. */
void offer_ask(const void *page);

/* The hold stands for another page than the offered one, or for none. */
static inline bool offer_other_pfn(const struct offer *o, const struct hold *h)
{
	return h->pfn == HOLD_NO_PFN || h->pfn != o->pfn;
}

/*
 * replica.c: o->hash becomes that of a replica which the domain does not have;
 * false: it has all.  Domain lock and stripe lock.
 */
bool replica_choose(struct offer *o) needs_lock(&o->dom->lock, &o->group->index);

/*
 * follow.c, with o->follow.  Is the page, which is no zero page, the expected
 * one?  Then its hash is known.  No lock.
 */
bool follow_match(struct offer *o);
/*
 * The page joined.  True: it is time to expect pages again, by follow_start();
 * `between`: pages after it that are past follow_match(), but for zero pages.
 * The domain's lock.
 */
bool follow_joined(struct offer *o) must_check needs_lock(&o->dom->lock);
void follow_start(struct offer *o, unsigned int between);

/* The steps, in this order.  A refused offer runs through them unharmed. */
void offer_hash(struct offer *o);	/* no lock */
/* the domain's lock: */
void offer_prefetch_bucket(struct offer *o);
void offer_prefetch_match(struct offer *o) needs_lock(&o->dom->lock);
void offer_commit(struct offer *o) needs_lock(&o->dom->lock);

#endif
