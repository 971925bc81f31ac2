/* SPDX-License-Identifier: MIT */
/* Which variant of struct page_fns a machine uses. */
#include <hash/page.h>
#include "page_variants.h"

const struct page_fns *page_fns_variant(enum page_variant v)
{
	switch (v) {
	case PAGE_SSE2:
		return &page_fns_sse2;
	case PAGE_AVX2:
		return &page_fns_avx2;
	case PAGE_AVX512:
		return &page_fns_avx512;
	default:
		return &page_fns_portable;
	}
}

enum page_variant page_variant_choose(uint32_t features)
{
	if (features & PAGE_HAS_AVX512)
		return PAGE_AVX512;
	if (features & PAGE_HAS_AVX2)
		return PAGE_AVX2;
	/*
	 * With two lanes the hash takes half the time of the scalar one (share-floor), where
	 * registers need not be saved for it.
	 */
	return features & PAGE_HAS_SSE2 ? PAGE_SSE2 : PAGE_SCALAR;
}
