/* SPDX-License-Identifier: MIT */
/* Between ptcheck.c (entries) and pttree.c (trees).  LOCK_MM. */
#ifndef HV_PV_PTCHECK_PRIVATE_H
#define HV_PV_PTCHECK_PRIVATE_H

#include "pv/ptcheck.h"
#include "pv/pttree.h"

/*
 * What is left to do with the table below, after an entry was taken or dropped.
 */
enum child_state {
	CHILD_DONE,	/* nothing is left to do */
	/*
	 * the table must be validated or devalidated; the entry holds its count
	 * of 1 and a general reference
	 */
	CHILD_UNFINISHED,
};

static inline enum page_class level_class(unsigned int level)
{
	return CLASS_L1 + (level - 1);
}

/* Of a frame that is a table. */
static inline unsigned int table_level(const struct frame *f)
{
	return frame_class(f) - CLASS_L1 + 1;
}

/*
 * Take what entry `slot` of `table`, which nobody can write, needs, and set the
 * bits that the hypervisor chooses.  -errno: nothing was taken.
 */
int ptcheck_entry_take(struct domain *d, struct frame *table, unsigned int level,
	       unsigned int slot, enum child_state *below) must_check
	needs_lock(&d->mm);
/* Let go of what the entry held. */
enum child_state ptcheck_entry_drop(struct domain *d, struct frame *table, unsigned int level,
		      pte_t *pte) must_check needs_lock(&d->mm);

/* TABLE3. */
void ptcheck_fill_hypervisor_slots(struct domain *d, pte_t *l4);

/*
 * The last use of a table has gone (pagetype_put(), pagetype_linear_put()):
 * devalidate it.
 */
void pttree_drop(struct domain *d, mfn_t mfn) needs_lock(&d->mm);

#endif
