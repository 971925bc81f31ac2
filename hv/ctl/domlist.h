/* SPDX-License-Identifier: MIT */
/*
 * The lines of the domain list, and the first domain's: one configuration each,
 * kept for good; a domain points at its own (domain.h, struct domain_origin).
 */
#ifndef HV_CTL_DOMLIST_H
#define HV_CTL_DOMLIST_H

#include "ctl/config.h"

/* At boot.  False: no memory. */
bool domlist_init(void) must_check;
/* A zeroed one, at the end of the list.  NULL: no memory, or too many. */
struct domain_config *domlist_new(void);
uint32_t domlist_count(void);
const struct domain_config *domlist_at(uint32_t i);	/* below the count */
/*
 * The line that makes a domain of that name, and which of its instances that
 * is.  NULL: none.
 */
const struct domain_config *domlist_find(const char *name, uint32_t *instance);

#endif
