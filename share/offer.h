/* SPDX-License-Identifier: MIT */
/* Inside share/: one offer and its steps (offer.c); batch.c runs the steps. */
#ifndef SHARE_OFFER_H
#define SHARE_OFFER_H

#include "impl.h"

#define OFFER_UNDER_WAY	1	/* no enum share_error */
/* after so many lines the CPU's own prefetcher goes on */
#define OFFER_ASK_LINES	8

struct offer {
	/* Set by the code that starts the offer: */
	struct share_dom *dom;
	struct share_group *group;
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
	bool within_budget;	/* the budget allows a new hold */
	struct lintab_room room; /* for the index entry */
	/* Found by the look-up: */
	/* one frame of each other content of this hash */
	uint32_t collisions[SHARE_CHAIN_CAP];
	uint32_t collision_count;
	/* the content is there, with no room for our mappings */
	bool match_full;
	/* the domain holds the content for another pfn, and may not for two */
	bool held;
};

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
bool replica_choose(struct offer *o);

/* The steps, in this order.  A refused offer runs through them unharmed. */
void offer_hash(struct offer *o);	/* no lock */
void offer_prefetch_bucket(struct offer *o);
void offer_prefetch_match(struct offer *o);	/* the domain's lock */
void offer_commit(struct offer *o);

#endif
