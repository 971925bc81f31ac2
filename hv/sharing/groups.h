/* SPDX-License-Identifier: MIT */
/* Share groups by name, and their numbers. */
#ifndef HV_SHARING_GROUPS_H
#define HV_SHARING_GROUPS_H

#include "lib/types.h"

#define GROUPS_MAX	1024
/* Of a domain that shares with nobody: with its id. */
#define GROUP_ALONE	0x8000

/*
 * The number of a named group, 1 to GROUPS_MAX, from now on; 0: there are too
 * many.  Names are shorter than DOMAIN_NAME_MAX.
 */
uint16_t groups_id(const char *name);
/* NULL: no named group has this number. */
const char *groups_name(uint32_t id);

#endif
