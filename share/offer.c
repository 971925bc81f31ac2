/* SPDX-License-Identifier: MIT */
/*
 * share_offer(): a page comes in, a canonical frame with its content goes out.
 * An offer spends its time waiting for memory that is not in the cache.  So it
 * is done in steps, each of which prefetches what the next one reads, and
 * batch.c has several offers under way:
 *
 *  offer_start            draws a frame; is it a zero page?
 *  offer_hash             hashes the page; prefetches the stripe of the hash,
 *                         and the next page
 *  offer_prefetch_bucket  prefetches the bucket of the index, and the drawn
 *                         frame's record
 *  offer_prefetch_match   looks for a frame that may match, unless the pages of
 *                         late were all new; prefetches that frame's page and
 *                         hold, or fills the drawn frame
 *  offer_commit           look-up, compare and change, under the locks
 *
 * Only offer_commit decides anything: what the steps before it saw may be out
 * of date.  A page that is expected (follow.c) has offer_at_once() in place of
 * the steps after the first: all that it needs was asked for a page ago, and
 * one lock serves to compare it and to let it join.
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

/* Of the drawn frame, which nobody holds; r is its record. */
static void offer_first_hold(struct offer *o, struct share_record *r)
	needs_lock(&o->dom->lock)
{
	uint32_t frame = o->drawn;

	if (unlikely(o->asked != frame))
		hold_ask(o->dom, frame, &o->hold);
	atomic_store_release(&r->count, o->mappings);
	r->holders = 1;
	count_note(o->dom, frame, 0, o->mappings);
	hold_add_first(o->dom, frame, &o->hold, o->pfn, o->mappings);
	hold_count_of(o->dom, frame, o->hash, o->mappings);
}

OFFER_INLINE struct hold *offer_find_hold(struct offer *o, uint32_t frame)
	needs_lock(&o->dom->lock)
{
	return frame == o->asked ? hold_find_at(o->dom, frame, &o->hold) :
				   hold_find(o->dom, frame);
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
OFFER_INLINE bool offer_hold(struct offer *o, uint32_t frame)
	needs_lock(&o->dom->lock)
{
	struct hold *h = offer_find_hold(o, frame);

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
	       o->fns->equal(o->page, group_page(o->group, frame));
}

/* Remember a frame of another content, once for each content. */
static __attribute__((cold)) void note_collision(struct offer *o, uint32_t frame)
{
	const struct share_group *g = o->group;

	for (uint32_t i = 0; i < o->collision_count; i++)
		if (o->fns->equal(group_page(g, frame),
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

	index_seek_spot(&o->group->index, o->hash, &o->bucket, c);
	while (index_next(&o->group->index, o->hash, c, &frame)) {
		const struct share_record *r = group_record(g, frame);

		if (r->hash != o->hash || r->group != g->id)
			continue;
		(void)offer_find_hold(o, frame); /* on its way meanwhile */
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

/*
 * Last, for nobody reads it before the stripe is free, and a locked instruction
 * would wait until all those stores have left the CPU.  The fence does: best is
 * a frame that was filled a page ago.
 */
static void fill_drawn(const struct offer *o)
{
	if (is_zero(o))
		o->fns->clear(o->drawn_page);
	else if (!o->filled)
		o->fns->copy(o->drawn_page, o->page);
	atomic_fence_stream();
}

/* The drawn frame becomes the canonical one.  Stripe lock; cannot fail. */
static void offer_insert(struct offer *o, struct lintab_cursor *c)
	needs_lock(&o->dom->lock, &o->group->index)
{
	struct share_group *g = o->group;
	struct share_record *r = group_record(g, o->drawn);

	CHECK(r->group == g->id && !r->count && !r->holders);
	if (is_zero(o))
		counter_add(&g->zero_frames, 1);
	atomic_store_relaxed(&r->hash, o->hash);
	atomic_store_relaxed(&r->next, o->replica ? FOLLOW_REPLICA : FOLLOW_NONE);
	if (unlikely(o->replica))
		replica_count(g, o->hash, 1);
	index_add(&o->group->index, c, o->hash, o->drawn, &o->dom->index_room);
	if (o->match_full)
		atomic_fetch_add(&g->twins, 1);
	note_chain(g, o->collision_count + 1);
	o->has_drawn = false;
	offer_first_hold(o, r);
	fill_drawn(o);
}

/*
 * Where each hash has one frame but for replicas, the frame that is known to
 * have the content is the one that a look-up would find; stripe lock.
 */
static bool is_the_one(const struct offer *o) needs_lock(&o->dom->lock, &o->group->index)
{
	const struct share_group *g = o->group;
	const struct hold *h;

	if (counter_get(&g->twins) || counter_get(&g->max_chain) > 1)
		return false;
	h = o->dom->replicas ? hold_find(o->dom, o->same) : NULL;
	return !h || !offer_other_pfn(o, h);
}

/* Domain lock and stripe lock. */
static __attribute__((noinline)) int offer_look_up(struct offer *o, uint32_t *canonical)
	needs_lock(&o->dom->lock, &o->group->index)
{
	struct lintab_cursor c;

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

/* What can fail for want of memory.  Domain lock. */
OFFER_INLINE bool offer_prepare(struct offer *o) needs_lock(&o->dom->lock)
{
	if (unlikely(!hold_prepare(o->dom)))
		return false;
	o->within_budget = share_dom_held(o->dom) < o->dom->budget;
	return true;
}

/* Domain lock. */
OFFER_INLINE int offer_locked(struct offer *o, uint32_t *canonical)
	needs_lock(&o->dom->lock)
{
	int rc;

	if (!offer_prepare(o))
		return SHARE_ERR_NOMEM;
	index_lock_stripe(&o->group->index, o->stripe);
	rc = offer_look_up(o, canonical);
	index_unlock_stripe(&o->group->index, o->stripe);
	return rc;
}

OFFER_INLINE void offer_account(struct share_events *e, const struct offer *o, int rc)
{
	if (unlikely(rc != SHARE_OK)) {
		counter_add(&e->refused, 1);
		return;
	}
	counter_add(&e->offered, 1);
	if (o->zero)
		counter_add(&e->zero, 1);
}

/* After the look-up. */
OFFER_INLINE void offer_done(struct offer *o) needs_lock(&o->dom->lock)
{
	offer_account(&o->dom->events, o, o->result);
	if (!o->has_drawn)
		index_balance(&o->group->index);
}

void offer_refuse(struct offer *o, int rc)
{
	counter_add(&o->dom->events.refused, 1);
	o->result = rc;
}

void offer_hash(struct offer *o)
{
	if (o->result != OFFER_UNDER_WAY)
		return;
	if (!o->zero)
		offer_set_hash(o, group_hash_filled(o->group, o->fns, o->page));
	__builtin_prefetch(o->stripe, 1);
	if (o->next)
		offer_ask_most(o->next);
}

void offer_prefetch_bucket(struct offer *o)
{
	struct share_group *g = o->group;

	if (o->result != OFFER_UNDER_WAY)
		return;
	/* Zero pages are offered all the time: what they need is at hand. */
	if (!o->zero) {
		__builtin_prefetch(group_record(g, o->drawn), 1);
		hold_ask(o->dom, o->drawn, &o->hold);
		o->asked = o->drawn;
	}
	index_lock_stripe(&g->index, o->stripe);
	index_ask(&g->index, o->hash, &o->bucket);
	index_unlock_stripe(&g->index, o->stripe);
}

/* Find a frame that may match. */
static bool offer_candidate(struct offer *o, uint32_t *frame)
{
	struct index *index = &o->group->index;
	bool found;

	index_lock_stripe(index, o->stripe);
	found = index_guess(index, o->hash, &o->bucket, frame);
	index_unlock_stripe(index, o->stripe);
	return found;
}

/*
 * Most likely it is a miss.  If not, nobody has seen the drawn frame, and the
 * next page fills it anew.  The next page's hash comes before the fence.
 */
static void fill_ahead(struct offer *o)
{
	o->fns->copy(o->drawn_page, o->page);
	o->filled = true;
}

void offer_prefetch_match(struct offer *o)
{
	uint32_t frame = o->drawn;
	bool found;

	if (o->result != OFFER_UNDER_WAY)
		return;
	found = o->follow->fresh < FOLLOW_FRESH && offer_candidate(o, &frame);
	if (found && !o->zero) {
		__builtin_prefetch(group_record(o->group, frame), 1);
		hold_ask(o->dom, frame, &o->hold);
		o->asked = frame;
	}
	if (found && !o->zero)
		offer_ask(group_page(o->group, frame));
	else if (!found && !o->zero)
		fill_ahead(o);
}

OFFER_INLINE void join(struct offer *o) needs_lock(&o->dom->lock)
{
	if (o->result != OFFER_UNDER_WAY)
		return;
	o->result = offer_locked(o, &o->canonical);
	offer_done(o);
}

void offer_commit(struct offer *o)
{
	join(o);
}

/* So that offer_commit() has one caller. */
static __attribute__((noinline)) void join_zero(struct offer *o) needs_lock(&o->dom->lock)
{
	join(o);
}

/* The expected page is compared and joins under one lock of the stripe. */
static bool offer_expected(struct offer *o) needs_lock(&o->dom->lock)
{
	bool equals;

	if (!follow_expects(o))
		return false;
	if (!offer_prepare(o)) {
		o->result = SHARE_ERR_NOMEM;
		return true;
	}
	index_lock_stripe(&o->group->index, o->stripe);
	equals = follow_equals(o);
	if (likely(equals && is_the_one(o) && offer_hold(o, o->same))) {
		o->canonical = o->same;
		o->result = SHARE_OK;
	} else if (equals) {
		o->result = offer_look_up(o, &o->canonical);
	}
	index_unlock_stripe(&o->group->index, o->stripe);
	return equals;
}

bool offer_at_once(struct offer *o)
{
	if (o->result != OFFER_UNDER_WAY)
		return true;
	if (o->zero) {
		join_zero(o);
		return true;
	}
	if (!offer_expected(o))
		return false;
	offer_done(o);
	return true;
}

#include <hash/general_regs_end.h>
