/* SPDX-License-Identifier: MIT */
/* Inside hash/: the variants, each in a file of its own. */
#ifndef HASH_PAGE_VARIANTS_H
#define HASH_PAGE_VARIANTS_H

#include <hash/page.h>

extern const struct page_fns page_fns_string, page_fns_sse2, page_fns_avx2,
	page_fns_avx512;

#endif
