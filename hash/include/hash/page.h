/* SPDX-License-Identifier: MIT */
/*
 * Work on whole pages of 4096 bytes: keyed hash, compare, copy, clear.
 *
 * The hash is XXH3 with a secret of 192 random bytes (a seed is not enough: one
 * crafted pair of pages collides for 1 seed in 62).  It only selects; equality
 * is decided by page_equal().  Pages are aligned to 8 bytes; what is copied to,
 * to 64.
 *
 * Users go through struct page_fns, so that a variant with vector registers
 * can be chosen at start, and tests can bring a hash that collides.
 */
#ifndef HASH_PAGE_H
#define HASH_PAGE_H

#include <stdbool.h>
#include <stdint.h>

#define PAGE_HASH_BYTES		4096
#define PAGE_HASH_SECRET_BYTES	192

struct page_fns {
	uint64_t (*hash)(const void *page, const uint8_t *secret);
	bool (*equal)(const void *a, const void *b);
	bool (*is_zero)(const void *page);
	/*
	 * To a page that nobody reads soon: its stores may go past the caches,
	 * so atomic_fence_stream() comes before others are told of it.
	 */
	void (*copy)(void *to, const void *from);
	void (*clear)(void *page);
};

/*
 * General registers only: right everywhere, also where nothing saves vector
 * registers.
 */
extern const struct page_fns page_fns_portable;

/*
 * Ways to compute the same functions, with the same results bit for bit; sorted
 * by what they need of the CPU.
 */
enum page_variant {
	PAGE_SCALAR,
	PAGE_STRING,		/* rep movs and rep stos; the rest is scalar */
	PAGE_SSE2, PAGE_AVX2, PAGE_AVX512,
	PAGE_VARIANTS
};

/* What the CPU has, and, where the system must save it, the system saves. */
enum page_feature {
	PAGE_HAS_SSE2 = 1,
	PAGE_HAS_AVX2 = 2,
	PAGE_HAS_AVX512 = 4,	/* F and BW */
};

/* The members of struct page_fns, to count by. */
enum page_fn {
	PAGE_FN_HASH, PAGE_FN_EQUAL, PAGE_FN_IS_ZERO, PAGE_FN_COPY,
	PAGE_FN_CLEAR, PAGE_FNS
};

const struct page_fns *page_fns_variant(enum page_variant v);
const char *page_variant_name(enum page_variant v);
/* Can it run with these features? */
bool page_variant_runs(enum page_variant v, uint32_t features);

uint64_t page_hash(const void *page, const uint8_t *secret);
/* Reads all of both pages whatever they hold. */
bool page_equal(const void *a, const void *b);
/* Stops at the first 64 bytes that are not zero. */
bool page_is_zero(const void *page);
void page_copy(void *to, const void *from);
void page_clear(void *page);

/* A number that looks random to everybody who does not know the secret. */
uint64_t page_salt(uint64_t number, const uint8_t *secret);

#endif
