/* SPDX-License-Identifier: MIT */
/* Inside share/: one offer and its steps (offer.c); batch.c runs the steps. */
#ifndef SHARE_OFFER_H
#define SHARE_OFFER_H

#include "impl.h"

/* Of a page's offer there are few callers, and each wants it inlined. */
#define OFFER_INLINE	static inline __attribute__((always_inline))

#define OFFER_UNDER_WAY	1	/* no enum share_error */
#define OFFER_ASKED_NOTHING	UINT32_MAX	/* no frame */
/* after so many lines the CPU's own prefetcher goes on */
#define OFFER_ASK_LINES	8
/*
 * So many lines a CPU can have on their way at once.  Asked for before it turns
 * to its tables, they come meanwhile: else the memory would rest.
 */
#define OFFER_ASK_MOST	64
/* of each of two that are read together */
#define OFFER_ASK_BOTH	48
/* they are asked for in turns of at most so many */
#define OFFER_ASK_TURN	16
#define OFFER_LINE_BYTES	64
/* frames that are drawn at once, after a batch's first */
#define OFFER_DRAW	7u

/* Frames that a batch drew and no offer has yet. */
struct drawn {
	uint32_t count;
	uint32_t most;		/* to draw next time */
	uint32_t frames[OFFER_DRAW];
};

struct offer {
	/* offer_slot_init(): of one batch */
	struct share_dom *dom;
	struct share_group *group;
	const struct page_fns *fns;
	struct follow *follow;	/* the batch's */
	struct drawn *ahead;	/* the batch's */
	struct offer *before;	/* that of the page before, in a ring */
	/* offer_begin(): */
	const void *page;
	const void *next;	/* the batch's next page; NULL: none */
	uint64_t pfn;
	uint32_t mappings;
	/*
	 * A frame for a miss; kept from one offer to the next until one takes
	 * it.
	 */
	uint32_t drawn;
	bool has_drawn;
	void *drawn_page;

	int result;		/* enum share_error, or OFFER_UNDER_WAY */
	uint32_t canonical;	/* with SHARE_OK */

	uint64_t hash;
	struct index_stripe *stripe;	/* the hash's */
	/* where the hold of frame `asked` is, and the hash's bucket */
	uint32_t asked;
	struct lintab_spot hold, bucket;
	uint32_t same;		/* follow.c: the expected frame */
	/* one frame of each other content of this hash */
	uint32_t collisions[SHARE_CHAIN_CAP];

	/* Forgotten by offer_begin(); side by side, which is one store: */
	uint8_t collision_count;
	bool zero;
	/* the hash is that of `same`, which has the page's content */
	bool followed;
	/* replica.c: the hash is not the content's */
	bool replica;
	bool within_budget;	/* the budget allows a new hold */
	/* the content is there, with no room for our mappings */
	bool match_full;
	/* the domain holds the content for another pfn, and may not for two */
	bool held;
	/* the drawn frame has the page's content */
	bool filled;
};

/* A place for the offers of a batch, one after the other. */
static inline void offer_slot_init(struct offer *o, struct offer *before,
				   struct share_dom *d, const struct page_fns *fns,
				   struct follow *f, struct drawn *ahead)
{
	o->before = before;
	o->dom = d;
	o->group = d->group;
	o->fns = fns;
	o->follow = f;
	o->ahead = ahead;
	o->has_drawn = false;
}

/* A page's offer begins; what the last one's found is forgotten. */
static inline void offer_begin(struct offer *o, const void *page, uint64_t pfn,
			       uint32_t mappings)
{
	o->page = page;
	o->pfn = pfn;
	o->mappings = mappings;
	o->zero = o->followed = o->replica = o->within_budget = false;
	o->match_full = o->held = o->filled = false;
	o->collision_count = 0;
	o->asked = OFFER_ASKED_NOTHING;
	o->bucket.steps = LINTAB_NO_SPOT;
}

/*
 * Ask for the first lines of a page, a constant, and whole turns if it is more
 * than one.  An address comes of the one before: a CPU that is asked two at a
 * time forgets some (AMD family 26: it takes twice the time).  Each byte is
 * read once or twice, and soon: it takes no place in the second cache from the
 * tables, and from code.
 */
#define ASK_LINES(page, lines) do {					\
	const uint8_t *at_ = (page), *end_ = at_ + (lines) * OFFER_LINE_BYTES; \
	__asm__ volatile("1:\n\t"					\
			 ".rept %c3\n\t"				\
			 "prefetchnta (%0)\n\t"				\
			 "add %2, %0\n\t"				\
			 ".endr\n\t"					\
			 "cmp %1, %0\n\t"				\
			 "jne 1b"					\
			 : "+r"(at_) : "r"(end_), "i"(OFFER_LINE_BYTES), \
			   "i"((lines) < OFFER_ASK_TURN ? (lines) : OFFER_ASK_TURN)); \
} while (0)

/* A page is read soon: ask for its start; */
static inline void offer_ask(const void *page)
{
	ASK_LINES(page, OFFER_ASK_LINES);
}

/* it is read next: for all that a CPU can have on its way; */
static inline void offer_ask_most(const void *page)
{
	ASK_LINES(page, OFFER_ASK_MOST);
}

/* it is read next beside another one; */
static inline void offer_ask_both(const void *page)
{
	ASK_LINES(page, OFFER_ASK_BOTH);
}

/* the same of a page whose start was asked for. */
static inline void offer_ask_rest(const void *page)
{
	ASK_LINES((const uint8_t *)page + OFFER_ASK_LINES * OFFER_LINE_BYTES,
		  OFFER_ASK_BOTH);
}

/* A replica's hash has the same stripe. */
static inline void offer_set_hash(struct offer *o, uint64_t hash)
{
	o->hash = hash;
	o->stripe = index_stripe(&o->group->index, hash);
}

/* The hold stands for another page than the offered one, or for none. */
static inline bool offer_other_pfn(const struct offer *o, const struct hold *h)
{
	return h->pfn == HOLD_NO_PFN || h->pfn != o->pfn;
}

/*
 * replica.c: o->hash becomes that of a replica which the domain does not have;
 * false: it has all.  Domain lock and stripe lock.
 */
bool replica_choose_one(struct offer *o) needs_lock(&o->dom->lock, &o->group->index);
static inline bool replica_choose(struct offer *o)
	needs_lock(&o->dom->lock, &o->group->index)
{
	return likely(!o->dom->replicas) || replica_choose_one(o);
}

/*
 * follow.c, with o->follow.  Is a page expected (o->same, o->hash; its turn is
 * over)?  With the stripe's lock: does the page, which is no zero page, equal
 * it?  The answer is noted.
 */
bool follow_expects(struct offer *o) needs_lock(&o->dom->lock);
bool follow_equals(struct offer *o) needs_lock(&o->dom->lock, &o->group->index);
/* The page joined frame - 1: it may be the last one's successor from now on. */
void follow_link(const struct offer *o, uint32_t frame) needs_lock(&o->dom->lock);
static inline uint32_t follow_successor(const struct share_record *r)
{
	return atomic_load_relaxed(&r->next) & ~FOLLOW_REPLICA;
}

static inline void follow_set(const struct share_group *g, uint32_t last, uint32_t frame)
{
	atomic_store_relaxed(&group_record(g, last - 1)->next, frame);
}

/*
 * The page joined.  True: it is time to expect pages again, by follow_start();
 * `between`: pages after it that are hashed, but for zero pages.
 */
OFFER_INLINE bool follow_joined(struct offer *o) needs_lock(&o->dom->lock)
{
	uint64_t ended = o->dom->holds_ended;
	struct follow *f = o->follow;
	uint32_t frame = o->canonical + 1;
	bool is_new = !o->has_drawn;

	if (o->result != SHARE_OK || o->zero || o->replica)
		return false;
	f->fresh = is_new ? f->fresh + (f->fresh < FOLLOW_FRESH) : 0;
	if (is_new && f->last && !f->after && f->ended == ended)
		follow_set(o->group, f->last, frame);	/* FOL4 */
	else if (is_new || f->after != frame)
		follow_link(o, frame);
	else
		f->trust += !f->trust;
	f->last = frame;
	f->ended = ended;
	f->after = is_new ? FOLLOW_NONE :
			    follow_successor(group_record(o->group, o->canonical));
	return f->trust && !f->ahead[0] && !o->followed;
}
void follow_start(struct offer *o, unsigned int between) needs_lock(&o->dom->lock);

/*
 * The steps, in this order; the domain's lock.  A refused offer runs through
 * them unharmed.
 */
OFFER_INLINE void offer_start(struct offer *o) needs_lock(&o->dom->lock);
void offer_hash(struct offer *o) needs_lock(&o->dom->lock);
void offer_prefetch_bucket(struct offer *o) needs_lock(&o->dom->lock);
void offer_prefetch_match(struct offer *o) needs_lock(&o->dom->lock);
void offer_commit(struct offer *o) needs_lock(&o->dom->lock);
/*
 * After offer_start(), in place of the others: does the page join at once?  It
 * does if it is refused, or is a zero page, or the expected one.
 */
bool offer_at_once(struct offer *o) must_check needs_lock(&o->dom->lock);

/* A refusal before the look-up. */
__attribute__((cold)) void offer_refuse(struct offer *o, int rc) needs_lock(&o->dom->lock);

/* False: there is no frame. */
OFFER_INLINE bool offer_draw(struct offer *o)
{
	const struct share_group *g = o->group;
	struct drawn *d = o->ahead;

	if (!d->count) {
		d->count = g->share->ops->canonical_draw(g->ctx, g->id, d->frames, d->most);
		d->most = OFFER_DRAW;
	}
	if (unlikely(!d->count))
		return false;
	o->drawn = d->frames[--d->count];
	o->drawn_page = group_page(g, o->drawn);
	return true;
}

OFFER_INLINE void offer_start(struct offer *o)
{
	CHECK(o->mappings > 0);
	if (unlikely(o->mappings > SHARE_DOM_CAP)) {
		offer_refuse(o, SHARE_ERR_COUNT);
		return;
	}
	if (!o->has_drawn && !offer_draw(o)) {
		offer_refuse(o, SHARE_ERR_NOMEM);
		return;
	}
	o->has_drawn = true;
	o->result = OFFER_UNDER_WAY;
	o->zero = !*(const uint64_t *)o->page && o->fns->is_zero(o->page);
	if (unlikely(o->zero))
		offer_set_hash(o, o->group->zero_hash);
}

#endif
