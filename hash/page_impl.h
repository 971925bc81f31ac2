/* SPDX-License-Identifier: MIT */
/*
 * The body of one variant of struct page_fns: a file says what it is compiled
 * for
 *
 *	#define PAGE_VARIANT	avx2		name of the variant
 *	#define PAGE_XXH	2		xxhash.h's XXH_VECTOR
 *	#define PAGE_LANES	4		64-bit words of a register
 *	#define PAGE_STREAM	__builtin...	a register past the caches
 *
 * and includes this.  xxhash.h has the vector paths of the hash; compare, zero
 * test, copy and clear are written with the compiler's vector types, PAGE_LANES
 * words at once.  Bit for bit the same results in every variant.
 *
 * The copy's stores go past the caches: they need not read what was there
 * before, which halves the time of a copy to memory that nobody touched lately.
 */
#ifndef PAGE_VARIANT		/* read alone, by the check of headers */
#define PAGE_VARIANT	scalar
#define PAGE_XXH	0
#define PAGE_LANES	2
#define PAGE_STREAM(to, v)	(*(to) = (v))
#endif

#define XXH_INLINE_ALL
#define XXH_VECTOR PAGE_XXH
#include <port.h>
#include <xxhash.h>

#include <hash/page.h>
#include "page_variants.h"

#define PASTE_(a, b)	a##b
#define PASTE(a, b)	PASTE_(a, b)
#define VARIANT(name)	PASTE(name##_, PAGE_VARIANT)

/* Pages are aligned to 8 bytes and hold anything. */
typedef uint64_t page_vec __attribute__((vector_size(PAGE_LANES * 8),
					 may_alias, aligned(8)));

/* What PAGE_STREAM stores, to an aligned place. */
typedef long long stream_vec __attribute__((vector_size(PAGE_LANES * 8)));

#define TURN_VECS	4
#define TURN_BYTES	(TURN_VECS * sizeof(page_vec))
#define TURNS		(PAGE_HASH_BYTES / TURN_BYTES)

static inline page_vec turn_difference(const page_vec *a, const page_vec *b)
{
	return ((a[0] ^ b[0]) | (a[1] ^ b[1])) | ((a[2] ^ b[2]) | (a[3] ^ b[3]));
}

static inline bool any(page_vec v)
{
	uint64_t all = 0;

	for (unsigned int i = 0; i < PAGE_LANES; i++)
		all |= v[i];
	return all != 0;
}

static uint64_t VARIANT(hash)(const void *page, const uint8_t *secret)
{
	return XXH3_64bits_withSecret(page, PAGE_HASH_BYTES, secret,
				      PAGE_HASH_SECRET_BYTES);
}

static bool VARIANT(equal)(const void *a, const void *b)
{
	const page_vec *x = a, *y = b;
	page_vec difference = { 0 };

	for (unsigned int i = 0; i < TURNS; i++, x += TURN_VECS, y += TURN_VECS)
		difference |= turn_difference(x, y);
	return !any(difference);
}

static bool VARIANT(is_zero)(const void *page)
{
	const page_vec *v = page;

	for (unsigned int i = 0; i < TURNS; i++, v += TURN_VECS)
		if (any((v[0] | v[1]) | (v[2] | v[3])))
			return false;
	return true;
}

static void VARIANT(copy)(void *to, const void *from)
{
	const page_vec *x = from;
	page_vec *y = to;

	for (unsigned int i = 0; i < TURNS * TURN_VECS; i++)
		PAGE_STREAM((stream_vec *)(y + i), (stream_vec)x[i]);
}

static void VARIANT(clear)(void *page)
{
	page_vec *v = page, zero = { 0 };

	for (unsigned int i = 0; i < TURNS * TURN_VECS; i++)
		v[i] = zero;
}

const struct page_fns VARIANT(page_fns) = {
	.hash = VARIANT(hash),
	.equal = VARIANT(equal),
	.is_zero = VARIANT(is_zero),
	.copy = VARIANT(copy),
	.clear = VARIANT(clear),
};
