/* SPDX-License-Identifier: MIT */
/*
 * The one function through which a guest's name for a frame goes (design
 * decision 16): every path on which a guest gives an mfn asks here what the
 * guest may do with that frame.
 */
#ifndef HV_PV_RESOLVE_H
#define HV_PV_RESOLVE_H

#include "dom/above.h"
#include "dom/domain.h"

enum frame_use {
	USE_READ,	/* map read-only */
	USE_WRITE,	/* map writable, or let the hypervisor write into it */
	USE_TYPED,	/* as a page table or descriptor table */
	USE_GIVE,	/* give back (decrease, exchange) */
};

/*
 * 0: *frame with a general reference, owned by d (OWNED, or HEAP where the use
 * allows).  1: *frame is SHARED, held by d, and the use is USE_READ; no
 * reference was taken: only under
 *    LOCK_MM does it stay so.
 * -EINVAL: no RAM; -EPERM: not d's, nor held by it; -EBUSY: held, but the use
 * needs a private page (the domain must break the share first), or the count is
 * at its limit.
 */
int resolve(struct domain *d, mfn_t mfn, enum frame_use use,
	    struct frame **frame) must_check;

/*
 * As USE_READ; but the old name of a page whose share was just broken leads to
 * its frame (pv/ptbreak.c, K5).  LOCK_MM is not held.
 */
int resolve_named(struct domain *d, mfn_t mfn, struct frame **frame) must_check;

/*
 * As USE_WRITE.  But for a domain that chose break first, a shared page is
 * broken, and *frame is the page's new frame, not the one that was named.  The
 * old name of a page whose share was just broken leads to its new frame, too.
 * -ENOMEM: no frame for it.  LOCK_MM is not held.
 */
int resolve_write(struct domain *d, mfn_t mfn, struct frame **frame) must_check;

/*
 * The same for who has LOCK_MM, of whichever domain's vCPU; -EBUSY may also be
 * that too many of d's pages are broken in part.
 */
int resolve_private(struct domain *d, mfn_t mfn, struct frame **frame) must_check
	needs_lock(&d->mm);

/*
 * As USE_TYPED; but of a domain that chose break first a shared page is broken,
 * and the old name of a page leads to it: *mfn is the name that it has.
 * -ERESTART: it is broken, but not all of its entries know (pv/ptbreak.c, K2).
 * LOCK_MM.
 */
int resolve_typed(struct domain *d, mfn_t *mfn, struct frame **frame) must_check
	needs_lock(&d->mm);

/*
 * The same before all else, for a call that is made again until a tree is
 * checked: it asks for the table by the name that *mfn has from now on.
 */
int resolve_name(struct domain *d, mfn_t *mfn) must_check needs_lock(&d->mm);

/*
 * A page that is given back: as resolve_typed(), with no lock held.  1: its
 * last entry went before, and its hold with it; there is nothing to give.
 */
int resolve_give(struct domain *d, mfn_t mfn, struct frame **frame) must_check;

/*
 * Copy `bytes` at `offset` of a page that d may read.  Meanwhile a reference
 * keeps the page; a shared page is kept by d's hold, which stays under LOCK_MM.
 * The old name of a page whose share was just broken leads to it (K5).  0 or
 * -errno of resolve(); nothing is copied then.  LOCK_MM is not held.
 */
int resolve_read(struct domain *d, mfn_t mfn, uint32_t offset, void *to,
		 size_t bytes) must_check;

/*
 * The entry at a machine address; it must be of one of d's validated L1 tables.
 * NULL: it is not.  LOCK_MM, which keeps such a table what it is.
 */
pte_t *resolve_l1_entry(struct domain *d, maddr_t maddr) must_check
	needs_lock(&d->mm);

#endif
