/* SPDX-License-Identifier: MIT */
/* The beginning of a domain's end; ctl/destroy.c has the rest. */
#ifndef HV_DOM_DIE_H
#define HV_DOM_DIE_H

#include "dom/domain.h"

/*
 * Stop d and leave it to the reaper.  From any CPU, with any locks.  It
 * returns, even to a vCPU of d, which stops at the next exit to the guest.
 */
void domain_shutdown(struct domain *d, uint32_t code);
/*
 * A guest's mistake that has no error code: log why, then
 * domain_shutdown(SHUTDOWN_crash).
 */
void domain_crash(struct domain *d, const char *fmt, ...) printf_like(2, 3);
/* A BUILDING domain that failed: to the reaper, silently. */
void domain_abandon(struct domain *d);

/*
 * domain_any_dying(): is there a DYING domain?  If not, no search is needed.
 * domain_died(): one of them is gone.
 */
bool domain_any_dying(void);
void domain_died(void);

#endif
