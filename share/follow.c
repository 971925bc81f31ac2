/* SPDX-License-Identifier: MIT */
/*
 * Successors.  Files are offered in order: after a page that joined frame X
 * most likely comes that of the frame which followed X before.  X's record
 * keeps its number.  An offered page is compared with the frame that is
 * expected for it, and hashed only if they differ.
 *
 *  FOL1  What is expected takes the place of the hash and of one compare,
 *        nothing else: a page that equals a frame of the index has that frame's
 *        hash, and is that frame if each hash has one (offer.c, is_the_one()).
 *        The offer goes on as any other: no result, error or draw depends on
 *        what was expected.
 *  FOL2  Pages are compared, and join, while the stripe's lock keeps the frame
 *        in the index of the domain's group: a record of the group that has a
 *        hash while the hash's stripe is locked is in the index, for it gets
 *        and loses it with the lock.  A drawn frame's hash, which says nothing,
 *        is no hash.  Of a frame that left the group only its record is read.
 *  FOL3  All of both pages is compared, so the time says only whether they are
 *        equal, as that of a look-up does.
 *  FOL4  A record gets a successor only while the domain holds the frame: it
 *        cannot leave.
 *  FOL5  Zero pages and replicas neither have a successor nor are one: zero
 *        pages are everywhere, and a replica's hash is not its content's.  The
 *        frame that the last page joined may have become either since.
 *
 * A successor that is wrong or gone costs time.  It is the first that there
 * was, and stays while that frame is there, so that a guest whose order is
 * another one does not spoil it.  What a domain expects is its own (struct
 * follow); so the streams of several domains do not meet.
 *
 * ahead[] leads the offers: the first frame's bytes are on their way when its
 * page comes, and the second one's record.  Two pages in a row that were not
 * the expected ones end that.  It begins again at a frame that a look-up found,
 * if the domain is trusted: if what it offered lately was what was expected, or
 * would have been.  So random order costs a look at a record that is at hand.
 */
#include <hash/general_regs.h>

#include "offer.h"

#define TRUST_MOST	4
#define WRONG_MOST	2

static struct share_record *record_of(const struct share_group *g,
				      uint32_t expected)
{
	return group_record(g, expected - 1);
}

/* FOL2: a frame of the group that somebody holds. */
static bool is_canonical(const struct share_group *g,
			 const struct share_record *r)
{
	uint64_t state = atomic_load_acquire(&r->state);

	return state >> 32 == g->mark && (uint32_t)state;
}

/* Ask for what ahead[0] needs, but for its page, and find ahead[1]. */
static inline void look_ahead(struct follow *f, const struct share_dom *d) needs_lock(&d->lock)
{
	const struct share_group *g = d->group;
	const struct share_record *r;

	f->looked = true;
	f->ahead[1] = FOLLOW_NONE;
	if (!f->ahead[0])
		return;
	r = record_of(g, f->ahead[0]);
	if (!is_canonical(g, r)) {
		f->stale = f->ahead[0];
		f->ahead[0] = FOLLOW_NONE;
		return;
	}
	hold_ask(d, f->ahead[0] - 1, &f->hold);
	index_ask_lock(&g->index, atomic_load_relaxed(&r->hash));
	f->ahead[1] = follow_successor(r);
	if (f->ahead[1])
		__builtin_prefetch(record_of(g, f->ahead[1]), 0);
}

/* FOL2: with the stripe of this hash locked. */
static bool has_hash(const struct share_group *g, const struct share_record *r,
		     uint64_t hash)
{
	return is_canonical(g, r) && atomic_load_relaxed(&r->hash) == hash &&
	       !(atomic_load_relaxed(&r->next) & FOLLOW_REPLICA);
}

/* The next page, and the frame that is expected for it. */
static inline void ask_next(const struct offer *o)
{
	const struct follow *f = o->follow;

	if (!f->ahead[0])
		return;
	offer_ask_both(group_page(o->group, f->ahead[0] - 1));
	if (likely(o->next))
		offer_ask_rest(o->next);
}

static void was_wrong(struct follow *f)
{
	f->trust -= f->trust > 0;
	if (++f->wrong < WRONG_MOST)
		return;
	f->wrong = 0;
	f->ahead[0] = f->ahead[1] = FOLLOW_NONE;
}

/* Stripe lock. */
static bool equals(struct offer *o) needs_lock(&o->group->index)
{
	struct share_group *g = o->group;
	const void *page = group_page(g, o->same);

	if (!has_hash(g, group_record(g, o->same), o->hash))
		return false;
	return o->fns->equal(o->page, page);
}

bool follow_equals(struct offer *o)
{
	struct follow *f = o->follow;

	o->followed = equals(o);
	ask_next(o);	/* now: the compare had the memory for itself */
	if (unlikely(!o->followed)) {
		was_wrong(f);
		return false;
	}
	f->trust = TRUST_MOST;
	f->wrong = 0;
	return true;
}

bool follow_expects(struct offer *o)
{
	struct follow *f = o->follow;

	if (unlikely(!f->looked))
		look_ahead(f, o->dom);
	if (!f->ahead[0])
		return false;
	o->same = o->asked = f->ahead[0] - 1;
	o->hold = f->hold;
	f->ahead[0] = f->ahead[1];
	look_ahead(f, o->dom);
	offer_set_hash(o, atomic_load_relaxed(&group_record(o->group, o->same)->hash));
	if (likely(o->hash > SHARE_HASH_DRAWN))
		return true;
	was_wrong(f);
	return false;
}

/* The first, or one in place of a frame that is gone. */
static bool may_succeed(const struct offer *o)
{
	const struct follow *f = o->follow;
	bool is_new = !o->has_drawn;

	return !f->after || ((is_new || f->after == f->stale) &&
			     !is_canonical(o->group, record_of(o->group, f->after)));
}

/* FOL5; of a frame that the domain holds. */
static bool may_lead(const struct share_group *g, const struct share_record *r)
{
	return !(atomic_load_relaxed(&r->next) & FOLLOW_REPLICA) &&
	       atomic_load_relaxed(&r->hash) != g->zero_hash;
}

/*
 * FOL4, FOL5: is the last one's frame held, and what it was when its page
 * joined?  It is if no hold of the domain's has ended since.
 */
static bool last_may_lead(const struct offer *o) needs_lock(&o->dom->lock)
{
	const struct follow *f = o->follow;

	return f->ended == o->dom->holds_ended ||
	       (hold_find(o->dom, f->last - 1) &&
		may_lead(o->group, record_of(o->group, f->last)));
}

void follow_link(const struct offer *o, uint32_t frame)
{
	const struct follow *f = o->follow;

	if (f->last && f->last != frame && may_succeed(o) && last_may_lead(o))
		follow_set(o->group, f->last, frame);
}

/* Expect what comes so many frames after the last one's successor. */
void follow_start(struct offer *o, unsigned int between)
{
	const struct share_group *g = o->group;
	struct follow *f = o->follow;
	uint32_t frame = f->after;

	for (; frame && between; between--) {
		const struct share_record *r = record_of(g, frame);

		frame = is_canonical(g, r) ? follow_successor(r) : FOLLOW_NONE;
	}
	f->ahead[0] = frame;
	look_ahead(f, o->dom);
	if (f->ahead[0])
		offer_ask(group_page(g, f->ahead[0] - 1));
}

#include <hash/general_regs_end.h>
