/* SPDX-License-Identifier: MIT */
/* Polled inside long hypercalls, between units of work. */
#ifndef HV_PV_PENDING_H
#define HV_PV_PENDING_H

#include "dom/sched.h"
#include "pv/ptbreak.h"

/* Units (page operations, entries) between two looks at the clock. */
#define PENDING_UNITS 64
/* And entries of whole page tables; pttree.c stops there. */
#define PENDING_PTES PTE_STEPS_MOST
_Static_assert(PENDING_UNITS * PTE_STEPS_PAGE == PENDING_PTES, "pages are units");

/* Look at the clock: true if the call must stop. */
static inline bool pending_now(void)
{
	this_cpu()->pte_steps = 0;
	return sched_preempt_pending();
}

/*
 * Within a unit of many pages, after one of them: so much was done for those
 * before it, and will not be done again, that the unit must begin anew later.
 */
static inline bool pending_within_unit(void)
{
	return this_cpu()->pte_steps >= PENDING_PTES;
}

/*
 * Count one unit; true if the call should stop here and be continued.  After
 * work on whole page tables, which pttree.c counts apart, the clock is read at
 * once.
 */
static inline bool pending_after_unit(unsigned int *units)
{
	struct percpu *cpu = this_cpu();

	if (++*units < PENDING_UNITS && !cpu->pte_steps)
		return false;
	ASSERT(cpu->pte_steps <= PENDING_PTES);
	*units = 0;
	return pending_now();
}

/*
 * Between parts of a call that may have broken a share: true if the call must
 * stop here and be continued: time is up, or names of pages still change
 * (ptbreak.c, K2), perhaps of pages that hold the call's own arguments.
 */
static inline bool hypercall_must_stop(const struct domain *d)
{
	return sched_preempt_pending() || ptbreak_left(d);
}

/* The same after each of many small units. */
static inline bool hypercall_must_stop_after_unit(const struct domain *d,
						  unsigned int *units)
{
	return pending_after_unit(units) || ptbreak_left(d);
}

#endif
