/* SPDX-License-Identifier: MIT */
/* Stop all other CPUs at a point where they hold no lock, for an audit. */
#ifndef HV_DOM_STOP_H
#define HV_DOM_STOP_H

#include "lib/atomic.h"
#include "lib/types.h"

/* no lock held; returns when every other CPU waits in stop_point() */
void stop_machine_begin(void);
void stop_machine_end(void);
extern uint64_t stop_now;	/* atomic: the stop that there is; 0: none */
void stop_wait(void);
/* Would stop_point() wait? */
static inline bool stop_wanted(void)
{
	return unlikely(atomic_load_acquire(&stop_now));
}

/*
 * Called by every CPU on its way to a guest and in its idle loop, with no lock
 * held.
 */
static inline void stop_point(void)
{
	if (stop_wanted())
		stop_wait();
}

#endif
