/* SPDX-License-Identifier: MIT */
/* A shared frame becomes a domain's own page again; LOCK_MM. */
#ifndef HV_SHARING_OWNPAGE_H
#define HV_SHARING_OWNPAGE_H

#include "dom/domain.h"
#include "x86/pte.h"

/*
 * A new page for d with the bytes of `shared`, standing for the same pfn;
 * nobody's yet.  INVALID_MFN: none.
 */
mfn_t ownpage_copy(struct domain *d, mfn_t shared);
/*
 * mfn, a ownpage_copy(), or a frame that left the table by share_take() and
 * that no CPU's guest knows any more, is d's now, with `refs` names beside the
 * owner's, `writable` of them writable.  Its place in the quota was taken.  The
 * last step: others of d's CPUs, and those to whom d grants it, write it at
 * once.
 */
void ownpage_publish(struct domain *d, mfn_t mfn, uint32_t refs,
		     uint32_t writable);

/* The entry that maps the private frame where e mapped the shared one. */
static inline pte_t ownpage_pte(pte_t e, mfn_t mfn)
{
	pte_t flags = e & ~(PTE_ADDR_MASK | PTE_AVL_SHARED);

	return pte_make(mfn, flags | (e & PTE_AVL_SHARED ? PTE_RW : 0));
}

#endif
