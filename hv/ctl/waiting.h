/* SPDX-License-Identifier: MIT */
/*
 * Guests that wait for memory (overcommit=on): the domain list may name more
 * than fit at once.  A guest is started when enough frames are free for it:
 * others' pages become free by sharing, or at their end.
 *
 *  WAIT1  In the order of the list.  No guest overtakes one that waits, else a
 *         large guest might wait for ever.
 *  WAIT2  OVERCOMMIT_KEPT frames stay free when a guest is started: an offer
 *         draws a frame before it gives one back, so with none nobody could
 *         share, and nothing would ever be freed.  (Not for a guest that is
 *         alone.)
 *  WAIT3  A guest is given up when it does not fit and nothing runs that could
 *         free anything.  A machine that gave one up ends with EXIT_ERROR.
 *  WAIT4  While one waits, domain_count() counts it: the machine is not at its
 *         end.
 */
#ifndef HV_CTL_WAITING_H
#define HV_CTL_WAITING_H

#include "ctl/config.h"

/*
 * WAIT2: as many as the pool of canonical frames wants (mm/palloc.h, PALLOC3),
 * or a part of a small machine.
 */
#define OVERCOMMIT_KEPT		1024
#define OVERCOMMIT_KEPT_PART	16

/* Before the first: the boot CPU looks after those that wait. */
void waiting_init(void);
/* Start a guest of this configuration now, or when it fits; from any CPU. */
void waiting_add(const struct domain_config *config, uint32_t instance,
		 uint32_t generation);
/* WAIT2: does one of this configuration fit beside those that run? */
bool waiting_fits(const struct domain_config *config);
/* Does that one wait? */
bool waiting_waits(const struct domain_config *config, uint32_t instance);
uint32_t waiting_given_up(void);	/* WAIT3: so many */

#endif
