/* SPDX-License-Identifier: MIT */
/* Names of page-table entries, as a guest gives them. */
#include <port.h>

#include "mm/objpool.h"
#include "pv/ptcheck.h"
#include "pv/resolve.h"
#include "offer/chunk.h"
#include "x86/guestcopy.h"

/* What one table maps. */
#define L1_BYTES	((uint64_t)PT_SLOTS << PAGE_SHIFT)

static struct chunk *scratch[MAX_CPUS];	/* each by its CPU */

void chunk_init(void)
{
	uint32_t i;

	for (i = 0; i < cpu_count; i++) {
		scratch[i] = obj_alloc(sizeof(struct chunk));
		if (!scratch[i])
			panic("no memory for offers");
	}
}

struct chunk *chunk_scratch(void)
{
	return scratch[this_cpu()->id];
}

/*
 * Neighbouring addresses have their entries in one table: one walk.  *why is
 * SHARE_BAD_PTE.
 */
static inline __attribute__((always_inline))
pte_t *pte_by_va(struct domain *d, struct chunk *c, uint64_t va,
		 enum shareop_result *why) needs_lock(&d->mm)
{
	if (unlikely((va & ~PAGE_MASK) || !guest_range_ok(va, 1)))
		return NULL;
	*why = SHARE_NOT_MAPPED;
	if (c->region != va / L1_BYTES) {
		c->region = va / L1_BYTES;
		c->table = ptcheck_table(d, current_vcpu()->kernel_l4, va);
	}
	return c->table ? &c->table[pt_slot(va, 1)] : NULL;
}

static bool name_seen(const struct chunk_name *names, unsigned int count,
		      const pte_t *pte)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (names[i].pte == pte)
			return true;
	return false;
}

/* The entry of a name, and what it holds now. */
static inline __attribute__((always_inline))
enum shareop_result name_find(struct domain *d, struct chunk *c,
			      struct chunk_name *n, pte_t *e)
	needs_lock(&d->mm)
{
	enum shareop_result why = SHARE_BAD_PTE;

	if (n->name & SHARE_PTE_MADDR)
		n->pte = resolve_l1_entry(d, MADDR(n->name & ~SHARE_PTE_MADDR));
	else
		n->pte = pte_by_va(d, c, n->name, &why);
	if (!n->pte)
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

enum shareop_result chunk_find_ptes(struct domain *d, struct chunk *c,
			     struct chunk_item *item)
{
	struct chunk_name *names = &c->names[item->first];
	enum shareop_result r;
	unsigned int i;
	mfn_t mfn;
	pte_t e = 0;

	r = name_find(d, c, &names[0], &e);
	mfn = pte_mfn(e);
	for (i = 1; r == SHARE_NOT_TRIED && i < item->count; i++) {
		r = name_find(d, c, &names[i], &e);
		if (r == SHARE_NOT_TRIED && (name_seen(names, i, names[i].pte) ||
					     !mfn_eq(pte_mfn(e), mfn)))
			r = SHARE_BAD_PTE;
	}
	if (likely(r == SHARE_NOT_TRIED))
		item->mfn = mfn;
	return r;
}

static void item_tally(const struct domain *d, const struct chunk *c,
		       const struct chunk_item *item, pte_t was_rw)
{
	const struct chunk_name *n = &c->names[item->first];
	unsigned int i;

	for (i = 0; i < item->count; i++)
		tally_entry(d, n[i].pte,
			    pte_make(item->mfn, PTE_P | (n[i].was_rw ? was_rw : 0)), *n[i].pte);
}

void chunk_tally(const struct domain *d, const struct chunk *c, pte_t was_rw)
{
	unsigned int i;

	for (i = 0; i < c->item_count; i++)
		if (c->items[i].result == SHARE_DONE)
			item_tally(d, c, &c->items[i], was_rw);
}
