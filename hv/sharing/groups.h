/* SPDX-License-Identifier: MIT */
/*
 * Share groups by name, the ids of those that have domains, and the numbers by
 * which the tools know them.
 *
 * GROUP1  A group with a domain has its place in the table, and so its id, its
 *         name and its number, until the last of its domains is gone with all
 *         that it had in the group.
 * GROUP2  One that has none keeps its place until that is needed: then the one
 *         goes that was asked for longest ago.  So who has asked for a number
 *         and now makes a domain finds it.
 * GROUP3  A number is one name's for ever.  Who kept that of a group that went
 *         has the number of nothing, and never that of another group.
 * GROUP4  There are as many places as domains.  A domain joins after it took
 *         its slot of the domain table, and leaves before it gives that back;
 *         who asks for another's number, the first domain, is in no group.  So
 *         whoever can make a domain finds a place for it.
 */
#ifndef HV_SHARING_GROUPS_H
#define HV_SHARING_GROUPS_H

#include "lib/types.h"

#define GROUPS_MAX	1024
/* Of a domain that shares with nobody: with its id. */
#define GROUP_ALONE	0x8000
/* No number is beyond. */
#define GROUP_NUMBER_LAST	0xfffe0000u

/*
 * A name's number; 0: each place is a domain's, or all numbers were given away.
 * Names are shorter than DOMAIN_NAME_MAX.
 */
uint32_t groups_number(const char *name);
/* Into name[DOMAIN_NAME_MAX]; false: no group has that number. */
bool groups_name(uint32_t number, char *name) must_check;
/*
 * One domain more is in that group: its id, 1 to GROUPS_MAX, and its number;
 * 0: as above.
 */
uint16_t groups_join(const char *name, uint32_t *number) must_check;
void groups_leave(uint16_t id);

#endif
