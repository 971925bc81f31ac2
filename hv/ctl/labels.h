/* SPDX-License-Identifier: MIT */
/*
 * Labels that the tools know by number, as on a Xen with a security policy. A
 * label is the name of a share group: `seclabel="NAME"` in a guest's file of
 * xl.  Numbers begin beyond those of Xen's own policy, which the tools use
 * without asking; one below is no label.
 */
#ifndef HV_CTL_LABELS_H
#define HV_CTL_LABELS_H

#include "sharing/groups.h"

#define LABEL_FIRST	0x1000u

_Static_assert(GROUP_NUMBER_LAST + LABEL_FIRST > GROUP_NUMBER_LAST, "no overflow");

/* group: its number; 0: of a domain alone, or of no group. */
static inline uint32_t labels_number(uint32_t group)
{
	return group ? LABEL_FIRST + group : 0;
}

/* The group's name into name[DOMAIN_NAME_MAX]; false: there is no such. */
static inline bool must_check labels_name(uint32_t number, char *name)
{
	return number > LABEL_FIRST && groups_name(number - LABEL_FIRST, name);
}

#endif
