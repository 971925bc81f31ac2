/* SPDX-License-Identifier: MIT */
/*
 * A hash table that grows and shrinks one bucket at a time (linear hashing with
 * two partial expansions, after Larson), so that no call ever pays for a
 * rehash, and memory follows the number of entries closely.
 *
 * An entry's `place` is 32 well-mixed bits.  The table has 2^level groups of
 * 2, 3 or 4 buckets; group = the first `level` bits of the place, and the bits
 * after them, as a fraction, say which of the group's buckets.  One step gives one
 * group one bucket more (or less).  When all groups have 4, they are 2 * 2^level
 * groups of 2, and no entry moves for that:
 *
 *	place, as a fraction    0       1/4     1/3     1/2     2/3     3/4     1
 *	2 buckets, slot         |0                      |1                      |
 *	3 buckets, slot         |0              |2              |1              |
 *	4 buckets, slot         |0      |2              |1              |3      |
 *	                        `- group g of the next level  -'- group g + 2^level
 *
 * (bucket number = slot * 2^level + group.)  Buckets of a group are adjacent
 * ranges of places, in every shape: lintab_after() walks in that order, which is why a
 * walk survives any number of steps.
 *
 * A bucket that is full continues in overflow nodes.
 *
 *  H1  entries fill a chain from its start without holes; a chain has a node
 *      only if the entries do not fit without it.
 *  H2  an entry is in the chain of the bucket that its place says.
 *  H3  count = entries in all chains; bytes = memory taken and not given back.
 *
 * Locks are the caller's.  Threads may work on different groups at once if
 * lintab_step() runs under the lock of lintab_step_group() and only one thread
 * is between that question and the step: a step changes `state` in a way that says
 * the same about all other groups.
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
 * Entries start with a 32-bit word whose bit 0 is set; that is how they are told
 * from empty space and from the link to the next node, the last 8 bytes of
 * bucket and node.
 */
struct lintab_kind {
	uint16_t bucket_bytes;	/* powers of two, >= 64 */
	uint16_t node_bytes;
	uint8_t entry_bytes;
	bool overlay;		/* the link takes the place of the last entry (8-byte entries) */
	uint8_t bucket_fit;	/* LINTAB_FIT() of both: known, for a division would be felt */
	uint8_t node_fit;
	uint8_t level;		/* of an empty table */
	uint16_t fill16;	/* 16 * entries per bucket to aim at */
	uint16_t fill16_small;	/* the same while there are fewer than `small` buckets: */
	uint32_t small;		/* they pay for the directory, and are in the cache */
	/* The entry's place: its word at this byte; or, mixed, lintab_mix() of that word >> 1. */
	uint8_t place_at;
	bool mixed;
};

struct lintab {
	const struct lintab_kind *kind;
	const struct lintab_mem *mem;
	uint64_t state;		/* atomic; lintab_shape() unpacks it */
	uint64_t bytes;		/* atomic; H3 */
	uint64_t count;		/* atomic; H3 */
	unsigned char *base;	/* the buckets of an empty table */
	/* Bucket 2^i + n is in a block of generations[i]; written by lintab_step(). */
	void **generations[LINTAB_GENERATIONS];
	/* Constant, from the kind: logarithms of a block's buckets and of a bucket's bytes. */
	uint8_t block_log2[LINTAB_GENERATIONS];
	uint8_t bucket_log2;
};

struct lintab_shape {
	uint32_t level;
	uint32_t slots;		/* 2 or 3: buckets of a group that had no step yet */
	uint32_t split;		/* groups below this have one more */
};

/* The last chunk of a chain, and the one before it. */
struct lintab_tail {
	unsigned char *chunk, *before;
	uint32_t bytes, before_bytes;
	uint32_t used;		/* entries in chunk */
};

/*
 * A node taken in advance, so that lintab_put() cannot fail; and, from lintab_prepare(), where
 * the entry will stand, as long as the caller's lock keeps the chain as it is.
 */
struct lintab_room {
	void *node;
	struct lintab_tail tail; /* chunk NULL: to be found */
};

/* A position in a chain. */
struct lintab_cursor {
	unsigned char *chunk;
	uint32_t bytes;		/* of the chunk */
	uint32_t at;		/* offset of the next entry */
};

bool lintab_init(struct lintab *t, const struct lintab_kind *kind,
		 const struct lintab_mem *mem) must_check;
void lintab_fini(struct lintab *t);	/* it must be empty */

/*
 * Get a node into *room if the next lintab_put() at `place` needs one.
 * lintab_room_get() gets one in any case, for a place not known yet.  False: no memory.
 */
bool lintab_prepare(struct lintab *t, uint32_t place,
		    struct lintab_room *room) must_check;
bool lintab_room_get(struct lintab *t, struct lintab_room *room) must_check;
void lintab_room_put(struct lintab *t, struct lintab_room *room);

/* Add a copy of *entry, which is at `place`; *room is as lintab_prepare() left it. */
void lintab_put(struct lintab *t, uint32_t place, const void *entry,
		struct lintab_room *room);
/* Remove the entry that a cursor of `place` returned; cursors of the chain are void then. */
void lintab_cut(struct lintab *t, uint32_t place, void *entry);

/* Copy out the entry with the smallest place >= from.  Needs different places for all entries. */
bool lintab_after(const struct lintab *t, uint64_t from, void *entry);

/* +1: should grow; -1: should shrink; 0: is as it should be. */
int lintab_step_wanted(const struct lintab *t);
/* The group that such a step changes. */
uint32_t lintab_step_group(const struct lintab *t, int direction);
/* False: no memory, or at a limit; nothing changed.  Nobody needs it to succeed. */
bool lintab_step(struct lintab *t, int direction);

/* The first place that belongs to a later bucket than `place` does. */
uint64_t lintab_range_end(const struct lintab *t, uint32_t place);

/* H1 and H2 of one bucket, of `entries`; H1-H3 from scratch.  Nothing may run. */
bool lintab_bucket_is_valid(const struct lintab *t, uint32_t number,
			    uint64_t *entries);
bool lintab_is_valid(const struct lintab *t);

static inline struct lintab_shape lintab_shape(const struct lintab *t)
{
	uint64_t state = __atomic_load_n(&t->state, __ATOMIC_ACQUIRE);

	return (struct lintab_shape){
		.level = state >> 40,
		.slots = (state >> 32) & 0xff,
		.split = (uint32_t)state,
	};
}

static inline uint32_t lintab_bucket_count(const struct lintab *t)
{
	struct lintab_shape s = lintab_shape(t);

	return (s.slots << s.level) + s.split;
}

/* log2(x), rounded down; x > 0. */
static inline uint32_t lintab_log2(uint32_t x)
{
	return 31 - (uint32_t)__builtin_clz(x);
}

static inline unsigned char *lintab_bucket(const struct lintab *t,
					   uint32_t number)
{
	uint32_t i, in_generation, log2;
	unsigned char *block;

	if (number < 2u << t->kind->level)
		return t->base + ((size_t)number << t->bucket_log2);
	i = lintab_log2(number);
	in_generation = number - (1u << i);
	log2 = t->block_log2[i];
	block = t->generations[i][in_generation >> log2];
	return block + ((size_t)(in_generation & ((1u << log2) - 1)) <<
			t->bucket_log2);
}

static inline uint64_t lintab_count(const struct lintab *t)
{
	return __atomic_load_n(&t->count, __ATOMIC_RELAXED);
}

static inline uint64_t lintab_bytes(const struct lintab *t)
{
	return __atomic_load_n(&t->bytes, __ATOMIC_RELAXED);
}

/* A bijection, the one of MurmurHash3's end: odd multiplications and shifts. */
static inline uint32_t lintab_mix(uint32_t x)
{
	x ^= x >> 16;
	x *= 0x85ebca6b;
	x ^= x >> 13;
	x *= 0xc2b2ae35;
	return x ^ x >> 16;
}

static inline uint32_t lintab_place(const struct lintab_kind *kind,
				    const void *entry)
{
	uint32_t word;

	memcpy(&word, (const char *)entry + kind->place_at, sizeof(word));
	return kind->mixed ? lintab_mix(word >> 1) : word;
}

static inline uint32_t lintab_reverse(uint32_t x)
{
	x = (x & 0x55555555) << 1 | (x >> 1 & 0x55555555);
	x = (x & 0x33333333) << 2 | (x >> 2 & 0x33333333);
	x = (x & 0x0f0f0f0f) << 4 | (x >> 4 & 0x0f0f0f0f);
	return __builtin_bswap32(x);
}

/* The group's number: the first bits of the place, the very first lowest. */
static inline uint32_t lintab_group(uint32_t place, uint32_t level)
{
	return lintab_reverse(place) & ((1u << level) - 1);
}

/* Which slot of a group of `slots` buckets; `level` bits of the place are used up. */
static inline uint32_t lintab_slot(uint32_t place, uint32_t level,
				   uint32_t slots)
{
	static const uint8_t slot_of[3][4] = { { 0, 1 }, { 0, 2, 1 },
					       { 0, 2, 1, 3 } };
	uint32_t fraction = place << level;

	return slot_of[slots - 2][(uint64_t)fraction * slots >> 32];
}

/* H2 */
static inline uint32_t lintab_bucket_number(struct lintab_shape s,
					    uint32_t place)
{
	uint32_t group = lintab_group(place, s.level);
	uint32_t slots = s.slots + (group < s.split);

	return (lintab_slot(place, s.level, slots) << s.level) + group;
}

/* Start reading the chain of one bucket, or of the bucket of a place. */
static inline void lintab_seek_bucket(const struct lintab *t, uint32_t number,
				      struct lintab_cursor *c)
{
	c->chunk = lintab_bucket(t, number);
	c->bytes = t->kind->bucket_bytes;
	c->at = 0;
}

static inline void lintab_seek(const struct lintab *t, uint32_t place,
			       struct lintab_cursor *c)
{
	lintab_seek_bucket(t, lintab_bucket_number(lintab_shape(t), place), c);
}

static inline void lintab_prefetch_bucket(const struct lintab *t, uint32_t number)
{
	unsigned char *bucket = lintab_bucket(t, number);

	for (uint32_t i = 0; i < t->kind->bucket_bytes; i += 64)
		__builtin_prefetch(bucket + i, 1);
}

/* Ask for the bucket of a place before it is needed. */
static inline void lintab_prefetch(const struct lintab *t, uint32_t place)
{
	lintab_prefetch_bucket(t, lintab_bucket_number(lintab_shape(t), place));
}

/* Ask for what the next step of growth will read and fill; who calls may step. */
static inline void lintab_prefetch_step(const struct lintab *t)
{
	struct lintab_shape s = lintab_shape(t);
	uint32_t number = lintab_bucket_count(t);
	uint32_t log2 = t->block_log2[lintab_log2(number)];

	for (uint32_t slot = 0; slot < s.slots; slot++)
		lintab_prefetch_bucket(t, (slot << s.level) + s.split);
	/* The first of a block is not there yet. */
	if (number & ((1u << log2) - 1))
		lintab_prefetch_bucket(t, number);
}

static inline unsigned char *lintab_link(const unsigned char *chunk,
					 uint32_t bytes)
{
	uintptr_t word;

	memcpy(&word, chunk + bytes - LINTAB_LINK_BYTES, sizeof(word));
	return word & 1 ? NULL : (unsigned char *)word;
}

/* The bucket of the place is at hand: ask for what is behind it. */
static inline void lintab_prefetch_more(const struct lintab *t, uint32_t place)
{
	unsigned char *bucket = lintab_bucket(t,
		lintab_bucket_number(lintab_shape(t), place));

	__builtin_prefetch(lintab_link(bucket, t->kind->bucket_bytes), 1);
}

static inline bool lintab_in_use(const unsigned char *entry)
{
	return *entry & 1;
}

/* The next entry of the chain, NULL at its end. */
static inline void *lintab_next(const struct lintab_kind *kind,
				struct lintab_cursor *c)
{
	unsigned char *entry;

	while (c->at + kind->entry_bytes > c->bytes ||
	       !lintab_in_use(c->chunk + c->at)) {
		c->chunk = lintab_link(c->chunk, c->bytes);
		if (!c->chunk)
			return NULL;
		c->bytes = kind->node_bytes;
		c->at = 0;
	}
	entry = c->chunk + c->at;
	c->at += kind->entry_bytes;
	return entry;
}

/*
 * The next entry of the cursor's chunk whose word at byte `offset` is `word`, or NULL; entry_bytes
 * and offset are constants of the caller's kind, so that the compiler makes a tight loop.  An
 * entry that is not in use, and a link, do not count whatever they hold.
 */
static inline void *lintab_chunk_with(struct lintab_cursor *c, uint32_t entry_bytes,
				      uint32_t offset, uint32_t word)
{
	unsigned char *end = c->chunk + c->bytes - entry_bytes;
	unsigned char *e = c->chunk + c->at;

	for (; e <= end; e += entry_bytes) {
		uint32_t have;

		memcpy(&have, e + offset, sizeof(have));
		if (unlikely(have == word) && lintab_in_use(e)) {
			c->at = (uint32_t)(e - c->chunk) + entry_bytes;
			return e;
		}
	}
	return NULL;
}

/* The same for the rest of the chain. */
static inline void *lintab_next_with(const struct lintab_kind *kind,
				     struct lintab_cursor *c,
				     uint32_t entry_bytes, uint32_t offset,
				     uint32_t word)
{
	void *e;

	while (c->chunk) {
		e = lintab_chunk_with(c, entry_bytes, offset, word);
		if (e)
			return e;
		c->chunk = lintab_link(c->chunk, c->bytes);
		c->bytes = kind->node_bytes;
		c->at = 0;
	}
	return NULL;
}

#endif
