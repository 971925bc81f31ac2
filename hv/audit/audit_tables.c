/* SPDX-License-Identifier: MIT */
/* Every name of every frame, counted again: I3 to I7. */
#include <port.h>

#include "dom/console.h"
#include "dom/grant.h"
#include "dom/store.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "pv/xencomm.h"
#include "audit/audit_private.h"
#include "sharing/sharing.h"
#include "x86/cpu.h"

#define L1_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | 1UL << 62)
#define UPPER_REFUSED	(L1_REFUSED | PTE_G)

/* Note mfn, so that its window will be counted. */
static void note(struct audit *a, mfn_t mfn)
{
	if (mfn_n(mfn) >= mfn_n(a->end) && mfn_n(mfn) < mfn_n(a->named))
		a->named = mfn;
}

bool audit_in_window(struct audit *a, mfn_t mfn)
{
	if (mfn_n(mfn) - mfn_n(a->first) < a->frames || (a->last && mfn_n(mfn) >= mfn_n(a->end)))
		return true;
	note(a, mfn);
	return false;
}

struct audit_count *audit_count_of(struct audit *a, mfn_t mfn)
{
	if (mfn_n(mfn) - mfn_n(a->first) >= a->frames) {
		note(a, mfn);
		return NULL;
	}
	if (!frame_valid(mfn))
		return NULL;
	return &a->counts[mfn_n(mfn) - mfn_n(a->first)];
}

static bool is_own(const struct domain *d, uint64_t state)
{
	enum frame_kind kind = frame_state_kind(state);

	return (kind == FRAME_OWNED || kind == FRAME_HEAP) &&
	       frame_state_owner(state) == d->id;
}

void audit_name(struct audit *a, const struct domain *d, mfn_t mfn,
		enum page_class class, const char *what)
{
	struct audit_count *c = audit_count_of(a, mfn);
	const struct frame *f;

	if (!c)
		return;
	c->refs++;
	f = mfn_to_frame(mfn);
	if (frame_state_kind(f->state) == FRAME_SHARED)
		a->shared_entries++;	/* I12 */
	else if (!is_own(d, f->state))
		audit_error(a, "I3: d%u uses frame %lx (%s), which is not its own",
			    d->id, mfn_n(mfn), what);
	if (class == CLASS_NONE)
		return;
	c->types++;
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

static void l1_entry(struct audit *a, const struct domain *d, mfn_t table,
		     unsigned int slot, pte_t e)
{
	uint64_t state;
	bool shared;

	if (e & PTE_AVL_GRANT) {	/* TABLE5: its handle holds */
		a->grant_entries++;
		return;
	}
	if (e & PTE_AVL_DEVICE) {	/* audit_foreign.c has the others */
		if (!d->io.entries)
			audit_error(a, "I22: d%u table %lx slot %u: entry %lx is a device's, it counts none",
				    d->id, mfn_n(table), slot, e);
		return;
	}
	flags_check(a, d, table, slot, e, L1_REFUSED);
	if (e & PTE_AVL_FOREIGN) {	/* audit_foreign.c has the others */
		if (!d->foreign_entries)
			audit_error(a, "I21: d%u table %lx slot %u: entry %lx is foreign, it counts none",
				    d->id, mfn_n(table), slot, e);
		return;
	}
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
	audit_name(a, d, pte_mfn(e),
		   (e & PTE_RW) && !shared ? CLASS_WRITABLE : CLASS_NONE,
		   "mapped writable");
}

/*
 * I6: an entry that names a table of the same level; a table's link to itself
 * is counted in neither field (T2).
 */
static void linear_entry(struct audit *a, const struct domain *d, mfn_t table,
			 unsigned int slot, pte_t e)
{
	struct audit_count *to = audit_count_of(a, pte_mfn(e));
	struct audit_count *from = audit_count_of(a, table);

	if ((e & PTE_RW) && audit_in_window(a, table))
		audit_error(a, "I6: d%u table %lx slot %u: a linear entry is writable",
			    d->id, mfn_n(table), slot);
	if (to)
		to->refs++;
	if (mfn_eq(pte_mfn(e), table))
		return;
	if (to)
		to->linear++;
	if (from)
		from->linear_out++;
}

static void upper_entry(struct audit *a, const struct domain *d, mfn_t table,
			unsigned int level, unsigned int slot, pte_t e)
{
	flags_check(a, d, table, slot, e, UPPER_REFUSED);
	if (!target_check(a, d, table, slot, e))
		return;
	if (level_of(mfn_to_frame(pte_mfn(e))->type) == level)
		linear_entry(a, d, table, slot, e);
	else
		audit_name(a, d, pte_mfn(e), CLASS_L1 + (level - 2),
			   "entry above");
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
static void l1_entries(struct audit *a, const struct domain *d, mfn_t mfn,
		       unsigned int end)
{
	const pte_t *table = mfn_to_virt(mfn);
	unsigned int slot;

	for (slot = 0; slot < end; slot++) {
		pte_t e = table[slot];

		if ((e & PTE_P) && audit_in_window(a, pte_mfn(e)))
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

/* --- pages and what else names them --- */

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

static void page_names(struct audit *a, struct domain *d, mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	unsigned int level = level_of(f->type), end;
	struct audit_count *c = audit_count_of(a, mfn);

	if (c && (f->state & FRAME_ALLOCATED))
		c->refs++;
	if (c && (f->type & TYPE_PINNED) && !level)
		audit_error(a, "I4: d%u frame %lx is pinned as %s", d->id, mfn_n(mfn),
			    pagetype_class_name(type_class(f->type)));
	if (!level)
		return;
	if (f->type & TYPE_PINNED)
		audit_name(a, d, mfn, type_class(f->type), "pinned");
	end = entries_held(a, d, mfn, f->type);
	if (level == 1)
		l1_entries(a, d, mfn, end);
	else
		upper_entries(a, d, mfn, level, end);
}

struct named_by {
	struct audit *a;
	struct domain *d;
};

static void buffer_name(mfn_t mfn, void *arg)
{
	const struct named_by *n = arg;

	audit_name(n->a, n->d, mfn, CLASS_WRITABLE, "registered buffer");
}

/* The tree that somebody asked for and has not yet come for. */
static void result_name(struct audit *a, struct domain *d, const struct pt_result *r)
{
	if (r->state == PT_VALIDATED)
		audit_name(a, d, r->root, type_class(mfn_to_frame(r->root)->type),
			   "result");
}

static void vcpu_names(struct audit *a, struct domain *d, struct vcpu *v)
{
	unsigned int i;

	if (!mfn_eq(v->kernel_l4, INVALID_MFN))
		audit_name(a, d, v->kernel_l4, CLASS_L4, "kernel base");
	if (!mfn_eq(v->user_l4, INVALID_MFN))
		audit_name(a, d, v->user_l4, CLASS_L4, "user base");
	for (i = 0; i < GDT_FRAMES_MAX; i++)
		if (mfn_n(v->gdt_frames[i]))
			audit_name(a, d, v->gdt_frames[i], CLASS_DESC, "GDT");
	for (i = 0; i < LDT_FRAMES_MAX; i++)
		if (mfn_n(v->ldt_frames[i]))
			audit_name(a, d, v->ldt_frames[i], CLASS_DESC, "LDT");
	if (v->info_frame)
		audit_name(a, d, frame_to_mfn(v->info_frame), CLASS_WRITABLE,
			   "vcpu_info");
	result_name(a, d, &v->pt_result);
}

static void handle_part(struct audit *a, const struct grant_handle *h)
{
	struct audit_count *c = audit_count_of(a, MFN(h->mfn));

	if (!c)
		return;
	c->refs++;
	c->types += h->writable;
}

/*
 * Count the names that handles of `user` are for frames of the domain at hand.
 * The frame says whose it is: a handle of a dying domain's grant is disowned
 * before the page is (ctl/destroy.c, DISOWN, ORPHANS).
 */
static locks_unchecked void handle_names(struct domain *user, void *arg)
{
	const struct named_by *n = arg;
	uint32_t i;

	for (i = 0; user->grant && i < user->grant->handle_count; i++) {
		const struct grant_handle *h = grant_handle_get(user, i);

		if (!h || !audit_is_owner(n->d, MFN(h->mfn)))
			continue;
		if (h->kinds & GRANT_HOST)
			handle_part(n->a, h);
		if (h->kinds & GRANT_DEVICE)
			handle_part(n->a, h);
	}
}

/* Grants of others that d uses: each host part has one entry (I16). */
static locks_unchecked void host_parts(struct audit *a, struct domain *d)
{
	uint32_t n, hosts = 0;

	for (n = 0; d->grant && n < d->grant->handle_count; n++) {
		const struct grant_handle *h = grant_handle_get(d, n);

		if (h && (h->kinds & GRANT_HOST))
			hosts += audit_in_window(a, MFN(h->mfn));
	}
	if (hosts != a->grant_entries)
		audit_error(a, "I16: d%u has %u mapped grants, %u entries are marked",
			    d->id, hosts, a->grant_entries);
}

void audit_domain_names(struct audit *a, struct domain *d)
{
	struct named_by n = { a, d };
	uint32_t i;

	memset(a->counts, 0, a->frames * sizeof(a->counts[0]));
	a->grant_entries = 0;
	a->shared_entries = 0;
	audit_each_page(a, d, page_names);
	host_parts(a, d);
	if (d->grant && (d->grant->pinned_count || d->state == DOM_DYING))
		domain_for_each(handle_names, &n);
	audit_foreign_names(a, d);
	for (i = 0; i < d->vcpu_count; i++)
		vcpu_names(a, d, d->vcpu[i]);
	result_name(a, d, &d->pending.outside);
	if (d->console && console_ring_frame(d))
		audit_name(a, d, frame_to_mfn(console_ring_frame(d)),
			   CLASS_WRITABLE, "console ring");
	if (d->store && store_ring_frame(d))
		audit_name(a, d, frame_to_mfn(store_ring_frame(d)),
			   CLASS_WRITABLE, "store ring");
	/*
	 * The root of a tree that is half-way: its count belongs to the work.
	 */
	if (d->pending.tree.state != PT_IDLE)
		audit_name(a, d, d->pending.tree.root,
			   type_class(mfn_to_frame(d->pending.tree.root)->type),
			   "work");
	(void)xencomm_frames(d, buffer_name, &n);
	if (d->end.page)	/* the reaper stands there */
		audit_name(a, d, frame_to_mfn(d->end.page), CLASS_NONE,
			   "reaper");
	if (d->pending.renames.page)
		audit_name(a, d, frame_to_mfn(d->pending.renames.page), CLASS_NONE,
			   "breaking a share");
}
