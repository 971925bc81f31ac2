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

#endif
