/* SPDX-License-Identifier: MIT */
/* What tables name, counted again, and what entries are: I3 to I7. */
#include <port.h>

#include "dom/grant.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "audit/audit_private.h"
#include "x86/cpu.h"

#define L1_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | 1UL << 62)
#define UPPER_REFUSED	(L1_REFUSED | PTE_G)

bool audit_in_window(struct audit *a, mfn_t mfn)
{
	if (mfn_n(mfn) - mfn_n(a->tally.first) < a->tally.frames ||
	    (a->last && mfn_n(mfn) >= mfn_n(a->end)))
		return true;
	if (mfn_n(mfn) >= mfn_n(a->end) && mfn_n(mfn) < mfn_n(a->named))
		a->named = mfn;
	return false;
}

static bool is_own(const struct domain *d, uint64_t state)
{
	enum frame_kind kind = frame_state_kind(state);

	return (kind == FRAME_OWNED || kind == FRAME_HEAP) &&
	       frame_state_owner(state) == d->id;
}

void audit_use_check(struct audit *a, const struct domain *d, mfn_t mfn,
		     enum page_class class, const char *what)
{
	const struct frame *f = mfn_to_frame(mfn);

	if (frame_state_kind(f->state) != FRAME_SHARED && !is_own(d, f->state))
		audit_error(a, "I3: d%u uses frame %lx (%s), which is not its own",
			    d->id, mfn_n(mfn), what);
	if (class == CLASS_NONE)
		return;
	if (type_class(f->type) != class)
		audit_error(a, "I4: d%u uses frame %lx as %s (%s), its type is %s",
			    d->id, mfn_n(mfn), pagetype_class_name(class), what,
			    pagetype_class_name(type_class(f->type)));
	if (class >= CLASS_L1 && class <= CLASS_DESC &&
	    !(f->type & (TYPE_VALIDATED | TYPE_PARTIAL)))
		audit_error(a, "I7: d%u uses frame %lx (%s), which was not validated",
			    d->id, mfn_n(mfn), what);
}

/* --- entries --- */

static unsigned int level_of(uint64_t type)
{
	enum page_class class = type_class(type);

	return class >= CLASS_L1 && class <= CLASS_L4 ? class - CLASS_L1 + 1 : 0;
}

static void flags_check(struct audit *a, const struct domain *d, mfn_t table,
			unsigned int slot, pte_t e, uint64_t refused)
{
	if (!audit_in_window(a, pte_mfn(e)))
		return;
	if ((e & refused) || !(e & PTE_US) ||
	    (!cpu_features.nx && (e & PTE_NX)))
		audit_error(a, "I5: d%u table %lx slot %u: entry %lx has bits it may not have",
			    d->id, mfn_n(table), slot, e);
}

/* True: the frame of an entry is of a kind that the domain may map. */
static bool target_check(struct audit *a, const struct domain *d, mfn_t table,
			 unsigned int slot, pte_t e)
{
	uint64_t state;

	if (frame_valid(pte_mfn(e))) {
		state = mfn_to_frame(pte_mfn(e))->state;
		if (frame_state_kind(state) == FRAME_SHARED) /* held? I12 */
			return true;
		if (is_own(d, state))
			return true;
	}
	if (audit_in_window(a, pte_mfn(e)))
		audit_error(a, "I5: d%u table %lx slot %u: entry %lx names a frame that is not its own",
			    d->id, mfn_n(table), slot, e);
	return false;
}

/* I16: handles know their entries (audit_grants.c), and this is one of them. */
static locks_unchecked void grant_entry(struct audit *a, struct domain *d, mfn_t table,
					unsigned int slot, pte_t e)
{
	const pte_t *pte = (const pte_t *)mfn_to_virt(table) + slot;
	uint32_t n = d->grant ? grant_handle_by_pte(d, virt_to_maddr(pte)) : ~0u;

	if (!d->grant || !grant_handle_get(d, n))
		audit_error(a, "I16: d%u table %lx slot %u: entry %lx has no grant's handle",
			    d->id, mfn_n(table), slot, e);
}

/* An entry that is marked as no page of the domain's own. */
static void marked_entry(struct audit *a, struct domain *d, mfn_t table,
			 unsigned int slot, pte_t e)
{
	tally_l1_add(&a->tally, e, 1);
	if (!a->once)
		return;
	if (e & PTE_AVL_GRANT) {	/* TABLE5: its handle holds */
		grant_entry(a, d, table, slot, e);
		return;
	}
	if (e & PTE_AVL_DEVICE) {
		audit_foreign_device(a, d, e);
		return;
	}
	if (e & L1_REFUSED)
		audit_error(a, "I5: d%u table %lx slot %u: entry %lx has bits it may not have",
			    d->id, mfn_n(table), slot, e);
	audit_foreign_entry(a, d, e);
}

static void l1_entry(struct audit *a, const struct domain *d, mfn_t table,
		     unsigned int slot, pte_t e)
{
	uint64_t state;
	bool shared;

	flags_check(a, d, table, slot, e, L1_REFUSED);
	if (!target_check(a, d, table, slot, e))
		return;
	state = mfn_to_frame(pte_mfn(e))->state;
	shared = frame_state_kind(state) == FRAME_SHARED;
	if ((e & PTE_AVL_SHARED) && !shared && !ptbreak_pending(d, pte_mfn(e)))
		audit_error(a, "I5: d%u table %lx slot %u: private frame %lx is marked shared",
			    d->id, mfn_n(table), slot, mfn_n(pte_mfn(e)));
	if ((e & PTE_RW) && frame_state_kind(state) == FRAME_HEAP &&
	    !(state & FRAME_HEAP_RW))
		audit_error(a, "I5: d%u maps heap page %lx writable", d->id,
			    mfn_n(pte_mfn(e)));
	if (shared && (e & PTE_RW))
		audit_error(a, "I14: d%u maps shared frame %lx writable", d->id,
			    mfn_n(pte_mfn(e)));
	audit_use_check(a, d, pte_mfn(e),
			(e & PTE_RW) && !shared ? CLASS_WRITABLE : CLASS_NONE,
			"mapped writable");
	tally_l1_add(&a->tally, e, 1);
}

static void upper_entry(struct audit *a, const struct domain *d, mfn_t table,
			unsigned int level, unsigned int slot, pte_t e)
{
	flags_check(a, d, table, slot, e, UPPER_REFUSED);
	if (!target_check(a, d, table, slot, e))
		return;
	if (level_of(mfn_to_frame(pte_mfn(e))->type) != level) {
		if (audit_in_window(a, pte_mfn(e)))
			audit_use_check(a, d, pte_mfn(e), CLASS_L1 + (level - 2),
					"entry above");
	} else if ((e & PTE_RW) && audit_in_window(a, table)) {
		audit_error(a, "I6: d%u table %lx slot %u: a linear entry is writable",
			    d->id, mfn_n(table), slot);
	}
	tally_upper_add(&a->tally, table, e, 1);
}

/* I5: slots 256 to 271 are ours (TABLE3). */
static void hypervisor_slot(struct audit *a, const struct domain *d,
			    mfn_t table, unsigned int slot, pte_t e)
{
	const pte_t *template = maddr_to_virt(cpu_idle_cr3);
	pte_t want = template[slot];

	if (slot == M2P_SLOT)
		want = pte_make(virt_to_mfn(d->m2p.l3),
				PTE_P | PTE_RW | PTE_US | PTE_A);
	if ((e ^ want) & ~(PTE_A | PTE_D))
		audit_error(a, "I5: d%u table %lx slot %u: %lx is not the hypervisor's entry",
			    d->id, mfn_n(table), slot, e);
}

/* Where the audit spends its time: most entries are in another window. */
static void l1_entries(struct audit *a, struct domain *d, mfn_t mfn, unsigned int end)
{
	const pte_t *table = mfn_to_virt(mfn);
	unsigned int slot;

	for (slot = 0; slot < end; slot++) {
		pte_t e = table[slot];

		if (!(e & PTE_P))
			continue;
		if (e & (PTE_AVL_OURS & ~PTE_AVL_SHARED))
			marked_entry(a, d, mfn, slot, e);
		else if (audit_in_window(a, pte_mfn(e)))
			l1_entry(a, d, mfn, slot, e);
	}
}

static void upper_entries(struct audit *a, const struct domain *d, mfn_t mfn,
			  unsigned int level, unsigned int end)
{
	const pte_t *table = mfn_to_virt(mfn);
	bool own = audit_in_window(a, mfn);
	unsigned int slot;

	for (slot = 0; slot < end; slot++) {
		bool ours = slot_is_hypervisor(level, slot);

		if (ours && own)
			hypervisor_slot(a, d, mfn, slot, table[slot]);
		else if (!ours && (table[slot] & PTE_P))
			upper_entry(a, d, mfn, level, slot, table[slot]);
	}
}

/* --- pages --- */

static void units_use(struct audit *a, unsigned int units)
{
	a->units -= MIN(a->units, units);
}

/* I7, and how far the table's entries hold what they name. */
static unsigned int entries_held(struct audit *a, const struct domain *d,
				 mfn_t mfn, uint64_t type)
{
	bool own = audit_in_window(a, mfn);

	if (type & TYPE_VALIDATED) {
		if (own && (type & (TYPE_PARTIAL | TYPE_CHILD | TYPE_DONE_MASK)))
			audit_error(a, "I7: d%u table %lx is validated and partial",
				    d->id, mfn_n(mfn));
		return PT_SLOTS;
	}
	/* T5; with `child` its entry holds a table that is partial itself. */
	if (type & TYPE_PARTIAL) {
		if (own && d->pending.tree.state == PT_IDLE)
			audit_error(a, "I7: d%u table %lx is partial, and nobody goes on with it",
				    d->id, mfn_n(mfn));
		return MIN(type_done(type) + !!(type & TYPE_CHILD), PT_SLOTS);
	}
	if (own && type_count(type))
		audit_error(a, "I7: d%u table %lx is in use, neither validated nor partial",
			    d->id, mfn_n(mfn));
	return 0;
}

static void page_seen(struct audit *a, struct domain *d, mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	unsigned int level = level_of(f->type), end;

	units_use(a, AUDIT_PAGE_UNITS);
	a->tally.pages++;
	if (audit_in_window(a, mfn))	/* it will be, one day */
		(void)tally_count_of(&a->tally, mfn);
	if (!level)
		return;
	units_use(a, AUDIT_TABLE_UNITS);
	end = entries_held(a, d, mfn, f->type);
	if (level == 1)
		l1_entries(a, d, mfn, end);
	else
		upper_entries(a, d, mfn, level, end);
}

static mfn_t leaf_from(const struct domain *d, mfn_t mfn, bool by_leaf)
{
	if (!by_leaf || mfn_n(mfn) % PT_SLOTS)
		return mfn;
	return d->m2p.l3 ? m2p_leaf_from(&d->m2p, mfn, frame_max_mfn) : INVALID_MFN;
}

/* The first page of d's in [mfn, end). */
static mfn_t page_from(const struct domain *d, mfn_t mfn, mfn_t end)
{
	while (mfn_n(mfn) < mfn_n(end)) {
		mfn_t run = audit_ram_run(&mfn, end);
		const struct frame *f = mfn_to_frame(mfn);

		for (; mfn_n(mfn) < mfn_n(run); mfn = mfn_add(mfn, 1), f++)
			if (frame_state_is_page(f->state, d->id))
				return mfn;
	}
	return mfn;
}

void audit_pages_walk(struct audit *a, struct domain *d, mfn_t *place, bool by_leaf,
		      audit_page_fn fn)
{
	mfn_t mfn = leaf_from(d, *place, by_leaf), end, page;

	while (a->units && mfn_n(mfn) < mfn_n(frame_max_mfn)) {
		end = mfn_min(MFN((mfn_n(mfn) / PT_SLOTS + 1) * PT_SLOTS), frame_max_mfn);
		page = page_from(d, mfn, end);
		units_use(a, 1 + (mfn_n(page) - mfn_n(mfn)) / 2);
		if (!mfn_eq(page, end)) {
			fn(a, d, page);
			page = mfn_add(page, 1);
		}
		mfn = leaf_from(d, page, by_leaf);
	}
	*place = mfn_min(mfn, frame_max_mfn);
}

enum progress audit_domain_tables(struct audit *a, struct domain *d)
{
	audit_pages_walk(a, d, &a->tally.place, !a->leafless, page_seen);
	return mfn_eq(a->tally.place, frame_max_mfn) ? DONE : MORE;
}
