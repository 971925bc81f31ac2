/* SPDX-License-Identifier: MIT */
/*
 * The memory of a lintab's buckets.
 *
 * Buckets below the first count are in one block.  Of the rest, buckets 2^i ..
 * 2^(i+1)-1 are generation i: up to 64 equal blocks, each allocated when its
 * first bucket is needed, so that at most 1/64 of the table is unused.  There
 * are more blocks if a block would be above 2 MiB, and fewer if it would be
 * below 256 bytes.
 */
#include <hash/general_regs.h>

#include "lintab_blocks.h"
#include "lintab_chain.h"

#define GENERATION_BLOCKS_LOG2	6
#define MAX_BLOCK_BYTES		(2u << 20)
#define MIN_BLOCK_BYTES		256u
#define MIN_DIRECTORY_BYTES	64u

uint32_t blocks_base(const struct lintab *t)
{
	return 2u << t->kind->level;
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

bool blocks_add(struct lintab *t, uint32_t number)
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

void blocks_remove(struct lintab *t, uint32_t number)
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
	lintab_shape_set(t, s);
	t->base_count = blocks_base(t);
	t->bucket_log2 = lintab_log2(kind->bucket_bytes);
	for (uint32_t i = 0; i < LINTAB_GENERATIONS; i++)
		t->block_log2[i] = block_log2(kind, i);
	t->base = lintab_alloc(t, (size_t)blocks_base(t) * kind->bucket_bytes);
	return t->base != NULL;
}

void lintab_fini(struct lintab *t)
{
	CHECK(!lintab_count(t));
	for (uint32_t n = lintab_bucket_count(t); n > blocks_base(t); n--)
		blocks_remove(t, n - 1);
	lintab_free(t, t->base,
		    (size_t)blocks_base(t) * t->kind->bucket_bytes);
	CHECK(!lintab_bytes(t));
}

#include <hash/general_regs_end.h>
