/* SPDX-License-Identifier: MIT */
/*
 * Trees of page tables: uses of them, and work on them that is done in parts.
 *
 * Validating or devalidating a tree takes as long as the tree is large, so it
 * is done in parts (pttree.c).  A call that answers -ERESTART changed nothing:
 * drop the lock, leave the hypervisor by pv_exit_to_guest(), which does the
 * next parts, and ask again.  For an emulated instruction that means: do not
 * advance rip.
 */
#ifndef HV_PV_PTTREE_H
#define HV_PV_PTTREE_H

#include "dom/domain.h"
#include "pv/ptbreak.h"

/*
 * Call this first in all that adds or drops uses of tables.  `wanted` is the
 * table that the caller will ask for next, INVALID_MFN if none.  0, or
 * -ERESTART.
 */
int pttree_begin(struct domain *d, mfn_t wanted) must_check needs_lock(&d->mm);

/*
 * A use of mfn as a table of `level` (1..4): general reference and type, its
 * tree validated when it is the first.  -EINVAL, -EPERM, -EBUSY, -EMLINK (only
 * linear uses are left), -ENOMEM, -ERESTART.
 */
int pttree_get(struct domain *d, mfn_t mfn, unsigned int level) must_check
	needs_lock(&d->mm);
/*
 * The work must be idle (after pttree_begin() and, if one was wanted,
 * pttree_get()).
 */
void pttree_put(struct domain *d, mfn_t mfn) needs_lock(&d->mm);

/*
 * Is a tree, or the breaking of a share, half-way?  Then call pttree_work()
 * until that says DONE.  No lock needed to ask.
 */
static inline bool pttree_work_left(const struct domain *d)
{
	return unlikely(atomic_load_relaxed(&d->pending.tree.state) != PT_IDLE ||
			ptbreak_left(d) ||
			atomic_load(&d->pending.renames.held));
}
/* One bounded part of it. */
enum progress pttree_work(struct domain *d) needs_lock(&d->mm);

/*
 * pttree_work() with LOCK_MM taken here, for a caller that holds no lock.
 */
enum progress pttree_settle(struct domain *d);

/* Entries between two looks at the clock; tests lower it. */
extern unsigned int pttree_steps_max;

#endif
