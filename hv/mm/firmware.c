/* SPDX-License-Identifier: MIT */
/* See firmware.h. */
#include <port.h>

#include "mm/firmware.h"

struct firmware_range firmware_ranges[FIRMWARE_RANGES_MAX];
unsigned int firmware_range_count;

/* The firmware may give any numbers: no sum of them is made. */
static bool has(const struct firmware_range *r, uint64_t first)
{
	uint64_t last = first + PAGE_SIZE - 1;

	return r->bytes && r->start <= last &&
	       (first <= r->start || first - r->start < r->bytes);
}

uint32_t firmware_type(mfn_t mfn)
{
	uint32_t type = 0;
	unsigned int i;

	if (mfn_n(mfn) > ~0UL >> PAGE_SHIFT)
		return 0;
	for (i = 0; i < firmware_range_count; i++)
		if (has(&firmware_ranges[i], mfn_n(mfn) << PAGE_SHIFT) &&
		    (!type || type == FIRMWARE_RAM))
			type = firmware_ranges[i].type;
	return type;
}
