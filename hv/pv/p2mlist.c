/* SPDX-License-Identifier: MIT */
/*
 * The guest's own list of names; p2mlist.h has the contract, ptbreak.c the
 * rules (K2, K6, K7).
 *
 * The list is written as the guest itself would write it: through the entries
 * of its tables, which LOCK_MM keeps as they are, and only where they let it.
 */
#include <port.h>
#include <errno.h>

#include "pv/p2mlist.h"
#include "pv/ptcheck.h"
#include "x86/guestcopy.h"

#define LIST_DEPTH 8	/* K6 */

/*
 * The tables through which the list is written; LOCK_MM keeps them.
 * INVALID_MFN: none is left.
 */
static mfn_t any_kernel_l4(const struct domain *d) needs_lock(&d->mm)
{
	struct vcpu *v = current_vcpu();
	uint32_t i;

	if (v && v->domain == d)
		return v->kernel_l4;
	for (i = 0; i < d->vcpu_count; i++)
		if (!mfn_eq(d->vcpu[i]->kernel_l4, INVALID_MFN))
			return d->vcpu[i]->kernel_l4;
	return INVALID_MFN;
}

/* The entry that maps va in them, if it maps anything. */
static pte_t *present_entry(struct domain *d, uint64_t va) needs_lock(&d->mm)
{
	mfn_t l4 = any_kernel_l4(d);
	pte_t *pte = mfn_eq(l4, INVALID_MFN) ? NULL : ptcheck_walk(d, l4, va);

	return pte && (*pte & PTE_P) ? pte : NULL;
}

static uint64_t name_va(const struct domain *d, pfn_t pfn)
{
	return d->breaks.p2m + pfn_n(pfn) * sizeof(uint64_t);
}

pte_t *p2mlist_entry(struct domain *d, pfn_t pfn)
{
	if (pfn_n(pfn) >= d->breaks.p2m_entries)
		return NULL;
	return present_entry(d, name_va(d, pfn));
}

int p2mlist_prepare(struct domain *d, mfn_t mfn, pfn_t pfn, pte_t **listed)
{
	pte_t *pte = *listed = p2mlist_entry(d, pfn);
	int r;

	if (!pte || (*pte & (PTE_RW | PTE_AVL_SHARED)) != PTE_AVL_SHARED ||
	    mfn_eq(pte_mfn(*pte), mfn))
		return 0;
	if (d->pending.renames.list_depth == LIST_DEPTH)
		return -EBUSY;
	d->pending.renames.list_depth++;
	r = ptcheck_break(d, pte);
	d->pending.renames.list_depth--;
	return r ?: 1;
}

void p2mlist_write_broken(struct domain *d, pfn_t pfn, pte_t *pte, mfn_t old,
			  mfn_t new)
{
	bool itself = mfn_eq(pte_mfn(*pte), old);
	uint8_t *page;

	/* A device's memory is no list (IOFRAME1). */
	if (!itself && (*pte & (PTE_RW | PTE_AVL_DEVICE)) != PTE_RW)
		return;
	page = mfn_to_virt(itself ? new : pte_mfn(*pte));
	WRITE_ONCE(*(uint64_t *)(page + (name_va(d, pfn) & ~PAGE_MASK)), mfn_n(new));
	atomic_fetch_or(pte, PTE_A | PTE_D);
}

void p2mlist_write(struct domain *d, pfn_t pfn, mfn_t new)
{
	pte_t *pte = p2mlist_entry(d, pfn);

	if (pte)
		p2mlist_write_broken(d, pfn, pte, INVALID_MFN, new);
}

pte_t *p2mlist_linear(struct domain *d, pfn_t pfn, mfn_t mfn)
{
	uint64_t va;
	pte_t *pte;

	if (!d->breaks.linear_base || pfn_n(pfn) > UINT64_MAX >> PAGE_SHIFT ||
	    __builtin_add_overflow(d->breaks.linear_base, pfn_n(pfn) << PAGE_SHIFT, &va) ||
	    !guest_range_ok(va, PAGE_SIZE))
		return NULL;
	pte = present_entry(d, va);
	return pte && mfn_eq(pte_mfn(*pte), mfn) ? pte : NULL;
}
