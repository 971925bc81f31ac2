/* SPDX-License-Identifier: MIT */
/* Every name of every frame, counted again: I3 to I7. */
#include <port.h>

#include "dom/console.h"
#include "dom/grant.h"
#include "dom/store.h"
#include "pv/xencomm.h"
#include "sharing/audit.h"
#include "sharing/sharing.h"
#include "x86/cpu.h"

#define L1_REFUSED	(PTE_PWT | PTE_PCD | PTE_PSE | 1UL << 62)
#define UPPER_REFUSED	(L1_REFUSED | PTE_G)

void audit_name(struct audit *a, const struct domain *d, mfn_t mfn,
		enum page_class class, const char *what)
{
	struct audit_count *c = audit_count_of(a, mfn);
	const struct frame *f;

	if (!c)
		return;
	c->refs++;
	if (class == CLASS_NONE)
		return;
	c->types++;
	f = mfn_to_frame(mfn);
	if (type_class(f->type) != class)
		audit_error(a, "I4: d%u uses frame %lx as %s (%s), its type is %s",
			    d->id, mfn, page_class_name(class), what,
			    page_class_name(type_class(f->type)));
	if (class >= CLASS_L1 && class <= CLASS_DESC &&
	    !(f->type & (TYPE_VALIDATED | TYPE_PARTIAL)))
		audit_error(a, "I7: d%u uses frame %lx (%s), which was not validated",
			    d->id, mfn, what);
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
	if ((e & refused) || !(e & PTE_US) ||
	    (!cpu_features.nx && (e & PTE_NX)))
		audit_error(a, "I5: d%u table %lx slot %u: entry %lx has bits it may not have",
			    d->id, table, slot, e);
}

/* The frame of an entry is of a kind that the domain may map. False: not. */
static bool target_check(struct audit *a, const struct domain *d, mfn_t table,
			 unsigned int slot, pte_t e)
{
	uint64_t state;
	enum frame_kind kind;

	if (frame_valid(pte_mfn(e))) {
		state = mfn_to_frame(pte_mfn(e))->state;
		kind = frame_state_kind(state);
		if (kind == FRAME_SHARED)	/* held? I12 */
			return true;
		if ((kind == FRAME_OWNED || kind == FRAME_HEAP) &&
		    frame_state_owner(state) == d->id)
			return true;
	}
	audit_error(a, "I5: d%u table %lx slot %u: entry %lx names a frame that is not its own",
		    d->id, table, slot, e);
	return false;
}

static void l1_entry(struct audit *a, const struct domain *d, mfn_t table,
		     unsigned int slot, pte_t e)
{
	uint64_t state;
	bool shared;

	if (e & PTE_AVL_GRANT) {	/* V5: its handle holds */
		a->grant_entries++;
		return;
	}
	flags_check(a, d, table, slot, e, L1_REFUSED);
	if (!target_check(a, d, table, slot, e))
		return;
	state = mfn_to_frame(pte_mfn(e))->state;
	shared = frame_state_kind(state) == FRAME_SHARED;
	if ((e & PTE_AVL_SHARED) && !shared && !break_pending(d, pte_mfn(e)))
		audit_error(a, "I5: d%u table %lx slot %u: private frame %lx is marked shared",
			    d->id, table, slot, pte_mfn(e));
	if ((e & PTE_RW) && frame_state_kind(state) == FRAME_HEAP &&
	    !(state & FRAME_HEAP_RW))
		audit_error(a, "I5: d%u maps heap page %lx writable", d->id,
			    pte_mfn(e));
	audit_name(a, d, pte_mfn(e),
		   (e & PTE_RW) && !shared ? CLASS_WRITABLE : CLASS_NONE,
		   "mapped writable");
}

/* I6: a table of the same level as its parent; a link to itself is in neither number (T2). */
static void linear_entry(struct audit *a, const struct domain *d, mfn_t table,
			 unsigned int slot, pte_t e)
{
	struct audit_count *to = audit_count_of(a, pte_mfn(e));
	struct audit_count *from = audit_count_of(a, table);

	if (e & PTE_RW)
		audit_error(a, "I6: d%u table %lx slot %u: a linear entry is writable",
			    d->id, table, slot);
	if (to)
		to->refs++;
	if (pte_mfn(e) == table)
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

/* I5: slots 256 to 271 are ours (V3). */
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
			    d->id, table, slot, e);
}

static void table_entries(struct audit *a, struct domain *d, mfn_t mfn,
			  unsigned int level, unsigned int end)
{
	const pte_t *table = mfn_to_virt(mfn);
	unsigned int slot;

	for (slot = 0; slot < end; slot++) {
		pte_t e = table[slot];

		if (level == 4 && slot >= HV_FIRST_SLOT && slot <= HV_LAST_SLOT)
			hypervisor_slot(a, d, mfn, slot, e);
		else if (!(e & PTE_P))
			continue;
		else if (level == 1)
			l1_entry(a, d, mfn, slot, e);
		else
			upper_entry(a, d, mfn, level, slot, e);
	}
}

/* --- pages and what else names them --- */

/* I7, and how far the table's entries hold what they name. */
static unsigned int entries_held(struct audit *a, const struct domain *d,
				 mfn_t mfn, uint64_t type)
{
	if (type & TYPE_VALIDATED) {
		if (type & (TYPE_PARTIAL | TYPE_CHILD | TYPE_DONE_MASK))
			audit_error(a, "I7: d%u table %lx is validated and partial",
				    d->id, mfn);
		return PT_SLOTS;
	}
	/* T5; with `child` its entry holds a table that is partial itself. */
	if (type & TYPE_PARTIAL) {
		if (d->pt_work.state == PT_IDLE)
			audit_error(a, "I7: d%u table %lx is partial, and nobody goes on with it",
				    d->id, mfn);
		return MIN(type_done(type) + !!(type & TYPE_CHILD), PT_SLOTS);
	}
	if (type_count(type))
		audit_error(a, "I7: d%u table %lx is in use, neither validated nor partial",
			    d->id, mfn);
	return 0;
}

static void page_names(struct audit *a, struct domain *d, mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	unsigned int level = level_of(f->type);
	struct audit_count *c = audit_count_of(a, mfn);

	if (c && (f->state & FRAME_ALLOCATED))
		c->refs++;
	if ((f->type & TYPE_PINNED) && !level)
		audit_error(a, "I4: d%u frame %lx is pinned as %s", d->id, mfn,
			    page_class_name(type_class(f->type)));
	if (!level)
		return;
	if (f->type & TYPE_PINNED)
		audit_name(a, d, mfn, type_class(f->type), "pinned");
	table_entries(a, d, mfn, level, entries_held(a, d, mfn, f->type));
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

static void vcpu_names(struct audit *a, struct domain *d, struct vcpu *v)
{
	unsigned int i;

	if (v->kernel_l4 != INVALID_MFN)
		audit_name(a, d, v->kernel_l4, CLASS_L4, "kernel base");
	if (v->user_l4 != INVALID_MFN)
		audit_name(a, d, v->user_l4, CLASS_L4, "user base");
	for (i = 0; i < GDT_FRAMES_MAX; i++)
		if (v->gdt_frames[i])
			audit_name(a, d, v->gdt_frames[i], CLASS_DESC, "GDT");
	for (i = 0; i < LDT_FRAMES_MAX; i++)
		if (v->ldt_frames[i])
			audit_name(a, d, v->ldt_frames[i], CLASS_DESC, "LDT");
	if (v->info_frame)
		audit_name(a, d, frame_to_mfn(v->info_frame), CLASS_WRITABLE,
			   "vcpu_info");
}

static void handle_part(struct audit *a, const struct grant_handle *h)
{
	struct audit_count *c = audit_count_of(a, h->mfn);

	if (!c)
		return;
	c->refs++;
	c->types += h->writable;
}

/* Grants of others that d uses; each host part has one entry (I16). */
static void handle_names(struct audit *a, struct domain *d)
{
	uint32_t n, hosts = 0;

	for (n = 0; d->grant && n < d->grant->handle_count; n++) {
		const struct grant_handle *h = grant_handle_get(d, n);

		if (h && (h->kinds & GRANT_HOST)) {
			handle_part(a, h);
			hosts++;
		}
		if (h && (h->kinds & GRANT_DEVICE))
			handle_part(a, h);
	}
	if (hosts != a->grant_entries)
		audit_error(a, "I16: d%u has %u mapped grants, %u entries are marked",
			    d->id, hosts, a->grant_entries);
}

void audit_domain_names(struct audit *a, struct domain *d)
{
	struct named_by n = { a, d };
	uint32_t i;

	a->grant_entries = 0;
	audit_each_page(a, d, page_names);
	handle_names(a, d);
	for (i = 0; i < d->vcpu_count; i++)
		vcpu_names(a, d, d->vcpu[i]);
	if (d->console && console_ring_frame(d))
		audit_name(a, d, frame_to_mfn(console_ring_frame(d)),
			   CLASS_WRITABLE, "console ring");
	if (d->store && store_ring_frame(d))
		audit_name(a, d, frame_to_mfn(store_ring_frame(d)),
			   CLASS_WRITABLE, "store ring");
	/* The root of a tree half-way: its count is the work's. */
	if (d->pt_work.state != PT_IDLE && d->pt_work.state != PT_REFUSED)
		audit_name(a, d, d->pt_work.root,
			   type_class(mfn_to_frame(d->pt_work.root)->type),
			   "work");
	(void)xencomm_frames(d, buffer_name, &n);
	if (d->destroy_page)	/* the reaper stands there */
		audit_name(a, d, frame_to_mfn(d->destroy_page), CLASS_NONE,
			   "reaper");
	if (d->breaks.page)
		audit_name(a, d, frame_to_mfn(d->breaks.page), CLASS_NONE,
			   "breaking a share");
}

/* --- stored against counted --- */

static void type_counts(struct audit *a, mfn_t mfn, const struct frame *f,
			const struct audit_count *c)
{
	if (type_count(f->type) != c->types)
		audit_error(a, "I4: frame %lx counts %u uses as %s, it has %u",
			    mfn, type_count(f->type),
			    page_class_name(type_class(f->type)), c->types);
	if (type_linear_in(f->type) != c->linear ||
	    type_linear_out(f->type) != c->linear_out)
		audit_error(a, "I4: frame %lx counts %u linear uses and %u links, it has %u and %u",
			    mfn, type_linear_in(f->type),
			    type_linear_out(f->type), c->linear, c->linear_out);
	if (c->linear && c->linear_out)
		audit_error(a, "I6: table %lx has linear entries and is one", mfn);
}

void audit_frame_counts(struct audit *a, mfn_t mfn)
{
	const struct audit_count *c = audit_count_of(a, mfn);
	const struct frame *f = mfn_to_frame(mfn);
	enum frame_kind kind = frame_state_kind(f->state);

	if (kind != FRAME_OWNED && kind != FRAME_HEAP && kind != FRAME_SHARED) {
		if (c->refs)
			audit_error(a, "%s: frame %lx of kind %u has %u names",
				    kind == FRAME_FREE || kind == FRAME_POOL ?
				    "I2" : "I3", mfn, kind, c->refs);
		return;
	}
	/* What others may use of an orphan, they count themselves. */
	if (kind == FRAME_OWNED && frame_state_owner(f->state) == DOMID_ORPHAN)
		return;
	if (frame_state_ref(f->state) != c->refs)
		audit_error(a, "I3: frame %lx of d%u counts %u references, it has %u",
			    mfn, frame_state_owner(f->state),
			    frame_state_ref(f->state), c->refs);
	if (kind != FRAME_SHARED)
		type_counts(a, mfn, f, c);
}
