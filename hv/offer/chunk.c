/* SPDX-License-Identifier: MIT */
/* Names of page-table entries, as a guest gives them. */
#include <port.h>

#include "mm/objpool.h"
#include "pv/ptcheck.h"
#include "pv/resolve.h"
#include "offer/chunk_find.h"

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

/* Neighbouring addresses have their entries in one table: one walk. */
pte_t *chunk_enter(struct domain *d, struct chunk *c, uint64_t va)
{
	c->region = va / CHUNK_L1_BYTES;
	c->table = ptcheck_table(d, current_vcpu()->kernel_l4, va);
	return c->table;
}

pte_t *chunk_pte_by_maddr(struct domain *d, uint64_t name)
{
	return resolve_l1_entry(d, MADDR(name & ~SHARE_PTE_MADDR));
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

enum shareop_result chunk_find_others(struct domain *d, struct chunk *c,
				      const struct chunk_item *item, mfn_t mfn)
{
	struct chunk_name *names = &c->names[item->first];
	enum shareop_result r = SHARE_NOT_TRIED;
	unsigned int i;
	pte_t e = 0;

	for (i = 1; r == SHARE_NOT_TRIED && i < item->count; i++) {
		r = chunk_find_name(d, c, &names[i], &e);
		if (r == SHARE_NOT_TRIED && (name_seen(names, i, names[i].pte) ||
					     !mfn_eq(pte_mfn(e), mfn)))
			r = SHARE_BAD_PTE;
	}
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
