/* SPDX-License-Identifier: MIT */
/*
 * Find the entries that an item of a chunk names.  Inlined, for it is done for
 * each page that is offered; what is rare is in chunk.c.
 */
#ifndef HV_OFFER_CHUNK_FIND_H
#define HV_OFFER_CHUNK_FIND_H

#include "offer/chunk.h"
#include "x86/guestcopy.h"

#define CHUNK_INLINE	static inline __attribute__((always_inline))
/* What one table maps. */
#define CHUNK_L1_BYTES	((uint64_t)PT_SLOTS << PAGE_SHIFT)

/* chunk.c: the table that maps va, the chunk's from now on; NULL: none. */
pte_t *chunk_enter(struct domain *d, struct chunk *c, uint64_t va)
	needs_lock(&d->mm);
/* The entry of a name that is a machine address, or NULL. */
pte_t *chunk_pte_by_maddr(struct domain *d, uint64_t name) needs_lock(&d->mm);
/*
 * The names of an item but for its first, which maps mfn: do they map it, too,
 * each by an entry of its own?  If not, why.
 */
enum shareop_result chunk_find_others(struct domain *d, struct chunk *c,
				      const struct chunk_item *item, mfn_t mfn)
	needs_lock(&d->mm);

/* *why is SHARE_BAD_PTE. */
CHUNK_INLINE pte_t *chunk_pte_by_va(struct domain *d, struct chunk *c, uint64_t va,
				    enum shareop_result *why) needs_lock(&d->mm)
{
	pte_t *table = c->table;

	if (unlikely((va & ~PAGE_MASK) || !guest_range_ok(va, 1)))
		return NULL;
	*why = SHARE_NOT_MAPPED;
	if (unlikely(c->region != va / CHUNK_L1_BYTES))
		table = chunk_enter(d, c, va);
	return table ? &table[pt_slot(va, 1)] : NULL;
}

/* The entry of a name, and what it holds now. */
CHUNK_INLINE enum shareop_result chunk_find_name(struct domain *d, struct chunk *c,
						 struct chunk_name *n, pte_t *e)
	needs_lock(&d->mm)
{
	enum shareop_result why = SHARE_BAD_PTE;

	if (unlikely(n->name & SHARE_PTE_MADDR))
		n->pte = chunk_pte_by_maddr(d, n->name);
	else
		n->pte = chunk_pte_by_va(d, c, n->name, &why);
	if (unlikely(!n->pte))
		return why;
	*e = READ_ONCE(*n->pte);
	n->was_rw = *e & PTE_RW;
	if (!(*e & PTE_P))
		return SHARE_NOT_MAPPED;
	if (*e & PTE_AVL_DEVICE)
		return SHARE_NOT_OWNED;	/* nor is it a frame (IOFRAME1) */
	/* Granted in: the entry is the grant handle's. */
	return *e & PTE_AVL_GRANT ? SHARE_GRANTED : SHARE_NOT_TRIED;
}

/*
 * The entries that an item names and the one frame that they map.
 * SHARE_NOT_TRIED: found (mfn set), else why not.
 */
CHUNK_INLINE enum shareop_result chunk_find_ptes(struct domain *d, struct chunk *c,
						 struct chunk_item *item)
	needs_lock(&d->mm)
{
	enum shareop_result r;
	pte_t e = 0;

	r = chunk_find_name(d, c, &c->names[item->first], &e);
	if (unlikely(item->count > 1) && r == SHARE_NOT_TRIED)
		r = chunk_find_others(d, c, item, pte_mfn(e));
	if (likely(r == SHARE_NOT_TRIED))
		item->mfn = pte_mfn(e);
	return r;
}

#endif
