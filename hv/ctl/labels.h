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

/* 0: of a domain alone, or of no group. */
static inline uint32_t labels_number(uint16_t group)
{
	return group && group < GROUP_ALONE ? LABEL_FIRST + group : 0;
}

/* The group's name; NULL: there is no such label. */
static inline const char *labels_name(uint32_t number)
{
	return number > LABEL_FIRST ? groups_name(number - LABEL_FIRST) : NULL;
}

#endif
