/* SPDX-License-Identifier: MIT */
/* Polled inside long hypercalls, between units of work. */
#ifndef HV_PV_PENDING_H
#define HV_PV_PENDING_H

#include "dom/sched.h"

/* Units (page operations, entries) between two looks at the clock. */
#define PENDING_UNITS 64
/* And entries of whole page tables; pttree.c stops there. */
#define PENDING_PTES 512

/*
 * Count one unit; true if the call should stop here and be continued.  After work
 * on whole page tables the clock is looked at at once (pttree.c counts it apart).
 */
static inline bool pending_after_unit(unsigned int *units)
{
	struct percpu *cpu = this_cpu();

	if (++*units < PENDING_UNITS && !cpu->pte_steps)
		return false;
	ASSERT(cpu->pte_steps <= PENDING_PTES);
	*units = 0;
	cpu->pte_steps = 0;
	return sched_preempt_pending();
}

#endif
