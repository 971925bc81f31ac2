/* SPDX-License-Identifier: MIT */
/* See cpu_map.h. */
#include <port.h>
#include <errno.h>

#include "ctl/cpu_map.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

/* more is a mistake, and would take long to clear */
#define MAP_BITS_MOST	(8 * PAGE_SIZE)

int cpu_map_put(const struct xenctl_bitmap *map, bool all)
{
	uint64_t va = (uintptr_t)map->bitmap.p, i;
	uint64_t bytes = ((uint64_t)map->nr_bits + 7) / 8;

	if (map->nr_bits > MAP_BITS_MOST)
		return -EINVAL;
	for (i = 0; i < MIN(bytes, (uint64_t)MAX_CPUS / 8); i++) {
		uint32_t first = (uint32_t)i * 8;
		uint32_t n = cpu_count > first ? MIN(cpu_count - first, 8u) : 0;
		uint8_t byte = all ? (uint8_t)((1u << n) - 1) : 0;

		if (copy_to_guest(va + i, &byte, 1))
			return -EFAULT;
	}
	return bytes > i ? clear_guest(va + i, bytes - i) : 0;
}
