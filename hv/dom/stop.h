/* SPDX-License-Identifier: MIT */
/* Stop all other CPUs at a point where they hold no lock, for an audit. */
#ifndef HV_DOM_STOP_H
#define HV_DOM_STOP_H

#include "lib/types.h"

/* no lock held; returns when every other CPU waits in stop_point() */
void stop_machine_begin(void);
void stop_machine_end(void);
/*
 * Called by every CPU on its way to a guest and in its idle loop, with no lock
 * held.
 */
void stop_point(void);
bool stop_wanted(void);	/* would it wait? */

#endif
