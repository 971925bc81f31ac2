/* SPDX-License-Identifier: MIT */
/* Which machine frames are RAM; filled by boot/e820.c before the frame table is used, constant afterwards. */
#ifndef HV_MM_RAM_H
#define HV_MM_RAM_H

#include "lib/types.h"

#define RAM_RANGES_MAX 64

struct ram_range {
	mfn_t first, end;	/* [first, end), ascending, disjoint */
};

extern struct ram_range ram_ranges[RAM_RANGES_MAX];
extern unsigned int ram_range_count;

#endif
