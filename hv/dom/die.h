/* SPDX-License-Identifier: MIT */
/* The beginning of a domain's end; ctl/destroy.c has the rest. */
#ifndef HV_DOM_DIE_H
#define HV_DOM_DIE_H

#include "dom/domain.h"

/*
 * Stop d and leave it to the reaper.  From any CPU, with any locks.  It
 * returns, even to a vCPU of d, which stops at the next exit to the guest.
 *
 * While a first domain rules, others that stop by themselves are SHUT: they
 * stay as they are, for the tools to see why, until domain_end().
 */
void domain_shutdown(struct domain *d, uint32_t code);
/* From now on a first domain rules, or no more. */
void domain_keep_shut(bool on);
/* Whether it runs or is SHUT: it is to go. */
void domain_end(struct domain *d);
/* For good, whatever its configuration says of another life. */
void domain_destroy(struct domain *d);
/*
 * A guest's mistake that has no error code: log why, then
 * domain_shutdown(SHUTDOWN_crash).
 */
void domain_crash(struct domain *d, const char *fmt, ...) printf_like(2, 3);
/* A BUILDING domain that failed: to the reaper, silently. */
void domain_abandon(struct domain *d);

/*
 * domain_dying_count(): for how many is there work for the reaper?  For none no
 * search is needed.  domain_died(): a DYING one is gone.  domain_told(): the
 * first domain knows that d is SHUT, or is about to be told of its death.
 */
uint32_t domain_dying_count(void);
void domain_died(void);
void domain_told(struct domain *d);

#endif
