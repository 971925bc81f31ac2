/* SPDX-License-Identifier: MIT */
/*
 * Break first: a shared page becomes the domain's own where somebody wants to
 * write.
 */
#ifndef HV_PV_PTBREAK_H
#define HV_PV_PTBREAK_H

#include "dom/domain.h"
#include "x86/pte.h"

/*
 * The caller wants a writable entry for mfn, a shared frame.  0: *f is d's own
 * page instead, with the same bytes and a general reference for the entry; if
 * nobody else holds mfn, *f is the same frame.  `pte` names mfn and is the
 * entry that will be replaced, else NULL; `next` is the entry that the caller
 * makes, there or elsewhere, 0 if none.  -EPERM: not held; -EBUSY: others
 * hold it, or map it, and d did not choose break first; -ENOMEM: no frame, or
 * quota.  LOCK_MM.
 */
int ptbreak_write(struct domain *d, const pte_t *pte, pte_t next, mfn_t mfn,
		  struct frame **f) must_check needs_lock(&d->mm);

/*
 * As ptbreak_write(), for *pte itself, a read-only entry of the shared frame
 * mfn, which the caller makes a writable one of the page *new: that has a
 * general reference and a writable use for it.  If *new is the same frame, the
 * entry's reference counts already.  LOCK_MM.
 */
int ptbreak_entry(struct domain *d, const pte_t *pte, mfn_t mfn, mfn_t *new)
	must_check needs_lock(&d->mm);

/*
 * d does not hold mfn any more, but mfn may be the old name of a page whose
 * share was just broken: then returns that page's frame, else INVALID_MFN.
 * LOCK_MM.
 */
mfn_t ptbreak_name_now(struct domain *d, mfn_t mfn) needs_lock(&d->mm);

/*
 * Names of d's pages change from now on: a vCPU of d's that comes out of its
 * guest goes back when LOCK_MM is free (K2).  True: those that run in it are
 * called by the flush that the caller makes now; false: they were.
 */
bool ptbreak_hold(struct domain *d);

/*
 * A break of the current vCPU's found no memory.  True: what it did is to be
 * done again, after others ran: with overcommit on, and of a domain whose pages
 * never move (SHARE_MODE_OWN_QUOTA), which has no way to go on without.  The
 * operator is told.  False: it is the guest's error.  Any lock before
 * LOCK_SCHED.
 */
bool ptbreak_waits(struct domain *d);

/*
 * d chooses break first: room for its past names.  -ENOMEM.  LOCK_MM.
 */
int ptbreak_names_init(struct domain *d) must_check needs_lock(&d->mm);

/*
 * The last mapping of mfn went, and nothing took its place: if d's hold of it
 * did, too, that is remembered, and told once.  LOCK_MM.
 */
void ptbreak_gone_note(struct domain *d, mfn_t mfn) needs_lock(&d->mm);
bool ptbreak_gone_take(struct domain *d, mfn_t mfn) needs_lock(&d->mm);

/* Are there shares that are broken in part?  No lock needed to ask. */
static inline bool ptbreak_left(const struct domain *d)
{
	return unlikely(atomic_load_relaxed(&d->pending.renames.count));
}

/*
 * Look at `steps` entries more for them (of a dying domain: forget them).
 * LOCK_MM.
 */
void ptbreak_part(struct domain *d, unsigned int steps) needs_lock(&d->mm);

/* Are entries for this frame being rewritten (K1)?  The machine is stopped. */
bool ptbreak_pending(const struct domain *d, mfn_t mfn);

#endif
