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
 * Of a domain whose offers were expected lately, but that has no page to expect
 * now, the first page joins before the others start.
 *
 * Pages join in their order, so a batch has the result of its pages offered one
 * by one.  One thing differs: until it ends, a batch holds up to STEPS frames
 * drawn from the pool, not one.
 */
#include <hash/general_regs.h>

#include "offer.h"

/* A batch of more pages is worth that its first one goes alone. */
#define LEAD_LEAST	8

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

static struct offer *slot_of(struct batch *b, unsigned int n)
{
	return &b->slots[n % STEPS];
}

static void start(struct batch *b, unsigned int n)
{
	const struct share_page *p = &b->pages[n];
	struct offer *o = slot_of(b, n);

	offer_begin(o, page_of(b, n), p->pfn, p->mappings);
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
	if (follow_joined(o))
		follow_start(o, hashed_after(b, n));
	b->pages[n].result = o->result;
	b->pages[n].canonical = o->canonical;
}

/* Is a page at this step in this turn? */
static bool is_at(const struct batch *b, unsigned int turn, enum step step)
{
	return turn >= (unsigned int)step && turn - step < b->count;
}

/* What is done with the domain locked; the page that came first goes first. */
static void steps_locked(struct batch *b, unsigned int turn)
{
	struct offer *o = slot_of(b, turn - JOIN);

	spin_known_held(&o->dom->lock);
	if (is_at(b, turn, JOIN))
		finish(b, turn - JOIN, o);
	o = slot_of(b, turn - PEEK);
	spin_known_held(&o->dom->lock);
	if (is_at(b, turn, PEEK))
		offer_prefetch_match(o);
	if (is_at(b, turn, REACH))
		offer_prefetch_bucket(slot_of(b, turn - REACH));
}

static void give_back(struct batch *b)
{
	struct share *s = b->dom->group->share;

	for (unsigned int i = 0; i < STEPS; i++)
		if (b->slots[i].has_drawn)
			s->ops->canonical_free(b->dom->group->ctx, b->slots[i].drawn);
}

static void offer_in_pipeline(struct share_dom *d, struct share_page *pages,
			      unsigned int count)
{
	struct batch b = { .dom = d, .pages = pages, .count = count };
	unsigned int turn, last = count + JOIN - 1;

	for (turn = 0; turn < STEPS; turn++)
		offer_slot_init(&b.slots[turn], d, &b.follow);
	for (turn = 0; turn <= last; turn++) {
		spin_lock(&d->lock);
		if (!turn)
			b.follow = d->follow;
		steps_locked(&b, turn);
		if (turn == last) {
			d->follow = b.follow;
			d->follow.looked = false;
		}
		spin_unlock(&d->lock);
		if (is_at(&b, turn, HASH))
			start(&b, turn);
	}
	give_back(&b);
}

/*
 * Would the first page's successors be expected, if it had joined?  The pages
 * that are hashed before it has are hashed in vain then.
 */
static bool first_leads(struct share_dom *d)
{
	bool leads;

	spin_lock(&d->lock);
	leads = d->follow.trust && !d->follow.ahead[0];
	spin_unlock(&d->lock);
	return leads;
}

void share_offer_batch(struct share_dom *d, struct share_page *pages,
		       unsigned int count)
{
	unsigned int alone = count > LEAD_LEAST && first_leads(d);

	if (alone)
		offer_in_pipeline(d, pages, 1);
	offer_in_pipeline(d, pages + alone, count - alone);
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
