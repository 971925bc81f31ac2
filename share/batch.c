/* SPDX-License-Identifier: MIT */
/*
 * Offers in a pipeline: while one page is hashed, the memory that the offers
 * before it wait for is on its way (offer.c has the steps).
 *
 *	turn        0       1       2       3       4
 *	page 0      hash    reach   peek    join
 *	page 1              hash    reach   peek    join
 *	page 2                      hash    reach   peek  ...
 *
 * Pages join in their order, so a batch has the result of its pages offered one
 * by one.  One thing differs: until it ends, a batch holds up to STEPS frames
 * drawn from the pool, not one.
 */
#include <hash/general_regs.h>

#include "offer.h"

enum step { HASH, REACH, PEEK, JOIN, STEPS };

struct batch {
	struct share_dom *dom;
	struct share_page *pages;
	unsigned int count;
	struct follow follow;
	struct offer slots[STEPS];	/* page n has slot n % STEPS */
};

static const void *page_of(const struct batch *b, unsigned int n)
{
	return group_page(b->dom->group, b->pages[n].frame);
}

static void start(struct batch *b, unsigned int n, struct offer *o)
{
	const struct share_page *p = &b->pages[n];

	*o = (struct offer){
		.dom = b->dom, .group = b->dom->group, .page = page_of(b, n),
		.follow = &b->follow,
		.pfn = p->pfn, .mappings = p->mappings,
		.drawn = o->drawn, .has_drawn = o->has_drawn,
	};
	if (n + 1 < b->count)
		offer_ask(page_of(b, n + 1));
	offer_hash(o);
}

/* Pages that are hashed and come after page n, but for zero pages. */
static unsigned int hashed_after(const struct batch *b, unsigned int n)
{
	unsigned int pages = 0;

	for (unsigned int i = n + 1; i < MIN(n + JOIN, b->count); i++)
		pages += !b->slots[i % STEPS].zero;
	return pages;
}

static void finish(struct batch *b, unsigned int n, struct offer *o)
	needs_lock(&o->dom->lock)
{
	offer_commit(o);
	follow_joined(o, hashed_after(b, n));
	b->pages[n].result = o->result;
	b->pages[n].canonical = o->canonical;
}

/* The page that is at this step in this turn, if any. */
static void step(struct batch *b, unsigned int turn, enum step step)
{
	unsigned int n = turn - step;
	struct offer *o = &b->slots[n % STEPS];

	if (turn < (unsigned int)step || n >= b->count)
		return;
	switch (step) {
	case HASH:
		start(b, n, o);
		break;
	case REACH:
		offer_prefetch_bucket(o);
		break;
	case PEEK:
		offer_prefetch_match(o);
		break;
	default:
		spin_known_held(&o->dom->lock);
		finish(b, n, o);
	}
}

static void give_back(struct batch *b)
{
	struct share *s = b->dom->group->share;

	for (unsigned int i = 0; i < STEPS; i++)
		if (b->slots[i].has_drawn)
			s->ops->canonical_free(b->dom->group->ctx, b->slots[i].drawn);
}

void share_offer_batch(struct share_dom *d, struct share_page *pages,
		       unsigned int count)
{
	struct batch b = { .dom = d, .pages = pages, .count = count };

	for (unsigned int turn = 0; turn + 1 < count + STEPS; turn++) {
		spin_lock(&d->lock);
		if (!turn)
			b.follow = d->follow;
		step(&b, turn, JOIN);
		step(&b, turn, PEEK);
		step(&b, turn, REACH);
		if (turn + 2 == count + STEPS) {
			d->follow = b.follow;
			d->follow.looked = false;
		}
		spin_unlock(&d->lock);
		step(&b, turn, HASH);
	}
	give_back(&b);
}

int share_offer(struct share_dom *d, uint32_t frame, uint64_t pfn,
		uint32_t mappings, uint32_t *canonical)
{
	struct share_page p = { .frame = frame, .mappings = mappings, .pfn = pfn };

	share_offer_batch(d, &p, 1);
	if (p.result == SHARE_OK)
		*canonical = p.canonical;
	return p.result;
}

#include <hash/general_regs_end.h>
