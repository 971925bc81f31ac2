/* SPDX-License-Identifier: MIT */
/*
 * share_offer(): a page comes in, a canonical frame with its content goes out.
 * An offer spends its time waiting for memory that is not in the cache.  So it
 * is done in steps, each of which prefetches what the next one reads, and
 * batch.c has several offers under way:
 *
 *  offer_hash             hashes the page, or finds that it is the one that was
 *                         expected (follow.c), and draws a frame; prefetches
 *                         the stripe of the hash
 *  offer_prefetch_bucket  prefetches the bucket of the index, and the drawn
 *                         frame's record
 *  offer_prefetch_match   looks for a frame that may match; prefetches that
 *                         frame's page and hold, or the drawn frame's page
 *  offer_commit           look-up, compare and change, under the locks
 *
 * Only offer_commit decides anything: what the steps before it saw may be out
 * of date.
 *
 * What a caller could learn from the result must not tell match from miss.  So
 * all that can fail is done before the look-up, for both: a frame is drawn (a
 * match gives it back), memory for a hold and for an index entry is at hand,
 * and the budget is asked.  What is left:
 *  - SHARE_ERR_FULL exists for a miss only, and needs SHARE_CHAIN_CAP pages
 *    with one 64-bit keyed hash;
 *  - a domain whose budget is used up may still map again a content that it
 *    holds already: that tells the domain nothing new;
 *  - time: a match costs a compare and a miss costs a copy, among the domains
 *    of one group.
 *
 * At most SHARE_CHAIN_CAP different contents with equal hashes are compared.  A
 * group has equal canonical pages (twins) only if a domain was at
 * SHARE_DOM_CAP.  That shows in no other domain's result, since it may join any
 * of the twins.
 */
#include <hash/general_regs.h>

#include "offer.h"

#define LINE_BYTES	64u

/* The domain gets a hold of the frame, which it does not hold yet. */
static void offer_new_hold(struct offer *o, uint32_t frame)
	needs_lock(&o->dom->lock)
{
	struct share_record *r = group_record(o->group, frame);

	count_add(o->dom, frame, o->mappings);
	WRITE_ONCE(r->holders, r->holders + 1);
	hold_add(o->dom, frame, o->pfn, o->mappings);
	hold_count(o->dom, frame, o->mappings);
}

/* SHARE1: is it the zero page, and no replica of it? */
static bool is_zero(const struct offer *o)
{
	return o->zero && o->hash == o->group->zero_hash;
}

/*
 * The domain gets a hold of the frame, or more mappings, if there is room for
 * them.
 */
static bool offer_hold(struct offer *o, uint32_t frame)
	needs_lock(&o->dom->lock)
{
	struct hold *h = hold_find(o->dom, frame);

	if (h && o->dom->one_pfn && offer_other_pfn(o, h)) {
		o->held = true;
		return false;
	}
	if (!h && !o->within_budget)
		return false;
	if (!h) {
		offer_new_hold(o, frame);
		return true;
	}
	if (!hold_has_room(h, o->mappings))
		return false;
	count_add(o->dom, frame, o->mappings);
	h->mappings += o->mappings;
	hold_count(o->dom, frame, o->mappings);
	return true;
}

/* A frame that is known to be equal was compared with before (follow.c). */
static bool same_content(const struct offer *o, uint32_t frame)
{
	return is_zero(o) || (o->followed && frame == o->same) ||
	       o->group->share->fns->equal(o->page, group_page(o->group, frame));
}

/* Remember a frame of another content, once for each content. */
static void note_collision(struct offer *o, uint32_t frame)
{
	const struct share_group *g = o->group;

	for (uint32_t i = 0; i < o->collision_count; i++)
		if (g->share->fns->equal(group_page(g, frame),
					 group_page(g, o->collisions[i])))
			return;
	CHECK(o->collision_count < SHARE_CHAIN_CAP);
	o->collisions[o->collision_count++] = frame;
}

/* Look for the content and join it, or leave c behind all.  Stripe lock. */
static bool offer_match(struct offer *o, struct lintab_cursor *c, uint32_t *canonical)
	needs_lock(&o->dom->lock, &o->group->index)
{
	struct share_group *g = o->group;
	uint32_t frame;

	index_seek(&o->group->index, o->hash, c);
	while (index_next(&o->group->index, o->hash, c, &frame)) {
		const struct share_record *r = group_record(g, frame);

		if (r->hash != o->hash || r->group != g->id)
			continue;
		(void)hold_find(o->dom, frame);	/* on its way meanwhile */
		if (!same_content(o, frame)) {
			note_collision(o, frame);
		} else if (offer_hold(o, frame)) {
			*canonical = frame;
			return true;
		} else {
			o->match_full = true;
		}
	}
	return false;
}

static void note_chain(struct share_group *g, uint64_t length)
{
	uint64_t was = atomic_load_relaxed(&g->max_chain);

	while (was < length &&
	       !atomic_cas(&g->max_chain, &was, length))
		;
}

/* The drawn frame becomes the canonical one.  Stripe lock; cannot fail. */
static void offer_insert(struct offer *o, struct lintab_cursor *c)
	needs_lock(&o->dom->lock, &o->group->index)
{
	struct share_group *g = o->group;
	struct share_record *r = group_record(g, o->drawn);

	CHECK(r->group == g->id && !r->count && !r->holders);
	if (is_zero(o)) {
		g->share->fns->clear(group_page(g, o->drawn));
		counter_add(&g->zero_frames, 1);
	} else {
		g->share->fns->copy(group_page(g, o->drawn), o->page);
	}
	atomic_store_relaxed(&r->hash, o->hash);
	atomic_store_relaxed(&r->next, o->replica ? FOLLOW_REPLICA : FOLLOW_NONE);
	index_add(&o->group->index, c, o->hash, o->drawn, &o->dom->index_room);
	if (o->match_full)
		atomic_fetch_add(&g->twins, 1);
	note_chain(g, o->collision_count + 1);
	o->has_drawn = false;
	offer_new_hold(o, o->drawn);
}

/*
 * Where each hash has one frame but for replicas, the frame that is known to
 * have the content is the one that a look-up would find; stripe lock.
 */
static bool is_the_one(const struct offer *o) needs_lock(&o->dom->lock, &o->group->index)
{
	const struct share_group *g = o->group;
	const struct hold *h;

	if (!o->followed || counter_get(&g->twins) || counter_get(&g->max_chain) > 1)
		return false;
	h = o->dom->replicas ? hold_find(o->dom, o->same) : NULL;
	return !h || !offer_other_pfn(o, h);
}

/* Domain lock and stripe lock. */
static int offer_look_up(struct offer *o, uint32_t *canonical)
	needs_lock(&o->dom->lock, &o->group->index)
{
	struct lintab_cursor c;

	if (is_the_one(o) && offer_hold(o, o->same)) {
		*canonical = o->same;
		return SHARE_OK;
	}
	if (!replica_choose(o))
		return SHARE_ERR_HELD;
	if (offer_match(o, &c, canonical))
		return SHARE_OK;
	if (o->held)
		return SHARE_ERR_HELD;
	if (!o->within_budget)
		return SHARE_ERR_LIMIT;
	if (o->collision_count == SHARE_CHAIN_CAP)
		return SHARE_ERR_FULL;
	offer_insert(o, &c);
	*canonical = o->drawn;
	return SHARE_OK;
}

/* Domain lock. */
static int offer_locked(struct offer *o, uint32_t *canonical)
	needs_lock(&o->dom->lock)
{
	int rc;

	if (!hold_prepare(o->dom))
		return SHARE_ERR_NOMEM;
	o->within_budget = share_dom_held(o->dom) < o->dom->budget;
	index_lock(&o->group->index, o->hash);
	/* Something of the stripe is gone: it may be the frame. */
	o->followed &= index_removals(&o->group->index, o->hash) ==
		       o->same_when;
	rc = offer_look_up(o, canonical);
	index_unlock(&o->group->index, o->hash);
	return rc;
}

static void offer_account(struct share_events *e, const struct offer *o, int rc)
{
	counter_add(&e->offered, rc == SHARE_OK);
	counter_add(&e->refused, rc != SHARE_OK);
	counter_add(&e->zero, rc == SHARE_OK && o->zero);
}

static void ask_for_page(const void *page, uint32_t lines, bool write)
{
	const uint8_t *p = page;

	for (uint32_t i = 0; i < lines; i++) {
		if (write)
			__builtin_prefetch(p + i * LINE_BYTES, 1);
		else
			__builtin_prefetch(p + i * LINE_BYTES, 0);
	}
}

void offer_ask(const void *page)
{
	ask_for_page(page, OFFER_ASK_LINES, false);
}

/* The result of an offer that was refused before the look-up. */
static void offer_refuse(struct offer *o, int rc)
{
	spin_lock(&o->dom->lock);
	counter_add(&o->dom->events.refused, 1);
	spin_unlock(&o->dom->lock);
	o->result = rc;
}

void offer_hash(struct offer *o)
{
	struct share_group *g = o->group;
	struct share *s = g->share;

	CHECK(o->mappings > 0);
	if (o->mappings > SHARE_DOM_CAP) {
		offer_refuse(o, SHARE_ERR_COUNT);
		return;
	}
	if (!o->has_drawn &&
	    !s->ops->canonical_alloc(g->ctx, g->id, &o->drawn)) {
		offer_refuse(o, SHARE_ERR_NOMEM);
		return;
	}
	o->has_drawn = true;
	o->result = OFFER_UNDER_WAY;
	o->zero = s->fns->is_zero(o->page);
	if (o->zero)
		o->hash = g->zero_hash;
	else if (follow_match(o))
		return;
	else
		o->hash = group_hash_filled(g, o->page);
	index_ask_lock(&g->index, o->hash);
}

void offer_prefetch_bucket(struct offer *o)
{
	struct share_group *g = o->group;

	if (o->result != OFFER_UNDER_WAY)
		return;
	if (o->followed) {
		__builtin_prefetch(group_record(g, o->same), 1);
		return;
	}
	/* Zero pages are offered all the time: what they need is at hand. */
	if (!o->zero) {
		__builtin_prefetch(group_record(g, o->drawn), 1);
		hold_prefetch(o->dom, o->drawn);
	}
	index_lock(&g->index, o->hash);
	index_prefetch(&g->index, o->hash);
	index_unlock(&g->index, o->hash);
}

/* Find a frame that may match. */
static bool offer_candidate(const struct offer *o, uint32_t *frame)
{
	struct index *index = &o->group->index;
	bool found;

	index_lock(index, o->hash);
	found = index_guess(index, o->hash, frame);
	index_unlock(index, o->hash);
	return found;
}

void offer_prefetch_match(struct offer *o)
{
	uint32_t frame = o->drawn;
	bool found;

	if (o->result != OFFER_UNDER_WAY)
		return;
	if (o->followed) {
		(void)hold_find(o->dom, o->same);
		return;
	}
	found = offer_candidate(o, &frame);
	__builtin_prefetch(group_record(o->group, frame), 1);
	if (!found)
		(void)hold_find(o->dom, frame);
	else if (!o->zero)
		hold_prefetch(o->dom, frame);
	if (!found || !o->zero)
		ask_for_page(group_page(o->group, frame), OFFER_ASK_LINES, !found);
}

void offer_commit(struct offer *o)
{
	if (o->result != OFFER_UNDER_WAY)
		return;
	o->result = offer_locked(o, &o->canonical);
	offer_account(&o->dom->events, o, o->result);
	if (!o->has_drawn)
		index_balance(&o->group->index);
}

#include <hash/general_regs_end.h>
