/* SPDX-License-Identifier: MIT */
/* What page-table code asks of sharing; provided above, by hv/sharing. */
#ifndef HV_PV_SHAREHOOKS_H
#define HV_PV_SHAREHOOKS_H

#include "dom/domain.h"
#include "x86/pte.h"

/* Sharing state of a new domain; budget in pages. -ENOMEM. */
int sharing_domain_init(struct domain *d, const char *group, uint64_t budget);
/* Of a new domain: the operator chose break first for it, from when it says where its p2m list is. */
void sharing_break_first(struct domain *d);
/* Does the domain hold this SHARED frame (decision 7)? */
bool sharing_holds(struct domain *d, mfn_t mfn);
/* One more read-only mapping of it: 0, -EPERM (not held), -EBUSY (the domain has SHARE_DOM_CAP). */
int sharing_map(struct domain *d, mfn_t mfn) must_check;
/* A mapping went; `broke`: a private writable page took its place. */
void sharing_unmap(struct domain *d, mfn_t mfn, bool broke);

/*
 * A writable entry is wanted for mfn, a shared frame.  0: *f is d's own page instead, with
 * the same bytes and a general reference for the entry; it is the same frame where nobody else has it.
 * `pte` names mfn and is the entry that will be replaced, else NULL.
 * -EPERM: not held; -EBUSY: others hold it, or map it, and d did not choose break first;
 * -ENOMEM: no frame, or quota.  LOCK_MM.
 */
int sharing_write(struct domain *d, const pte_t *pte, mfn_t mfn,
		  struct frame **f) must_check;

/*
 * d does not hold mfn any more: the frame of the page that it stood for until a
 * break just now; or INVALID_MFN.  LOCK_MM.
 */
mfn_t sharing_name_now(struct domain *d, mfn_t mfn);

/* Are there shares that are broken in part?  No lock needed to ask. */
static inline bool sharing_breaks_left(const struct domain *d)
{
	return unlikely(d->breaks.count);
}

/* Look at `steps` entries more for them (of a dying domain: forget them).  LOCK_MM. */
void sharing_break_part(struct domain *d, unsigned int steps);

#endif
