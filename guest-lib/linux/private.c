// SPDX-License-Identifier: MIT
/*
 * What is left private, by what Linux uses it for: where the next saving would
 * be.  A look without locks: pages change their use meanwhile, and the sum is
 * right to a few pages.
 */
#include <linux/page-flags.h>
#include <linux/sched.h>
#include <linux/string.h>

#include "pasture.h"

const char *const private_names[PRIVATE_USES] = {
	"reserved", "free", "slab", "tables", "cache", "anonymous", "other",
};

static enum private_use use_of_lru(struct page *page)
{
	return PageAnon(page) || PageSwapBacked(page) ? PRIVATE_ANONYMOUS : PRIVATE_CACHE;
}

/* page: not a tail. */
static enum private_use use_of(struct page *page)
{
	if (PageReserved(page))
		return PRIVATE_RESERVED;
	if (PageBuddy(page) || !page_count(page))
		return PRIVATE_FREE;
	if (PageSlab(page))
		return PRIVATE_SLAB;
	if (PageTable(page))
		return PRIVATE_TABLES;
	return PageLRU(page) ? use_of_lru(page) : PRIVATE_OTHER;
}

static void count(struct private_count *out, enum private_use use, unsigned long pfn)
{
	const void *page = hyper_look(pfn);

	out[use].pages++;
	out[use].zero += page && !memchr_inv(page, 0, PAGE_SIZE);
}

void private_count(struct private_count out[PRIVATE_USES])
{
	unsigned long pfn, mfn, block_end = 0;

	memset(out, 0, PRIVATE_USES * sizeof(*out));
	for (pfn = 0; pfn < hyper_pfns; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (pfn % 256 == 0)
			cond_resched();
		if (!pfn_valid(pfn) || table_is_shared(pfn) || !hyper_frame_of(pfn, &mfn))
			continue;
		if (PageBuddy(page))
			block_end = pfn + (1ul << min_t(unsigned long, page_private(page), MAX_ORDER - 1));
		count(out, pfn < block_end ? PRIVATE_FREE : use_of(compound_head(page)), pfn);
	}
}
