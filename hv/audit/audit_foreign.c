/* SPDX-License-Identifier: MIT */
/*
 * Foreign entries, I21, and entries for memory of devices, I22; pv/foreign.h
 * and io/ioframe.h have their rules.
 *
 * Only the first domain has such entries, while it builds or looks into
 * another, or drives a device.
 */
#include <port.h>

#include "audit/audit_private.h"

/* --- by themselves --- */

static bool may_map(const struct domain *d, pte_t e)
{
	uint64_t state = frame_state(mfn_to_frame(pte_mfn(e)));

	if (frame_state_owner(state) == d->id || !frame_state_ref(state))
		return false;
	if (frame_state_kind(state) == FRAME_HEAP)
		return !(e & PTE_RW) || (state & FRAME_HEAP_RW);
	return frame_state_kind(state) == FRAME_OWNED;
}

void audit_foreign_entry(struct audit *a, struct domain *d, pte_t e)
{
	const struct frame *f = mfn_to_frame(pte_mfn(e));

	if (!frame_valid(pte_mfn(e)) || !may_map(d, e)) {
		audit_error(a, "I21: d%u has foreign entry %lx, which it may not have",
			    d->id, e);
		return;
	}
	if ((e & PTE_RW) && type_class(f->type) != CLASS_WRITABLE)
		audit_error(a, "I4: d%u maps foreign frame %lx writable, its type is %s",
			    d->id, mfn_n(pte_mfn(e)),
			    pagetype_class_name(type_class(f->type)));
}

void audit_foreign_device(struct audit *a, struct domain *d, pte_t e)
{
	if (frame_valid(pte_mfn(e)) || d->id != DOMID_FIRST ||
	    (e & PTE_AVL_OURS) != PTE_AVL_DEVICE)
		audit_error(a, "I22: d%u has device entry %lx, which it may not have",
			    d->id, e);
}

/* --- what they name: I3, I4 --- */

/* The entries of L1 table f that hold what they name (I7). */
static unsigned int entries_held(const struct frame *f)
{
	if (type_class(f->type) != CLASS_L1)
		return 0;
	return f->type & TYPE_VALIDATED ? PT_SLOTS : type_done(f->type);
}

static void table_walk(struct audit *a, struct domain *first, mfn_t mfn)
{
	unsigned int slot, end = entries_held(mfn_to_frame(mfn));
	const pte_t *table = mfn_to_virt(mfn);

	for (slot = 0; slot < end; slot++)
		if ((table[slot] & PTE_P) && (table[slot] & PTE_AVL_FOREIGN))
			tally_foreign_add(&a->tally, table[slot], 1);
	a->units -= MIN(a->units, end);
}

/* m's foreign entries; if it has none, all its tables count as walked. */
static enum progress mapper_walk(struct audit *a, struct domain *m)
{
	struct tally *t = &a->tally;

	if (!m->tally_foreign) {
		m->tally_foreign = t;
		t->mapper = m->id;
		t->foreign_place = m->foreign_entries ? MFN(0) : frame_max_mfn;
	}
	audit_pages_walk(a, m, &t->foreign_place, false, table_walk);
	return mfn_eq(t->foreign_place, frame_max_mfn) ? DONE : MORE;
}

enum progress audit_foreign_tables(struct audit *a, struct domain *d)
{
	enum progress left = DONE;
	struct domain *m;

	while (a->units && left == DONE) {
		unsigned int slot = a->mapper_slot;

		m = domain_from_slot(&slot);
		if (!m)
			return DONE;
		a->units--;
		if (m != d)
			left = mapper_walk(a, m);
		if (left == DONE)
			a->mapper_slot = slot;
		domain_put(m);
	}
	return MORE;
}
