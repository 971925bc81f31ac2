/* SPDX-License-Identifier: MIT */
/*
 * The inline functions of a lintab; lintab.h has the contract, and includes
 * this.
 */
#ifndef HASH_LINTAB_INLINE_H
#define HASH_LINTAB_INLINE_H

#include <hash/lintab.h>

static inline struct lintab_shape lintab_shape(const struct lintab *t)
{
	uint64_t state = atomic_load_acquire(&t->state);

	return (struct lintab_shape){
		.level = state >> 40,
		.slots = (state >> 32) & 0xff,
		.split = (uint32_t)state,
	};
}

/* The state that lintab_shape() unpacks. */
static inline uint64_t lintab_state(struct lintab_shape s)
{
	return (uint64_t)s.level << 40 | (uint64_t)s.slots << 32 | s.split;
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

	if (number < t->base_count)
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
	return atomic_load_relaxed(&t->count);
}

static inline uint64_t lintab_bytes(const struct lintab *t)
{
	return atomic_load_relaxed(&t->bytes);
}

static inline uint32_t lintab_mix(uint32_t x)
{
	x *= 0x85ebca6b;
	x ^= x >> 15;
	return x * 0xc2b2ae35;
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

static inline uint32_t lintab_group(uint32_t place, uint32_t level)
{
	uint32_t bits = likely(level <= 8) ? lintab_reversed[place >> 24] :
					     lintab_reverse(place);

	return bits & ((1u << level) - 1);
}

/*
 * The slot of `place` in a group of `slots` buckets; the first `level` bits of
 * the place chose the group.
 */
static inline uint32_t lintab_slot(uint32_t place, uint32_t level,
				   uint32_t slots)
{
	static const uint8_t slot_of[5][4] = { [2] = { 0, 1 }, [3] = { 0, 2, 1 },
					       [4] = { 0, 2, 1, 3 } };
	uint32_t fraction = place << level;

	return slot_of[slots][(uint64_t)fraction * slots >> 32];
}

static inline uint32_t lintab_bucket_number(struct lintab_shape s,
					    uint32_t place)
{
	uint32_t group = lintab_group(place, s.level);
	uint32_t slots = s.slots + (group < s.split);

	return (lintab_slot(place, s.level, slots) << s.level) + group;
}

/* To a bucket's start. */
static inline void lintab_cursor_set(struct lintab_cursor *c, unsigned char *bucket,
				     uint32_t bytes)
{
	c->chunk = bucket;
	c->link = NULL;
	c->bytes = bytes;
	c->at = 0;
}

static inline void lintab_seek_bucket(const struct lintab *t, uint32_t number,
				      struct lintab_cursor *c)
{
	lintab_cursor_set(c, lintab_bucket(t, number), t->kind->bucket_bytes);
}

static inline void lintab_seek(const struct lintab *t, uint32_t place,
			       struct lintab_cursor *c)
{
	lintab_seek_bucket(t, lintab_bucket_number(lintab_shape(t), place), c);
}

static inline void lintab_prefetch_lines(const unsigned char *bucket, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i += 64)
		__builtin_prefetch(bucket + i, 1);
	/* Else gcc drops the call of a function that only prefetches. */
	__asm__ volatile("");
}

static inline void lintab_spot_find(const struct lintab *t, uint32_t place,
				    struct lintab_spot *spot)
{
	spot->steps = atomic_load_acquire(&t->steps);
	spot->bucket = lintab_bucket(t, lintab_bucket_number(lintab_shape(t), place));
}

static inline void lintab_spot_ask(const struct lintab *t, const struct lintab_kind *kind,
				   uint32_t place, struct lintab_spot *spot)
{
	lintab_spot_find(t, place, spot);
	lintab_prefetch_lines(spot->bucket, kind->bucket_bytes);
}

static inline void lintab_seek_spot(const struct lintab *t, const struct lintab_kind *kind,
				    uint32_t place, struct lintab_spot *spot,
				    struct lintab_cursor *c)
{
	if (unlikely(spot->steps != atomic_load_acquire(&t->steps)))
		lintab_spot_find(t, place, spot);
	lintab_cursor_set(c, spot->bucket, kind->bucket_bytes);
}

static inline int lintab_step_wanted(const struct lintab *t)
{
	uint64_t count = lintab_count(t);

	if (count > atomic_load_relaxed(&t->grow_above))
		return 1;
	return count < atomic_load_relaxed(&t->shrink_below) ? -1 : 0;
}

static inline void lintab_prefetch_bucket(const struct lintab *t, uint32_t number)
{
	lintab_prefetch_lines(lintab_bucket(t, number), t->kind->bucket_bytes);
}

static inline void lintab_prefetch_step(const struct lintab *t)
{
	struct lintab_shape s = lintab_shape(t);
	uint32_t number = lintab_bucket_count(t);
	uint32_t log2 = t->block_log2[lintab_log2(number)];

	for (uint32_t slot = 0; slot < s.slots; slot++)
		lintab_prefetch_bucket(t, (slot << s.level) + s.split);
	/* A bucket that is the first of its block has no memory yet. */
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

static inline bool lintab_in_use(const unsigned char *entry)
{
	return *entry & 1;
}

/* To the next chunk; false: there is none. */
static inline bool lintab_go_on(const struct lintab_kind *kind,
				struct lintab_cursor *c)
{
	unsigned char *next = lintab_link(c->chunk, c->bytes);

	if (!next)
		return false;
	c->link = c->chunk + c->bytes - LINTAB_LINK_BYTES;
	c->chunk = next;
	c->bytes = kind->node_bytes;
	c->at = 0;
	return true;
}

static inline void *lintab_next(const struct lintab_kind *kind,
				struct lintab_cursor *c)
{
	while (c->at + kind->entry_bytes > c->bytes ||
	       !lintab_in_use(c->chunk + c->at))
		if (!lintab_go_on(kind, c))
			return NULL;
	c->at += kind->entry_bytes;
	return c->chunk + c->at - kind->entry_bytes;
}

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

/* lintab_chunk_with() from a bucket's start: its size is a constant, too. */
static inline __attribute__((always_inline))
void *lintab_bucket_with(struct lintab_cursor *c, uint32_t bucket_bytes,
			 uint32_t entry_bytes, uint32_t offset, uint32_t word)
{
#pragma GCC unroll 32
	for (uint32_t at = 0; at + entry_bytes <= bucket_bytes; at += entry_bytes) {
		uint32_t have;

		memcpy(&have, c->chunk + at + offset, sizeof(have));
		if (unlikely(have == word) && lintab_in_use(c->chunk + at)) {
			c->at = at + entry_bytes;
			return c->chunk + at;
		}
	}
	return NULL;
}

static inline void *lintab_next_with(const struct lintab_kind *kind,
				     struct lintab_cursor *c,
				     uint32_t entry_bytes, uint32_t offset,
				     uint32_t word)
{
	void *e;

	if (likely(!c->at && !c->link)) {
		e = lintab_bucket_with(c, kind->bucket_bytes, entry_bytes, offset, word);
		if (e || !lintab_go_on(kind, c))
			return e;
	}
	do {
		e = lintab_chunk_with(c, entry_bytes, offset, word);
		if (e)
			return e;
	} while (lintab_go_on(kind, c));
	return NULL;
}

/*
 * --- changes ---
 *
 * Inlined where a kind is a constant, so that its sizes are, too.
 */
#define LINTAB_INLINE	static inline __attribute__((always_inline))

static inline void lintab_link_set(unsigned char *link, unsigned char *next)
{
	memcpy(link, &next, sizeof(next));
}

/* Entries are whole words; a call of memcpy() would cost more than the copy. */
static inline void lintab_entry_copy(const struct lintab_kind *kind, void *to,
				     const void *from)
{
	uint32_t word;

#pragma GCC unroll 4
	for (uint32_t at = 0; at < kind->entry_bytes; at += sizeof(word)) {
		memcpy(&word, (const char *)from + at, sizeof(word));
		memcpy((char *)to + at, &word, sizeof(word));
	}
}

static inline void lintab_entry_clear(const struct lintab_kind *kind, void *to)
{
	const uint32_t none = 0;

	for (uint32_t at = 0; at < kind->entry_bytes; at += sizeof(none))
		memcpy((char *)to + at, &none, sizeof(none));
}

/* Entries that fit in a chunk with a link behind them; and without. */
static inline uint32_t lintab_fit_linked(const struct lintab_kind *kind,
					 bool bucket)
{
	return bucket ? kind->bucket_fit : kind->node_fit;
}

static inline uint32_t lintab_fit_last(const struct lintab_kind *kind, bool bucket)
{
	return lintab_fit_linked(kind, bucket) + kind->overlay;
}

/*
 * Entries in use come first (LIN1), so their number is found by halving,
 * without a branch that the CPU would have to guess.
 */
LINTAB_INLINE uint32_t lintab_used(const struct lintab_kind *kind,
				   const unsigned char *chunk, uint32_t most)
{
	uint32_t bytes = kind->entry_bytes, used = 0, half = 1u << lintab_log2(most);

#pragma GCC unroll 8
	for (; half; half /= 2)
		if (used + half <= most && lintab_in_use(chunk + (used + half - 1) * bytes))
			used += half;
	return used;
}

/* To the last chunk of the chain; returns the number of its entries. */
LINTAB_INLINE uint32_t lintab_go_to_end(const struct lintab_kind *kind,
					struct lintab_cursor *c)
{
	while (lintab_go_on(kind, c))
		;
	return c->link ? lintab_used(kind, c->chunk, lintab_fit_last(kind, false)) :
			 lintab_used(kind, c->chunk, lintab_fit_last(kind, true));
}

/*
 * Put a node behind the last chunk, which is full.  With overlay its last entry
 * moves into the node, as the link takes its place.  Returns the entries of the
 * node.
 */
LINTAB_INLINE uint32_t lintab_extend(const struct lintab_kind *kind,
				     struct lintab_cursor *c, unsigned char *node)
{
	c->link = c->chunk + c->bytes - LINTAB_LINK_BYTES;
	CHECK(node);
	if (kind->overlay)
		lintab_entry_copy(kind, node, c->link);
	lintab_link_set(c->link, node);
	c->chunk = node;
	c->bytes = kind->node_bytes;
	return kind->overlay;
}

/*
 * Put an entry behind the `used` ones of the last chunk; true: `node`, which is
 * zeroed, was needed.
 */
LINTAB_INLINE bool lintab_append(const struct lintab_kind *kind,
				 struct lintab_cursor *c, uint32_t used,
				 const void *entry, unsigned char *node)
{
	bool full = used == lintab_fit_last(kind, !c->link);

	ASSERT(lintab_in_use(entry));
	if (full)
		used = lintab_extend(kind, c, node);
	lintab_entry_copy(kind, c->chunk + used * kind->entry_bytes, entry);
	return full;
}

LINTAB_INLINE void lintab_put(struct lintab *t, const struct lintab_kind *kind,
			      struct lintab_cursor *c, const void *entry,
			      struct lintab_room *room)
{
	uint32_t used = lintab_go_to_end(kind, c);

	if (lintab_append(kind, c, used, entry, room->node))
		room->node = NULL;
	atomic_fetch_add(&t->count, 1);
}

/*
 * The last chunk is a node that is not needed: it is empty, or, with overlay,
 * has one entry, which fits where the link to the node is.
 */
static inline void lintab_shorten(struct lintab *t, const struct lintab_kind *kind,
				  struct lintab_cursor *c, uint32_t used)
{
	memset(c->link, 0, LINTAB_LINK_BYTES);
	if (used)
		lintab_entry_copy(kind, c->link, c->chunk);
	lintab_entry_clear(kind, c->chunk);
	lintab_free(t, c->chunk, kind->node_bytes);
}

LINTAB_INLINE void lintab_cut(struct lintab *t, const struct lintab_kind *kind,
			      struct lintab_cursor *c)
{
	unsigned char *entry = c->chunk + c->at - kind->entry_bytes, *last;
	uint32_t used = lintab_go_to_end(kind, c) - 1;

	last = c->chunk + used * kind->entry_bytes;
	CHECK(lintab_in_use(last));
	if (last != entry)
		lintab_entry_copy(kind, entry, last);
	lintab_entry_clear(kind, last);
	if (c->link && used <= kind->overlay)
		lintab_shorten(t, kind, c, used);
	atomic_fetch_sub(&t->count, 1);
}

#endif
