/* SPDX-License-Identifier: MIT */
/* Page tables of a new domain: how many, and what is in them. */
#ifndef HV_CTL_PTBUILD_H
#define HV_CTL_PTBUILD_H

#include "lib/types.h"
#include "x86/pte.h"

/* A run of pages: va onwards shows pfn onwards. */
struct ptbuild_range {
	uint64_t va;
	pfn_t pfn;
	uint64_t pages;
};

/*
 * `ranges` ascend by va and do not overlap.  Tables needed for them: L4, then
 * all L3, L2, L1 in address order (the order Xen's builder uses, and Linux
 * relies on).  Pure.
 */
uint64_t ptbuild_count(const struct ptbuild_range *ranges, unsigned int count);

/* The frame of a page, while the list of all is in 32 bits each. */
static inline mfn_t ptbuild_mfn(const uint32_t *p2m, pfn_t pfn)
{
	return MFN(p2m[pfn_n(pfn)]);
}

struct ptbuild {
	const uint32_t *p2m;		/* ptbuild_mfn() */
	/* the tables' own pages; mapped read-only */
	pfn_t first_table;
	uint64_t table_count;
};

/* Fill the zeroed table pages. */
void ptbuild_fill(const struct ptbuild *b, const struct ptbuild_range *ranges,
		  unsigned int count);

#endif
