/* SPDX-License-Identifier: MIT */
/*
 * A hash table that grows and shrinks one bucket at a time (linear hashing with
 * two partial expansions, after Larson), so that no call ever pays for a
 * rehash, and memory follows the number of entries closely.
 *
 * An entry's `place` is 32 well-mixed bits.  The table has 2^level groups of 2,
 * 3 or 4 buckets; group = the first `level` bits of the place, and the bits
 * after them, as a fraction, say which of the group's buckets.  One step gives
 * one group one bucket more (or less).  When all groups have 4 buckets, the
 * table is taken as 2 * 2^level groups of 2, for which no entry has to move:
 *
 *  place, as a fraction    0       1/4     1/3     1/2     2/3     3/4     1
 *  2 buckets, slot         |0                      |1                      |
 *  3 buckets, slot         |0              |2              |1              |
 *  4 buckets, slot         |0      |2              |1              |3      |
 *                          `- group g of the next level  -'- group g + 2^level
 *
 * (bucket number = slot * 2^level + group.)  Buckets of a group are adjacent
 * ranges of places, in every shape: lintab_after() walks in that order, which
 * is why a walk survives any number of steps.
 *
 * A bucket that is full continues in overflow nodes.
 *
 *  LIN1  entries fill a chain from its start without holes; a chain has a node
 *        only if the entries do not fit without it.
 *  LIN2  an entry is in the chain of the bucket that its place says.
 *  LIN3  count = entries in all chains; bytes = memory taken and not given
 *        back.
 *
 * Locks are the caller's.  Threads may work on different groups at once if
 * lintab_step() runs under the lock of lintab_step_group() and only one thread
 * at a time is between that question and the step: the new `state` after a step
 * says the same as before about all other groups.
 */
#ifndef HASH_LINTAB_H
#define HASH_LINTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <port.h>

#define LINTAB_GENERATIONS	24
#define LINTAB_LINK_BYTES	8

/* Entries that fit in a bucket or node beside a link. */
#define LINTAB_FIT(bytes, entry_bytes)	(((bytes) - LINTAB_LINK_BYTES) / (entry_bytes))

/* Memory: zeroed, a power of two of bytes, 64 .. 2 MiB; aligned to 64. */
struct lintab_mem {
	void *(*alloc)(void *ctx, size_t bytes);
	void (*free)(void *ctx, void *p, size_t bytes);
	void *ctx;
};

/*
 * Entries start with a 32-bit word whose bit 0 is set; that is how they are
 * told from empty space and from the link to the next node, the last 8 bytes of
 * bucket and node.
 */
struct lintab_kind {
	uint16_t bucket_bytes;	/* powers of two, >= 64 */
	uint16_t node_bytes;
	uint8_t entry_bytes;
	/* the link takes the place of the last entry (8-byte entries) */
	bool overlay;
	/*
	 * LINTAB_FIT() of both, stored because a division each time would cost
	 * too much
	 */
	uint8_t bucket_fit;
	uint8_t node_fit;
	uint8_t level;		/* of an empty table */
	uint16_t fill16;	/* 16 * entries per bucket to aim at */
	/* the same while there are fewer than `small` buckets: */
	uint16_t fill16_small;
	/*
	 * (a small table is filled more, to pay for its directory, and is in
	 * the cache)
	 */
	uint32_t small;
	/*
	 * The entry's place: its word at this byte; or, mixed, lintab_mix() of
	 * that word >> 1.
	 */
	uint8_t place_at;
	bool mixed;
};

struct lintab {
	const struct lintab_kind *kind;
	const struct lintab_mem *mem;
	uint64_t state;		/* atomic; lintab_shape() unpacks it */
	uint64_t steps;		/* atomic: how many there were */
	uint64_t bytes;		/* atomic; LIN3 */
	uint64_t count;		/* atomic; LIN3 */
	/* atomic, of the state: counts at which it should be another one */
	uint64_t grow_above, shrink_below;
	unsigned char *base;	/* the buckets of an empty table, */
	uint32_t base_count;	/* so many; constant */
	/*
	 * Bucket 2^i + n is in a block of generations[i]; written by
	 * lintab_step().
	 */
	void **generations[LINTAB_GENERATIONS];
	/*
	 * Constant, from the kind: logarithms of a block's buckets and of a
	 * bucket's bytes.
	 */
	uint8_t block_log2[LINTAB_GENERATIONS];
	uint8_t bucket_log2;
};

struct lintab_shape {
	uint32_t level;
	/* 2 or 3: buckets of a group that had no step yet */
	uint32_t slots;
	uint32_t split;		/* groups below this have one more */
};

/* A node taken in advance, so that lintab_put() cannot fail. */
struct lintab_room {
	void *node;
};

/* A position in a chain. */
struct lintab_cursor {
	unsigned char *chunk;
	/* the link that leads to the chunk; NULL: it is the bucket */
	unsigned char *link;
	uint32_t bytes;		/* of the chunk */
	uint32_t at;		/* offset of the next entry */
};

/*
 * A place's bucket, remembered: while its group has no step it stays.  Any step
 * of the table makes who asks look again.
 */
struct lintab_spot {
	unsigned char *bucket;
	uint64_t steps;		/* of the table then; or LINTAB_NO_SPOT */
};
#define LINTAB_NO_SPOT	UINT64_MAX	/* nothing is remembered */

bool lintab_init(struct lintab *t, const struct lintab_kind *kind,
		 const struct lintab_mem *mem) must_check;
void lintab_fini(struct lintab *t);	/* it must be empty */

/* Memory that counts in LIN3; a node is zeroed when it is given back. */
void *lintab_alloc(struct lintab *t, size_t bytes);
void lintab_free(struct lintab *t, void *p, size_t bytes);
/* Get a node into *room, if it has none.  False: no memory. */
bool lintab_room_get(struct lintab *t, struct lintab_room *room) must_check;
void lintab_room_put(struct lintab *t, struct lintab_room *room);

/*
 * Copy out the entry with the smallest place >= from.  Needs different places
 * for all entries.
 */
bool lintab_after(const struct lintab *t, uint64_t from, void *entry);

/* +1: should grow; -1: should shrink; 0: is as it should be. */
static inline int lintab_step_wanted(const struct lintab *t);
/* The group that such a step changes. */
uint32_t lintab_step_group(const struct lintab *t, int direction);
/*
 * False: no memory, or at a limit; nothing changed.  A table that missed a step
 * works as before, only slower.
 */
bool lintab_step(struct lintab *t, int direction);

/* The first place that belongs to a later bucket than `place` does. */
uint64_t lintab_range_end(const struct lintab *t, uint32_t place);

/*
 * LIN1 and LIN2 of one bucket, of `entries`; LIN1-LIN3 from scratch.  Nothing
 * may run.
 */
bool lintab_bucket_is_valid(const struct lintab *t, uint32_t number,
			    uint64_t *entries);
bool lintab_is_valid(const struct lintab *t);

/* --- the rest is read often, and inline: lintab_inline.h --- */

static inline uint64_t lintab_count(const struct lintab *t);
static inline uint64_t lintab_bytes(const struct lintab *t);
static inline struct lintab_shape lintab_shape(const struct lintab *t);
static inline uint32_t lintab_bucket_count(const struct lintab *t);

/*
 * A bijection: odd multiplications and a shift.  The step in between counts:
 * with one multiplication numbers in a row fill all buckets alike, and all
 * overflow at the same time.
 */
static inline uint32_t lintab_mix(uint32_t x);
static inline uint32_t lintab_place(const struct lintab_kind *kind, const void *entry);
extern const uint8_t lintab_reversed[256];	/* the bits of a byte */
/* The group's number: the first bits of the place, the very first lowest. */
static inline uint32_t lintab_group(uint32_t place, uint32_t level);
/* LIN2 */
static inline uint32_t lintab_bucket_number(struct lintab_shape s, uint32_t place);

/* Start reading the chain of one bucket, or of the bucket of a place. */
static inline void lintab_seek_bucket(const struct lintab *t, uint32_t number,
				      struct lintab_cursor *c);
static inline void lintab_seek(const struct lintab *t, uint32_t place,
			       struct lintab_cursor *c);
/* Find a place's bucket and ask for it; */
static inline void lintab_spot_ask(const struct lintab *t, const struct lintab_kind *kind,
				   uint32_t place, struct lintab_spot *spot);
/* and start reading there; each with the lock of the place. */
static inline void lintab_seek_spot(const struct lintab *t, const struct lintab_kind *kind,
				    uint32_t place, struct lintab_spot *spot,
				    struct lintab_cursor *c);
/* The next entry of the chain; NULL at its end, where the cursor stays. */
static inline void *lintab_next(const struct lintab_kind *kind, struct lintab_cursor *c);
/*
 * The next entry of the cursor's chunk whose word at byte `offset` is `word`,
 * or NULL; entry_bytes and offset are constants of the caller's kind, so that
 * the compiler makes a tight loop.  An entry that is not in use, and a link, do
 * not count whatever they hold.
 */
static inline void *lintab_chunk_with(struct lintab_cursor *c, uint32_t entry_bytes,
				      uint32_t offset, uint32_t word);
/* The same for the rest of the chain. */
static inline void *lintab_next_with(const struct lintab_kind *kind, struct lintab_cursor *c,
				     uint32_t entry_bytes, uint32_t offset, uint32_t word);

/*
 * Add a copy of *entry to the chain of its place, where a cursor is: best at
 * the end, after a search in vain.  *room has a node.
 */
static inline void lintab_put(struct lintab *t, const struct lintab_kind *kind,
			      struct lintab_cursor *c, const void *entry,
			      struct lintab_room *room);
/*
 * Remove the entry that the cursor returned last.  After both, other cursors of
 * the chain are void.
 */
static inline void lintab_cut(struct lintab *t, const struct lintab_kind *kind,
			      struct lintab_cursor *c);

/*
 * Ask for what the next step of growth will read and fill; its caller may step.
 */
static inline void lintab_prefetch_step(const struct lintab *t);

#include <hash/lintab_inline.h>

#endif
