/* SPDX-License-Identifier: MIT */
/* A shared frame becomes a domain's own page again; LOCK_MM. */
#ifndef HV_SHARING_OWNPAGE_H
#define HV_SHARING_OWNPAGE_H

#include "dom/domain.h"
#include "x86/pte.h"

/*
 * A new page for d with the bytes of `shared`, standing for pfn; nobody's yet.
 * domain_quota_move() took the room for it; INVALID_MFN: there is no frame, and
 * the room is still taken.
 */
mfn_t ownpage_copy(struct domain *d, mfn_t shared, pfn_t pfn) must_check
	needs_lock(&d->mm);
/*
 * mfn becomes d's own page, with `refs` names beside the owner's, `writable` of
 * them writable.  It comes from ownpage_copy(), or from holds_take() after no
 * guest's TLB knows it any more; its room in the quota was taken.  This is the
 * last step: other CPUs of d's, and domains to which d grants the page, may
 * write it at once.
 */
void ownpage_publish(struct domain *d, mfn_t mfn, uint32_t refs,
		     uint32_t writable) needs_lock(&d->mm);

/* The entry that maps the private frame where e mapped the shared one. */
static inline pte_t ownpage_pte(pte_t e, mfn_t mfn)
{
	pte_t flags = e & ~(PTE_ADDR_MASK | PTE_AVL_SHARED);

	return pte_make(mfn, flags | (e & PTE_AVL_SHARED ? PTE_RW : 0));
}

#endif
