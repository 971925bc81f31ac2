/* SPDX-License-Identifier: MIT */
/*
 * Sets of frames, as sorted ranges that do not touch.  Pure; unit-tested on the
 * host.
 */
#ifndef HV_BOOT_RANGES_H
#define HV_BOOT_RANGES_H

#include "mm/ram.h"

#define RANGES_MAX	1024	/* more than all modules and holes can make */

struct ranges {
	unsigned int count;
	struct ram_range r[RANGES_MAX];
};

/* false: more ranges than there is room for; the set is unchanged then. */
bool ranges_add(struct ranges *set, mfn_t first, mfn_t end) must_check;
bool ranges_subtract(struct ranges *set, mfn_t first, mfn_t end) must_check;
/*
 * Drop the smallest ranges until at most `count` are left; returns how many
 * frames were dropped.
 */
uint64_t ranges_keep_largest(struct ranges *set, unsigned int count);
bool ranges_contain(const struct ranges *set, mfn_t first, mfn_t end);
uint64_t ranges_frames(const struct ranges *set);

#endif
