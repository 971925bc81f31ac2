/* SPDX-License-Identifier: MIT */
/*
 * How a lintab grows and shrinks.
 *
 * Buckets below the first count are in one block.  Of the rest, buckets
 * 2^i .. 2^(i+1)-1 are generation i: up to 64 equal blocks, each taken when its first
 * bucket is, so that at most 1/64 of the table waits unused; more blocks when they
 * would pass 2 MiB, fewer when they would be below 256 bytes.
 *
 * A step is prepare (all memory, may fail), then commit.
 */
#include <hash/general_regs.h>

#include "lintab_chain.h"

#define GENERATION_BLOCKS_LOG2	6
#define MAX_BLOCK_BYTES		(2u << 20)
#define MIN_BLOCK_BYTES		256u
#define MIN_DIRECTORY_BYTES	64u

/* What a step does to one group. */
struct regroup {
	uint32_t group, level;
	uint32_t from, to;	/* buckets in the group */
	uint32_t stay[4];	/* entries of each bucket that do not move */
	struct lintab_tail tail[4]; /* where entries come in; chunk NULL: not known yet */
};

static uint32_t base_buckets(const struct lintab *t)
{
	return 2u << t->kind->level;
}

static uint64_t pack(struct lintab_shape s)
{
	return (uint64_t)s.level << 40 | (uint64_t)s.slots << 32 | s.split;
}

/* log2 of the buckets of a block of generation i. */
static uint32_t block_log2(const struct lintab_kind *kind, uint32_t i)
{
	uint32_t bytes = kind->bucket_bytes;
	uint32_t most = lintab_log2(MAX_BLOCK_BYTES / bytes);
	uint32_t least = bytes < MIN_BLOCK_BYTES ?
		lintab_log2(MIN_BLOCK_BYTES / bytes) : 0;
	uint32_t log2 = i > GENERATION_BLOCKS_LOG2 ?
		i - GENERATION_BLOCKS_LOG2 : 0;

	return MIN(MIN(MAX(log2, least), most), i);
}

static size_t block_bytes(const struct lintab *t, uint32_t i)
{
	return (size_t)t->kind->bucket_bytes << t->block_log2[i];
}

static size_t directory_bytes(const struct lintab *t, uint32_t i)
{
	size_t bytes = sizeof(void *) << (i - t->block_log2[i]);

	return MAX(bytes, MIN_DIRECTORY_BYTES);
}

/* Memory for bucket `number`, which is the first one not there. */
static bool bucket_add(struct lintab *t, uint32_t number)
{
	uint32_t i = lintab_log2(number), in_generation = number - (1u << i);
	uint32_t log2;
	void *block;

	if (i >= LINTAB_GENERATIONS)
		return false;
	log2 = t->block_log2[i];
	if (in_generation & ((1u << log2) - 1))
		return true;
	if (!in_generation) {
		t->generations[i] = lintab_alloc(t, directory_bytes(t, i));
		if (!t->generations[i])
			return false;
	}
	block = lintab_alloc(t, block_bytes(t, i));
	if (block) {
		t->generations[i][in_generation >> log2] = block;
	} else if (!in_generation) {
		lintab_free(t, t->generations[i], directory_bytes(t, i));
		t->generations[i] = NULL;
	}
	return block != NULL;
}

/* Bucket `number`, the last one there, is empty and not needed. */
static void bucket_remove(struct lintab *t, uint32_t number)
{
	uint32_t i = lintab_log2(number), in_generation = number - (1u << i);
	uint32_t log2 = t->block_log2[i];
	void **slot = &t->generations[i][in_generation >> log2];

	if (in_generation & ((1u << log2) - 1))
		return;
	lintab_free(t, *slot, block_bytes(t, i));
	*slot = NULL;
	if (!in_generation) {
		lintab_free(t, t->generations[i], directory_bytes(t, i));
		t->generations[i] = NULL;
	}
}

bool lintab_init(struct lintab *t, const struct lintab_kind *kind,
		 const struct lintab_mem *mem)
{
	struct lintab_shape s = { .level = kind->level, .slots = 2 };

	memset(t, 0, sizeof(*t));
	t->kind = kind;
	t->mem = mem;
	t->state = pack(s);
	t->bucket_log2 = lintab_log2(kind->bucket_bytes);
	for (uint32_t i = 0; i < LINTAB_GENERATIONS; i++)
		t->block_log2[i] = block_log2(kind, i);
	t->base = lintab_alloc(t, (size_t)base_buckets(t) * kind->bucket_bytes);
	return t->base != NULL;
}

void lintab_fini(struct lintab *t)
{
	CHECK(!lintab_count(t));
	for (uint32_t n = lintab_bucket_count(t); n > base_buckets(t); n--)
		bucket_remove(t, n - 1);
	lintab_free(t, t->base,
		    (size_t)base_buckets(t) * t->kind->bucket_bytes);
	CHECK(!lintab_bytes(t));
}

int lintab_step_wanted(const struct lintab *t)
{
	uint32_t buckets = lintab_bucket_count(t);
	uint64_t have = lintab_count(t) * 16;
	uint64_t fill = buckets < t->kind->small ? t->kind->fill16_small :
						   t->kind->fill16;

	if (have > buckets * fill)
		return 1;
	/* 1/64 and an entry below what would grow again, lest the table steps to and fro. */
	if (buckets > base_buckets(t) &&
	    have + 16 < (buckets - 1) * fill * 63 / 64)
		return -1;
	return 0;
}

/* The shape with split > 0 that means the same, for a step back. */
static struct lintab_shape shape_before(struct lintab_shape s)
{
	if (s.split)
		return s;
	if (s.slots == 3)
		return (struct lintab_shape){ s.level, 2, 1u << s.level };
	return (struct lintab_shape){ s.level - 1, 3, 1u << (s.level - 1) };
}

/* The shape with split < groups that means the same. */
static struct lintab_shape shape_after(struct lintab_shape s)
{
	if (s.split < 1u << s.level)
		return s;
	if (s.slots == 2)
		return (struct lintab_shape){ s.level, 3, 0 };
	return (struct lintab_shape){ s.level + 1, 2, 0 };
}

uint32_t lintab_step_group(const struct lintab *t, int direction)
{
	struct lintab_shape s = lintab_shape(t);

	return direction > 0 ? s.split : shape_before(s).split - 1;
}

static uint32_t regroup_bucket(const struct regroup *r, uint32_t slot)
{
	return (slot << r->level) + r->group;
}

/* Where the entries of a chain go: four counts of 16 bits, that of slot s at bit 16 * s. */
static uint64_t regroup_count(const struct lintab *t, const struct regroup *r,
			      uint32_t slot)
{
	const struct lintab_kind *kind = t->kind;
	uint32_t level = r->level, slots = r->to;
	struct lintab_cursor c;
	uint64_t counts = 0;

	for (lintab_seek_bucket(t, regroup_bucket(r, slot), &c); c.chunk;
	     c.chunk = lintab_link(c.chunk, c.bytes), c.bytes = kind->node_bytes) {
		const unsigned char *e = c.chunk;

		for (uint32_t n = chunk_entries(kind, &c); n; n--) {
			uint32_t to = lintab_slot(lintab_place(kind, e), level,
						  slots);

			counts += 1ull << (16 * to);
			e += kind->entry_bytes;
		}
	}
	return counts;
}

static uint32_t count_of(uint64_t counts, uint32_t slot)
{
	return (uint16_t)(counts >> (16 * slot));
}

/* Counts what stays; returns the nodes that the moves need at most: what comes in, beside what stays. */
static uint32_t regroup_nodes(const struct lintab *t, struct regroup *r)
{
	uint32_t nodes = 0;
	uint64_t all = 0;

	for (uint32_t slot = 0; slot < r->from; slot++) {
		uint64_t counts = regroup_count(t, r, slot);

		r->stay[slot] = count_of(counts, slot);
		all += counts;
	}
	for (uint32_t slot = 0; slot < r->to; slot++)
		nodes += chain_nodes(t->kind, count_of(all, slot)) -
			 chain_nodes(t->kind, r->stay[slot]);
	return nodes;
}

static void regroup_put(struct lintab *t, struct regroup *r, uint32_t slot,
			const void *entry, struct node_list *nodes)
{
	struct lintab_tail *tail = &r->tail[slot];
	unsigned char *node = node_list_pop(t, nodes);

	if (!tail->chunk)
		chain_tail(t, regroup_bucket(r, slot), tail);
	if (!tail_put(t->kind, tail, entry, node) && node)
		node_list_push(t, nodes, node);
}

/* Move away what no longer belongs in this slot. */
static void regroup_slot(struct lintab *t, struct regroup *r, uint32_t slot,
			 struct node_list *nodes)
{
	uint32_t bucket = regroup_bucket(r, slot);
	struct chain_writer keep;
	struct lintab_cursor c;
	void *e;

	lintab_seek_bucket(t, bucket, &c);
	writer_start(t, bucket, r->stay[slot], &keep);
	while ((e = lintab_next(t->kind, &c))) {
		uint32_t to = lintab_slot(lintab_place(t->kind, e), r->level, r->to);

		if (to == slot)
			writer_put(t->kind, &keep, e);
		else
			regroup_put(t, r, to, e, nodes);
	}
	writer_end(t, &keep, nodes);
}

/*
 * Every slot gives before it receives: so no chain is ever longer than it was
 * or will be, and no entry moves twice.
 */
static void regroup_move(struct lintab *t, struct regroup *r,
			 struct node_list *nodes)
{
	static const uint8_t order[4][4] = {
		{ 2 },			/* 3 -> 2 */
		{ 0, 1 },		/* 2 -> 3 */
		{ 2, 1, 3 },		/* 4 -> 3 */
		{ 1, 2, 0 },		/* 3 -> 4 */
	};
	static const uint8_t length[4] = { 1, 2, 3, 3 };
	uint32_t kind = (r->to > r->from) + 2 * (r->from + r->to == 7);

	for (uint32_t i = 0; i < length[kind]; i++)
		regroup_slot(t, r, order[kind][i], nodes);
}

static bool regroup(struct lintab *t, struct regroup *r)
{
	struct node_list nodes = { NULL };

	if (!node_list_fill(t, &nodes, regroup_nodes(t, r)))
		return false;
	regroup_move(t, r, &nodes);
	node_list_empty(t, &nodes);
	return true;
}

static void shape_set(struct lintab *t, struct lintab_shape s)
{
	__atomic_store_n(&t->state, pack(shape_after(s)), __ATOMIC_RELEASE);
}

static bool step_grow(struct lintab *t)
{
	struct lintab_shape s = lintab_shape(t);
	uint32_t number = lintab_bucket_count(t);
	struct regroup r = {
		.group = s.split, .level = s.level,
		.from = s.slots, .to = s.slots + 1,
	};

	if (!bucket_add(t, number))
		return false;
	if (!regroup(t, &r)) {
		bucket_remove(t, number);
		return false;
	}
	s.split++;
	shape_set(t, s);
	return true;
}

static bool step_shrink(struct lintab *t)
{
	uint32_t number = lintab_bucket_count(t) - 1;
	struct lintab_shape s;
	struct regroup r;

	if (number < base_buckets(t))
		return false;
	s = shape_before(lintab_shape(t));
	r = (struct regroup){
		.group = s.split - 1, .level = s.level,
		.from = s.slots + 1, .to = s.slots,
	};
	if (!regroup(t, &r))
		return false;
	s.split--;
	shape_set(t, s);
	bucket_remove(t, number);
	return true;
}

bool lintab_step(struct lintab *t, int direction)
{
	return direction > 0 ? step_grow(t) : step_shrink(t);
}

/* All entries are in their place and no node is idle. */
bool lintab_bucket_is_valid(const struct lintab *t, uint32_t number,
			    uint64_t *count)
{
	struct lintab_shape s = lintab_shape(t);
	uint32_t entries = 0, nodes = 0, astray = 0;
	struct lintab_cursor c;
	unsigned char *chunk;
	void *e;

	lintab_seek_bucket(t, number, &c);
	while ((e = lintab_next(t->kind, &c))) {
		entries++;
		astray += lintab_bucket_number(s, lintab_place(t->kind, e)) != number;
	}
	chunk = lintab_link(lintab_bucket(t, number), t->kind->bucket_bytes);
	for (; chunk; chunk = lintab_link(chunk, t->kind->node_bytes))
		nodes++;
	*count = entries;
	return !astray && nodes == chain_nodes(t->kind, entries);
}

bool lintab_is_valid(const struct lintab *t)
{
	uint64_t count = 0, entries;

	for (uint32_t n = 0; n < lintab_bucket_count(t); n++) {
		if (!lintab_bucket_is_valid(t, n, &entries))
			return false;
		count += entries;
	}
	return count == lintab_count(t);
}

#include <hash/general_regs_end.h>
