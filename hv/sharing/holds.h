/* SPDX-License-Identifier: MIT */
/*
 * A domain's part of sharing: its group, and its right to map shared frames
 * (decision 7).
 */
#ifndef HV_SHARING_HOLDS_H
#define HV_SHARING_HOLDS_H

#include <share/share.h>

#include "dom/domain.h"

/*
 * Sharing state of a new domain, in `group` ("": alone); budget in pages.
 * -ENOMEM.
 */
int holds_domain_init(struct domain *d, const char *group, uint64_t budget);
/*
 * After all holds are gone: give back some of what was set aside for d in its
 * group; DONE: nothing is left to give.
 */
enum progress holds_domain_reap(struct domain *d);
void holds_domain_fini(struct domain *d);	/* and the rest */

/*
 * Does d hold this SHARED frame?  If so, *mappings is d's number of mappings of
 * it, and *pfn d's page.  Either may be NULL.  LOCK_MM of d keeps the answer
 * true.
 */
bool holds_find(struct domain *d, mfn_t mfn, uint32_t *mappings, pfn_t *pfn);
/*
 * d maps the frame read-only once more: 0, -EPERM (not held), -EBUSY (the
 * domain has SHARE_DOM_CAP).
 */
int holds_map(struct domain *d, mfn_t mfn) must_check needs_lock(&d->mm);
/* A mapping went; `broke`: a private writable page took its place. */
void holds_unmap(struct domain *d, mfn_t mfn, bool broke) needs_lock(&d->mm);
/*
 * Note in d's pages how many frames it holds, and is about to hold more.
 * LOCK_MM.
 */
void holds_count(struct domain *d, uint64_t more) needs_lock(&d->mm);
/*
 * Its holds are charged to its quota from now on, or to its budget again; it
 * has none.  -ENOSPC: what that takes is promised to others.  LOCK_MM.
 */
int holds_own_quota(struct domain *d, bool on) must_check needs_lock(&d->mm);
/* It may have another number of pages now: perhaps another budget.  LOCK_MM. */
void holds_budget_set(struct domain *d) needs_lock(&d->mm);
/*
 * If nobody else holds the frame, and d has just `mappings` of it: it is shared
 * no more and has no type; ownpage_publish() comes next.  -EBUSY: others hold
 * it, or d has another number of mappings; -EPERM: d does not hold it.  Then
 * nothing changed.  *held is how d holds it, or did; but for -EPERM.
 */
int holds_take(struct domain *d, mfn_t mfn, uint32_t mappings,
	       struct share_held *held) must_check needs_lock(&d->mm);

#endif
