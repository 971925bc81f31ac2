/* SPDX-License-Identifier: MIT */
/* A domain's own numbers: pages (I10), holds (I12), M2P view (I9), peers (I18). */
#include <port.h>

#include "dom/evtchn_private.h"
#include "mm/m2p.h"
#include "pv/sharehooks.h"
#include "sharing/audit.h"
#include "sharing/sharing.h"

void audit_each_page(struct audit *a, struct domain *d,
		     void (*fn)(struct audit *a, struct domain *d, mfn_t mfn))
{
	const uint32_t heads[] = { d->page_list, d->page_list_left };
	unsigned int i;
	uint32_t mfn;

	for (i = 0; i < ARRAY_COUNT(heads); i++)
		for (mfn = heads[i]; mfn; mfn = mfn_to_frame(mfn)->next)
			fn(a, d, mfn);
}

/* --- I10 --- */

static void page_count(struct audit *a, struct domain *d, mfn_t mfn)
{
	uint64_t state = mfn_to_frame(mfn)->state;

	a->owned++;
	if (frame_state_kind(state) != FRAME_OWNED ||
	    frame_state_owner(state) != d->id || !frame_state_ref(state))
		audit_error(a, "I10: frame %lx on the list of d%u has state %lx",
			    mfn, d->id, state);
}

void audit_domain_pages(struct audit *a, struct domain *d)
{
	uint64_t before = a->owned;

	audit_each_page(a, d, page_count);
	if (a->owned - before != d->tot_pages)
		audit_error(a, "I10: d%u has %lu pages on its list, counts %lu",
			    d->id, a->owned - before, d->tot_pages);
	if (d->tot_pages > d->max_pages)
		audit_error(a, "I10: d%u has %lu pages, may have %lu", d->id,
			    d->tot_pages, d->max_pages);
	else
		a->credits += d->max_pages - d->tot_pages;
}

/* --- I12, I14 --- */

static bool is_l1(mfn_t mfn)
{
	uint64_t type = mfn_to_frame(mfn)->type;

	return type_class(type) == CLASS_L1 && (type & TYPE_VALIDATED);
}

static void entry_count(struct audit *a, struct domain *d, pte_t e)
{
	struct audit_count *c = audit_count_of(a, pte_mfn(e));

	if (!(e & PTE_P) || !c ||
	    frame_state_kind(mfn_to_frame(pte_mfn(e))->state) != FRAME_SHARED)
		return;
	c->seen++;
	if (e & PTE_RW)
		audit_error(a, "I14: d%u maps shared frame %lx writable",
			    d->id, pte_mfn(e));
}

static void table_count(struct audit *a, struct domain *d, mfn_t mfn)
{
	const pte_t *table = mfn_to_virt(mfn);
	unsigned int slot;

	for (slot = 0; is_l1(mfn) && slot < PT_SLOTS; slot++)
		entry_count(a, d, table[slot]);
}

static void table_clear(struct audit *a, struct domain *d, mfn_t mfn)
{
	const pte_t *table = mfn_to_virt(mfn);
	unsigned int slot;

	for (slot = 0; is_l1(mfn) && slot < PT_SLOTS; slot++) {
		mfn_t to = pte_mfn(table[slot]);
		struct audit_count *c = audit_count_of(a, to);

		if (!(table[slot] & PTE_P) || !c || !c->seen)
			continue;
		audit_error(a, "I12: d%u has %u entries for frame %lx beyond its hold",
			    d->id, c->seen, to);
		c->seen = 0;
	}
}

/* Holds against entries; what is left in seen has no hold. */
void audit_domain_holds(struct audit *a, struct domain *d)
{
	uint64_t cursor = 0;
	uint32_t frame, mappings;

	audit_each_page(a, d, table_count);
	while (d->share &&
	       share_dom_next(d->share, &cursor, &frame, &mappings)) {
		struct audit_count *c = audit_count_of(a, frame);

		if (!c)
			continue;
		if (c->seen != mappings)
			audit_error(a, "I12: d%u holds frame %x with %u mappings, its tables have %u",
				    d->id, frame, mappings, c->seen);
		c->seen = 0;
	}
	audit_each_page(a, d, table_clear);
}

/* --- I9 --- */

struct view_walk {
	struct audit *a;
	struct domain *d;
};

static void view_entry(mfn_t mfn, pfn_t pfn, void *arg)
{
	const struct view_walk *w = arg;
	uint64_t state;

	if (frame_valid(mfn)) {
		state = mfn_to_frame(mfn)->state;
		if (frame_state_kind(state) == FRAME_OWNED &&
		    frame_state_owner(state) == w->d->id)
			return;
		if (frame_state_kind(state) == FRAME_SHARED &&
		    sharing_holds(w->d, mfn))
			return;
	}
	audit_error(w->a, "I9: d%u sees pfn %lx for frame %lx, which it neither owns nor holds",
		    w->d->id, pfn, mfn);
}

void audit_domain_view(struct audit *a, struct domain *d)
{
	struct view_walk w = { a, d };
	unsigned int slot;

	if (!d->m2p.l3)
		return;
	m2p_for_each(&d->m2p, view_entry, &w);
	for (slot = 0; slot < PT_SLOTS; slot++)
		if ((d->m2p.l3[slot] & PTE_P) && (d->m2p.l3[slot] & PTE_US) &&
		    (d->m2p.l3[slot] & PTE_RW))
			audit_error(a, "I9: d%u can write its M2P view, slot %u",
				    d->id, slot);
}

/* --- I18 --- */

void audit_domain_ports(struct audit *a, struct domain *d)
{
	uint32_t port;

	for (port = 1; port < d->port_count; port++)
		if (d->ports[port].state == PORT_INTERDOMAIN &&
		    !audit_alive(d->ports[port].remote_dom))
			audit_error(a, "I18: port %u of d%u is bound to d%u, which is gone",
				    port, d->id, d->ports[port].remote_dom);
}
