/* SPDX-License-Identifier: MIT */
/*
 * share_offer(): a page comes in, a canonical frame with its content goes out.
 *
 * What a caller could learn from the result must not tell match from miss.  So
 * all that can fail is done before the look-up, for both: a frame is drawn (a
 * match gives it back), memory for a hold and for an index entry is at hand,
 * and the budget is asked.  What is left:
 *  - SHARE_ERR_FULL exists for a miss only, and needs SHARE_CHAIN_CAP pages with one
 *    64-bit keyed hash;
 *  - a domain whose budget is used up may still map again what it holds already: that
 *    tells it what it knows;
 *  - time: a match costs a compare and a miss costs a copy, among the domains of one group.
 *
 * At most SHARE_CHAIN_CAP different contents with equal hashes are compared.  Equal
 * pages are more than one only where a frame was at SHARE_COUNT_CAP (twins).
 */
#include "impl.h"

#define ASK_LINES 6	/* then the CPU's own prefetcher has seen where it goes */

struct offer {
	struct share_dom *dom;
	struct share_group *group;
	const void *page;
	uint64_t hash, pfn;
	uint32_t mappings;
	bool zero;
	bool affordable;	/* the budget allows a new hold */
	uint32_t drawn;		/* frame for a miss */
	bool drawn_used;
	struct lintab_room room; /* for the index entry */
	/* Found by the look-up: */
	uint32_t others[SHARE_CHAIN_CAP]; /* one frame of each other content of this hash */
	uint32_t other_count;
	bool twin;		/* the content is there, with no room for our mappings */
	bool held;		/* the domain has it for another pfn, and may not for two */
};

static bool other_pfn(const struct offer *o, const struct hold *h)
{
	return h->pfn == HOLD_NO_PFN || h->pfn != o->pfn;
}

/* The domain gets the frame, new or more of it, if the frame's count allows. */
static bool offer_join(struct offer *o, uint32_t frame)
{
	struct hold *h = hold_find(o->dom, frame);

	if (h && o->dom->one_pfn && other_pfn(o, h)) {
		o->held = true;
		return false;
	}
	if (!h && !o->affordable)
		return false;
	if (!count_add(o->group, frame, o->mappings))
		return false;
	if (h) {
		h->mappings += o->mappings;
	} else {
		group_record(o->group, frame)->holders++;
		hold_add(o->dom, frame, o->pfn, o->mappings);
	}
	hold_count(o->dom, frame, o->mappings);
	return true;
}

static bool same_content(const struct offer *o, uint32_t frame)
{
	return o->zero || o->group->share->fns->equal(o->page,
						      group_page(o->group, frame));
}

/* Remember a frame of another content, once for each content. */
static void note_other(struct offer *o, uint32_t frame)
{
	const struct share_group *g = o->group;

	for (uint32_t i = 0; i < o->other_count; i++)
		if (g->share->fns->equal(group_page(g, frame),
					 group_page(g, o->others[i])))
			return;
	CHECK(o->other_count < SHARE_CHAIN_CAP);
	o->others[o->other_count++] = frame;
}

/*
 * Memory far away is what an offer waits for, so it asks for all that it will read as
 * soon as it knows where: the record and page of a candidate and the domain's hold of
 * it at once; the drawn frame's before the page is hashed.
 */
static void ask_for_candidate(const struct offer *o, uint32_t frame)
{
	const uint8_t *page = group_page(o->group, frame);

	__builtin_prefetch(group_record(o->group, frame), 1);
	for (unsigned int i = 0; i < ASK_LINES; i++)
		__builtin_prefetch(page + 64 * i, 0);
	hold_prefetch(o->dom, frame);
}

static void ask_for_drawn(const struct offer *o)
{
	__builtin_prefetch(group_record(o->group, o->drawn), 1);
	__builtin_prefetch(group_page(o->group, o->drawn), 1);
}

/* Look for the content and join it.  Stripe lock. */
static bool offer_match(struct offer *o, uint32_t *canonical)
{
	struct share_group *g = o->group;
	struct lintab_cursor c;
	uint32_t frame;

	index_seek(&g->index, o->hash, &c);
	while (index_next(&g->index, o->hash, &c, &frame)) {
		const struct share_record *r = group_record(g, frame);

		ask_for_candidate(o, frame);
		if (r->hash != o->hash || r->group != g->id)
			continue;
		if (!same_content(o, frame)) {
			note_other(o, frame);
		} else if (offer_join(o, frame)) {
			*canonical = frame;
			return true;
		} else {
			o->twin = true;
		}
	}
	return false;
}

static void note_chain(struct share_group *g, uint64_t length)
{
	uint64_t was = __atomic_load_n(&g->max_chain, __ATOMIC_RELAXED);

	while (was < length &&
	       !__atomic_compare_exchange_n(&g->max_chain, &was, length, false,
					    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

/* The drawn frame becomes the canonical one.  Stripe lock; cannot fail. */
static void offer_insert(struct offer *o)
{
	struct share_group *g = o->group;
	struct share_record *r = group_record(g, o->drawn);

	CHECK(r->group == g->id && !r->count && !r->holders);
	if (o->zero) {
		g->share->fns->clear(group_page(g, o->drawn));
		counter_add(&g->zero_frames, 1);
	} else {
		g->share->fns->copy(group_page(g, o->drawn), o->page);
	}
	r->hash = o->hash;
	index_add(&g->index, o->hash, o->drawn, &o->room);
	if (o->twin)
		__atomic_fetch_add(&g->twins, 1, __ATOMIC_RELAXED);
	note_chain(g, o->other_count + 1);
	o->drawn_used = true;
	CHECK(offer_join(o, o->drawn));
}

/* Domain lock and stripe lock. */
static int offer_look_up(struct offer *o, uint32_t *canonical)
{
	if (!index_prepare(&o->group->index, o->hash, &o->room))
		return SHARE_ERR_NOMEM;
	if (offer_match(o, canonical))
		return SHARE_OK;
	if (o->held)
		return SHARE_ERR_HELD;
	if (!o->affordable)
		return SHARE_ERR_LIMIT;
	if (o->other_count == SHARE_CHAIN_CAP)
		return SHARE_ERR_FULL;
	offer_insert(o);
	*canonical = o->drawn;
	return SHARE_OK;
}

/* Domain lock; a frame is drawn. */
static int offer_locked(struct offer *o, uint32_t *canonical)
{
	int rc;

	if (!hold_prepare(o->dom))
		return SHARE_ERR_NOMEM;
	hold_prefetch(o->dom, o->drawn);
	o->affordable = share_dom_held(o->dom) < o->dom->budget;
	index_lock(&o->group->index, o->hash);
	index_prefetch(&o->group->index, o->hash);
	rc = offer_look_up(o, canonical);
	index_cancel(&o->group->index, &o->room);
	index_unlock(&o->group->index, o->hash);
	return rc;
}

static void offer_account(struct share_events *e, const struct offer *o, int rc)
{
	counter_add(&e->offered, rc == SHARE_OK);
	counter_add(&e->refused, rc != SHARE_OK);
	counter_add(&e->zero, rc == SHARE_OK && o->zero);
}

static int offer_drawn(struct offer *o, uint32_t *canonical)
{
	struct share_group *g = o->group;
	int rc;

	ask_for_drawn(o);
	o->hash = group_hash(g, o->page, &o->zero);
	spin_lock(&o->dom->lock);
	rc = offer_locked(o, canonical);
	offer_account(&o->dom->events, o, rc);
	spin_unlock(&o->dom->lock);
	if (o->drawn_used)
		index_balance(&g->index);
	else
		g->share->ops->canonical_free(g->share->ctx, o->drawn);
	return rc;
}

/* Before anything was looked up. */
static int refuse(struct share_dom *d, int rc)
{
	spin_lock(&d->lock);
	counter_add(&d->events.refused, 1);
	spin_unlock(&d->lock);
	return rc;
}

int share_offer(struct share_dom *d, uint32_t frame, uint64_t pfn,
		uint32_t mappings, uint32_t *canonical)
{
	struct offer o = {
		.dom = d, .group = d->group, .pfn = pfn, .mappings = mappings,
		.page = group_page(d->group, frame),
	};
	struct share *s = o.group->share;

	CHECK(mappings > 0);
	if (mappings > SHARE_COUNT_CAP)
		return refuse(d, SHARE_ERR_COUNT);
	if (!s->ops->canonical_alloc(s->ctx, o.group->id, &o.drawn))
		return refuse(d, SHARE_ERR_NOMEM);
	return offer_drawn(&o, canonical);
}
