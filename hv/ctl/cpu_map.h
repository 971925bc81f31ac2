/* SPDX-License-Identifier: MIT */
/* Maps of processors as domctl and sysctl have them. */
#ifndef HV_CTL_CPU_MAP_H
#define HV_CTL_CPU_MAP_H

#include "lib/types.h"

#include <xen/domctl.h>

/*
 * In the caller's memory: the bit of each processor or, !all, none; bits beyond
 * are cleared.  -EFAULT; -EINVAL: longer than any map.
 */
int cpu_map_put(const struct xenctl_bitmap *map, bool all) must_check;
uint64_t cpu_map_all(void);	/* one bit for each processor */
/* The same with these bits. */
int cpu_map_put_bits(const struct xenctl_bitmap *map, uint64_t bits) must_check;
/* From there; bits that are not in the map are clear. */
int cpu_map_get(const struct xenctl_bitmap *map, uint64_t *bits) must_check;

#endif
