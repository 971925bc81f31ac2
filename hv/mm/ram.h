/* SPDX-License-Identifier: MIT */
/*
 * RAM as the firmware reported it: page-aligned, ascending, not touching each
 * other, below MAX_MADDR.  The frame table has a record for each of these
 * frames and for no other.  Found by boot/e820.c; constant after boot.
 */
#ifndef HV_MM_RAM_H
#define HV_MM_RAM_H

#include "lib/types.h"

#define RAM_RANGES_MAX	64

struct ram_range {
	mfn_t first, end;	/* [first, end) */
};

extern struct ram_range ram_ranges[RAM_RANGES_MAX];
extern unsigned int ram_range_count;

#endif
