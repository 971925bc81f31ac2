/* SPDX-License-Identifier: MIT */
/*
 * The content index of one group: hash -> frame, several frames for one hash
 * allowed.  An entry is 8 bytes, 32 bits of the hash and the frame; the owner
 * of the frames keeps the whole hash.
 *
 * Striped: a hash belongs to one of 64 locks (LOCK_SHARE_STRIPE), and
 * everything said about a hash happens under its lock.  A stripe is the first 6
 * bits of the place in the lintab, so a group of buckets never has two locks.
 */
#ifndef HASH_INDEX_H
#define HASH_INDEX_H

#include <hash/lintab.h>

#define INDEX_STRIPES_LOG2	6
#define INDEX_STRIPES		(1u << INDEX_STRIPES_LOG2)
#define INDEX_MAX_FRAME		0x7ffffffeu

/* A lock has a cache line of its own. */
struct index_stripe {
	struct spinlock lock;
} aligned_to(64);

struct lock_type index {
	struct lintab table;	/* buckets: their stripe; shape: `stepping` */
	/* atomic: somebody grows or shrinks the table */
	uint32_t stepping;
	struct index_stripe stripe[INDEX_STRIPES];
};

bool index_init(struct index *x, const struct lintab_mem *mem) must_check;
void index_fini(struct index *x);	/* it must be empty */

/* A stripe's number is the first bits of a hash. */
static inline uint32_t index_stripe_number(uint64_t hash)
{
	return hash >> (64 - INDEX_STRIPES_LOG2);
}

static inline struct index_stripe *index_stripe(struct index *x, uint64_t hash)
{
	return &x->stripe[index_stripe_number(hash)];
}

/*
 * To the analysis of lib/lockheld.h the stripes of an index are one lock.
 * `stripe`: the hash's, for who locks it more than once.
 */
locks_unchecked static inline void index_lock_stripe(struct index *x,
						     struct index_stripe *stripe)
	takes_lock(x)
{
	spin_lock(&stripe->lock);
}

locks_unchecked static inline void index_unlock_stripe(struct index *x,
						       struct index_stripe *stripe)
	frees_lock(x)
{
	spin_unlock(&stripe->lock);
}

static inline void index_lock(struct index *x, uint64_t hash) takes_lock(x)
{
	index_lock_stripe(x, index_stripe(x, hash));
}

static inline void index_unlock(struct index *x, uint64_t hash) frees_lock(x)
{
	index_unlock_stripe(x, index_stripe(x, hash));
}

/*
 * Memory for one index_add(), if the room has none yet; false: none.  What
 * index_add() does not need stays in the room.
 */
bool index_room_get(struct index *x, struct lintab_room *room) must_check;
void index_room_put(struct index *x, struct lintab_room *room);
/*
 * With the lock of `hash`.  c: from index_seek(), best behind all that
 * index_next() returns; it is void then.
 */
void index_add(struct index *x, struct lintab_cursor *c, uint64_t hash,
	       uint32_t frame, struct lintab_room *room) needs_lock(x);
void index_remove(struct index *x, uint64_t hash, uint32_t frame) needs_lock(x);
bool index_has(const struct index *x, uint64_t hash, uint32_t frame)
	needs_lock(x);

/*
 * Frames whose hash may be `hash`: the caller compares the rest.  With the
 * lock:
 *	index_seek(x, hash, &c);
 *	while (index_next(x, hash, &c, &frame))
 */
void index_seek(const struct index *x, uint64_t hash, struct lintab_cursor *c)
	needs_lock(x);
/* index_seek(), with what index_ask() found. */
void index_seek_spot(const struct index *x, uint64_t hash, struct lintab_spot *spot,
		     struct lintab_cursor *c) needs_lock(x);
bool index_next(const struct index *x, uint64_t hash, struct lintab_cursor *c,
		uint32_t *frame) needs_lock(x);

/*
 * With the lock, a guess: the first frame in the bucket itself whose hash may
 * be `hash`.  A chunk behind the bucket is prefetched, not waited for.
 */
bool index_guess(const struct index *x, uint64_t hash, struct lintab_spot *spot,
		 uint32_t *frame) needs_lock(x);

/*
 * Bring the size a step nearer to what the entries need.  No lock of this level
 * is held.  Call it once for each add and remove; failing costs time only.
 */
void index_balance(struct index *x);

/*
 * Walk everything, in no order; nothing may run.  *bucket is 0 and c->chunk
 * NULL at first.
 */
bool index_walk(const struct index *x, uint32_t *bucket,
		struct lintab_cursor *c, uint32_t *tag, uint32_t *frame);
bool index_is_valid(const struct index *x);

static inline uint64_t index_count(const struct index *x)
{
	return lintab_count(&x->table);
}

static inline uint64_t index_bytes(const struct index *x)
{
	return lintab_bytes(&x->table);
}

/* Prefetch the lock of a hash; anybody may, at any time. */
static inline void index_ask_lock(const struct index *x, uint64_t hash)
{
	__builtin_prefetch(&x->stripe[index_stripe_number(hash)], 1);
}

/*
 * With the lock: ask for what the next call about this hash will read, and
 * remember where that is.
 */
void index_ask(const struct index *x, uint64_t hash, struct lintab_spot *spot)
	needs_lock(x);

/* The part of a hash that an entry keeps. */
static inline uint32_t index_tag(uint64_t hash)
{
	return hash >> 32;
}

#endif
