/* SPDX-License-Identifier: MIT */
/* See cpu_map.h. */
#include <port.h>
#include <errno.h>

#include "ctl/cpu_map.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

_Static_assert(MAX_CPUS <= 64, "a map is a word");

/* more is a mistake, and would take long to clear */
#define MAP_BITS_MOST	(8 * PAGE_SIZE)

static uint64_t map_bytes(const struct xenctl_bitmap *map)
{
	return ((uint64_t)map->nr_bits + 7) / 8;
}

int cpu_map_put_bits(const struct xenctl_bitmap *map, uint64_t bits)
{
	uint64_t va = (uintptr_t)map->bitmap.p, bytes = map_bytes(map);
	uint64_t n = MIN(bytes, (uint64_t)sizeof(bits));

	if (map->nr_bits > MAP_BITS_MOST)
		return -EINVAL;
	if (n && copy_to_guest(va, &bits, n))
		return -EFAULT;
	return bytes > n ? clear_guest(va + n, bytes - n) : 0;
}

int cpu_map_put(const struct xenctl_bitmap *map, bool all)
{
	return cpu_map_put_bits(map, all ? cpu_map_all() : 0);
}

uint64_t cpu_map_all(void)
{
	return cpu_count == MAX_CPUS ? ~0UL : (1UL << cpu_count) - 1;
}

int cpu_map_get(const struct xenctl_bitmap *map, uint64_t *bits)
{
	uint64_t bytes = map_bytes(map), n = MIN(bytes, (uint64_t)sizeof(*bits));

	*bits = 0;
	if (map->nr_bits > MAP_BITS_MOST)
		return -EINVAL;
	if (n && copy_from_guest(bits, (uintptr_t)map->bitmap.p, n))
		return -EFAULT;
	if (map->nr_bits < 64)
		*bits &= (1UL << map->nr_bits) - 1;
	return 0;
}
