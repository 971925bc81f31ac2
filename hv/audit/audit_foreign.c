/* SPDX-License-Identifier: MIT */
/*
 * Foreign entries, I21, and entries for memory of devices, I22; pv/foreign.h
 * and io/ioframe.h have their rules.
 *
 * Only the tables of a domain that has such entries are walked: those of the
 * first domain, while it builds or looks into another, or drives a device.
 */
#include <port.h>

#include "audit/audit_private.h"

typedef void (*foreign_fn)(struct audit *a, struct domain *d, pte_t e);

/* The entries of L1 table f that hold what they name (I7). */
static unsigned int entries_held(const struct frame *f)
{
	if (type_class(f->type) != CLASS_L1)
		return 0;
	return f->type & TYPE_VALIDATED ? PT_SLOTS : type_done(f->type);
}

struct walk {
	pte_t mark;		/* of PTE_AVL_OURS: which entries */
	foreign_fn fn;
	struct domain *d;	/* for fn */
	uint64_t entries;
};

static void table_walk(struct audit *a, struct walk *w, const struct frame *f)
{
	const pte_t *table = mfn_to_virt(frame_to_mfn(f));
	unsigned int slot, end = entries_held(f);

	for (slot = 0; slot < end; slot++) {
		if (!(table[slot] & PTE_P) || !(table[slot] & w->mark))
			continue;
		w->entries++;
		w->fn(a, w->d, table[slot]);
	}
}

/* Each entry in the tables of `mapper` that has the mark. */
static uint64_t walk(struct audit *a, const struct domain *mapper, pte_t mark,
		     foreign_fn fn, struct domain *d)
{
	const uint32_t heads[] = { mapper->pages.list, mapper->pages.left };
	struct walk w = { .mark = mark, .fn = fn, .d = d };
	unsigned int i;
	uint32_t link;

	for (i = 0; i < ARRAY_COUNT(heads); i++)
		for (link = heads[i]; link; link = frame_linked(link)->next)
			table_walk(a, &w, frame_linked(link));
	return w.entries;
}

/* --- what they name: I3, I4 --- */

static void use_count(struct audit *a, struct domain *d, pte_t e)
{
	struct audit_count *c;

	if (!audit_is_owner(d, pte_mfn(e)))
		return;
	c = audit_count_of(a, pte_mfn(e));
	if (!c)
		return;
	c->refs++;
	c->types += !!(e & PTE_RW);
}

struct owner {
	struct audit *a;
	struct domain *d;
};

static void mapper_walk(struct domain *mapper, void *arg)
{
	const struct owner *o = arg;

	if (mapper->foreign_entries && mapper != o->d)
		(void)walk(o->a, mapper, PTE_AVL_FOREIGN, use_count, o->d);
}

void audit_foreign_names(struct audit *a, struct domain *d)
{
	struct owner o = { a, d };

	domain_for_each(mapper_walk, &o);
}

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

static void entry_check(struct audit *a, struct domain *d, pte_t e)
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

void audit_foreign_entries(struct audit *a, struct domain *d)
{
	uint64_t entries = 0;

	if (d->foreign_entries)
		entries = walk(a, d, PTE_AVL_FOREIGN, entry_check, d);

	if (entries != d->foreign_entries)
		audit_error(a, "I21: d%u has %lu foreign entries, counts %lu", d->id,
			    entries, d->foreign_entries);
}

static void device_check(struct audit *a, struct domain *d, pte_t e)
{
	if (frame_valid(pte_mfn(e)) || d->id != DOMID_FIRST ||
	    (e & PTE_AVL_OURS) != PTE_AVL_DEVICE)
		audit_error(a, "I22: d%u has device entry %lx, which it may not have",
			    d->id, e);
}

void audit_foreign_devices(struct audit *a, struct domain *d)
{
	uint64_t entries = 0;

	if (d->io.entries)
		entries = walk(a, d, PTE_AVL_DEVICE, device_check, d);
	if (entries != d->io.entries)
		audit_error(a, "I22: d%u has %lu device entries, counts %lu", d->id,
			    entries, d->io.entries);
}
