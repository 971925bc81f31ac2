/* SPDX-License-Identifier: MIT */
/*
 * Offers in a row.
 *
 * A run of pages that are expected (follow.c) joins page after page: all that
 * one needs was asked for before the one before it joined.
 *
 * Others fly in a pipeline: while one page is hashed, the memory that the
 * offers before it wait for is on its way (offer.c has the steps).
 *
 *	turn        0       1       2       3       4
 *	page 0      hash    reach   peek    join
 *	page 1              hash    reach   peek    join
 *	page 2                      hash    reach   peek  ...
 *
 * A flight takes no more pages once one is expected.  Of a domain whose offers
 * were expected lately, but that has no page to expect now, the first page
 * flies before the others start.
 *
 * Pages join in their order, so a batch has the result of its pages offered one
 * by one.  One thing differs: until it ends, a batch holds up to STEPS - 1 +
 * OFFER_DRAW frames drawn from the pool, not one.
 *
 * The domain is locked from the first page to the last: who offers has its page
 * tables locked, and so has everybody else who wants the domain (LOCK_MM).
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
	const void *next;	/* the page that is started next */
	struct follow follow;
	struct drawn ahead;
	struct offer slots[STEPS];
};

/*
 * Pages of a batch from `first` on, `taken` of them; page i has slot i % STEPS.
 */
struct flight {
	struct batch *batch;
	unsigned int first, taken, most;
	struct offer *starts;	/* this turn's page's slot */
};

static const void *page_of(const struct batch *b, unsigned int n)
{
	return group_page(b->dom->group, b->pages[n].frame);
}

OFFER_INLINE void start(struct batch *b, unsigned int n, struct offer *o)
	needs_lock(&o->dom->lock)
{
	const struct share_page *p = &b->pages[n];

	offer_begin(o, b->next, p->pfn, p->mappings);
	o->next = NULL;
	if (likely(n + 1 < b->count)) {
		o->next = b->next = page_of(b, n + 1);
		offer_ask(b->next);
	}
	offer_start(o);
}

/* True: it is time to expect pages again. */
OFFER_INLINE bool finish(struct batch *b, unsigned int n, struct offer *o)
	needs_lock(&o->dom->lock)
{
	struct share_page *page = &b->pages[n];

	page->result = o->result;
	page->canonical = o->canonical;
	return follow_joined(o);
}

/*
 * Pages from `n` on that join at once; the number of the first that does not,
 * whose offer is in slot 0.
 */
static unsigned int run(struct batch *b, unsigned int n)
	needs_lock(&b->dom->lock)
{
	struct offer *o = &b->slots[0];

	spin_known_held(&o->dom->lock);
	for (; n < b->count; n++) {
		start(b, n, o);
		if (!offer_at_once(o))
			break;
		(void)finish(b, n, o);
	}
	return n;
}

static struct offer *slot_of(const struct flight *f, unsigned int i)
{
	return &f->batch->slots[i % STEPS];
}

/* Pages behind the flight's page i that are hashed, but for zero pages. */
static unsigned int hashed_after(const struct flight *f, unsigned int i)
{
	unsigned int pages = 0;

	for (i++; i < f->taken; i++)
		pages += !slot_of(f, i)->zero;
	return pages;
}

/* Page i comes; run() has begun the first. */
static void take_off(struct flight *f, unsigned int i, struct offer *o)
{
	spin_known_held(&o->dom->lock);
	if (i)
		start(f->batch, f->first + i, o);
	offer_hash(o);
	f->taken++;
}

static void land(struct flight *f, unsigned int i, struct offer *o)
{
	spin_known_held(&o->dom->lock);
	offer_commit(o);
	if (finish(f->batch, f->first + i, o))
		follow_start(o, hashed_after(f, i));
}

/* Is page turn - step on its way? */
static bool flies(const struct flight *f, unsigned int turn, enum step step)
{
	return turn - step < f->taken;	/* below zero is large */
}

/*
 * A page that joins may leave many stores behind, which the next lock would
 * wait for.  So who needs one goes before it; what is asked for then, and a
 * hash, which is long, go together with them.
 */
static void turn_do(struct flight *f, unsigned int turn)
{
	struct offer *starts = f->starts, *reaches = starts->before,
		     *peeks = reaches->before, *joins = peeks->before;

	spin_known_held(&reaches->dom->lock);
	if (flies(f, turn, REACH))
		offer_prefetch_bucket(reaches);
	if (flies(f, turn, JOIN))
		land(f, turn - JOIN, joins);
	spin_known_held(&peeks->dom->lock);
	if (flies(f, turn, PEEK))
		offer_prefetch_match(peeks);
	if (f->taken == turn && turn < f->most && (!turn || !f->batch->follow.ahead[0]))
		take_off(f, turn, starts);
	f->starts = joins;	/* its page is through */
}

/* Up to `most` pages from `n` on, after run(); the number of the first left. */
static unsigned int fly(struct batch *b, unsigned int n, unsigned int most)
	needs_lock(&b->dom->lock)
{
	struct flight f = { .batch = b, .first = n, .most = most, .starts = b->slots };
	unsigned int turn;

	for (turn = 0; !turn || turn < f.taken + JOIN; turn++)
		turn_do(&f, turn);
	return n + f.taken;
}

static void give_back(struct batch *b)
{
	const struct share_group *g = b->dom->group;
	const struct share_ops *ops = g->share->ops;

	atomic_fence_stream();	/* one may be filled, and is another's soon */
	for (unsigned int i = 0; i < STEPS; i++)
		if (b->slots[i].has_drawn)
			ops->canonical_free(g->ctx, b->slots[i].drawn);
	while (b->ahead.count)
		ops->canonical_free(g->ctx, b->ahead.frames[--b->ahead.count]);
}

/*
 * Would the first page's successors be expected, if it had joined?  The pages
 * that are hashed before it has are hashed in vain then.
 */
static bool first_leads(const struct batch *b)
{
	return b->count > LEAD_LEAST && b->follow.trust && !b->follow.ahead[0];
}

static void offer_pages(struct batch *b) needs_lock(&b->dom->lock)
{
	unsigned int n = run(b, 0);

	if (!n && first_leads(b))
		n = run(b, fly(b, 0, 1));
	while (n < b->count)
		n = run(b, fly(b, n, b->count - n));
}

/* Others' batches came since: nothing of what the first page needs is near. */
static __attribute__((noinline)) void ask_first(const struct batch *b)
{
	const struct share_group *g = b->dom->group;

	__builtin_prefetch(group_record(g, b->follow.ahead[0] - 1), 0);
	offer_ask(b->next);
	offer_ask(group_page(g, b->follow.ahead[0] - 1));
}

void share_offer_batch(struct share_dom *d, struct share_page *pages,
		       unsigned int count)
{
	const struct share *s = d->group->share;
	const struct page_fns *fns = s->ops->fns ? s->ops->fns(count) : s->fns;
	struct batch b;

	b.dom = d;
	b.pages = pages;
	b.count = count;
	b.ahead.count = 0;
	b.ahead.most = 1;
	for (unsigned int i = 0; i < STEPS; i++)
		offer_slot_init(&b.slots[i], &b.slots[(i + STEPS - 1) % STEPS], d, fns,
				&b.follow, &b.ahead);
	if (count)
		b.next = page_of(&b, 0);
	spin_lock(&d->lock);
	spin_known_held(&b.dom->lock);
	b.follow = d->follow;
	if (count && b.follow.ahead[0])
		ask_first(&b);
	offer_pages(&b);
	d->follow = b.follow;
	d->follow.looked = false;
	spin_unlock(&d->lock);
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
