/* SPDX-License-Identifier: MIT */
/*
 * The guest's own list of its pages' names, pfn after pfn, and its linear map
 * of them: where it told that they are (abi/share.h, struct shareop_mode).
 * What it told is not believed: each is looked for in its tables.  LOCK_MM.
 */
#ifndef HV_PV_P2MLIST_H
#define HV_PV_P2MLIST_H

#include "dom/domain.h"
#include "x86/pte.h"

/* The entry that maps the list's page with the name of pfn; NULL: none. */
pte_t *p2mlist_entry(struct domain *d, pfn_t pfn) needs_lock(&d->mm);
/*
 * K6: before the page pfn gets another name than mfn, the list's page is the
 * guest's own.  0: it was; 1: it was broken for it, and others with it, whose
 * pages have their names: whoever looked at a hold before looks again.  Or
 * -errno of ptbreak_write(); -EBUSY: so many pages of the list wait for one
 * another.  *listed is p2mlist_entry().
 */
int p2mlist_prepare(struct domain *d, mfn_t mfn, pfn_t pfn, pte_t **listed)
	must_check needs_lock(&d->mm);
/*
 * The page has the name `new`: into the list, where its entry is writable.
 * _broken: the entry is `listed`; it may name `old`, whose bytes are those of
 * `new`, which the guest is about to map: the list's page may be the one that
 * breaks.
 */
void p2mlist_write(struct domain *d, pfn_t pfn, mfn_t new) needs_lock(&d->mm);
void p2mlist_write_broken(struct domain *d, pfn_t pfn, pte_t *listed, mfn_t old,
			  mfn_t new) needs_lock(&d->mm);

/* The entry of the linear map, if it names mfn; else NULL. */
pte_t *p2mlist_linear(struct domain *d, pfn_t pfn, mfn_t mfn)
	needs_lock(&d->mm);

#endif
