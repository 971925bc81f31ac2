/* SPDX-License-Identifier: MIT */
/*
 * The guests' wall clock: in each shared info, the time of day at our time 0.
 *
 * It comes from the clock chip at boot, and follows it from then on: a machine
 * that is stopped (QEMU's `stop`, a laptop's lid) finds its TSC where it left
 * it and the chip ahead.  Three seconds of the machine's time after it goes on,
 * the guests' clocks are less than two seconds behind the chip again
 * (wallclock.c's LOOK_NS and CONFIRM_NS; WALL1).
 */
#ifndef HV_DOM_WALLCLOCK_H
#define HV_DOM_WALLCLOCK_H

#include "lib/types.h"

struct shared_info;

void wallclock_init(void);	/* after tsc_init() */
void wallclock_start(void);	/* follow the chip from now on, on this CPU */
/* of a domain that is being built */
void wallclock_fill(struct shared_info *s);
uint64_t wallclock_boot_seconds(void);	/* since 1970, at time 0 */

#endif
