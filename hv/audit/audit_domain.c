/* SPDX-License-Identifier: MIT */
/*
 * A domain's own numbers: pages (I3, I4, I10), holds (I12), M2P view (I9),
 * peers (I18).
 */
#include <port.h>

#include "dom/evtchn_private.h"
#include "mm/m2p.h"
#include "sharing/holds.h"
#include "audit/audit_private.h"
#include "sharing/sharing.h"

void audit_each_page(struct audit *a, struct domain *d,
		     void (*fn)(struct audit *a, struct domain *d, mfn_t mfn))
{
	const uint32_t heads[] = { d->pages.list, d->pages.left };
	unsigned int i;
	uint32_t link;

	for (i = 0; i < ARRAY_COUNT(heads); i++)
		for (link = heads[i]; link; link = frame_linked(link)->next)
			fn(a, d, MFN(link));
}

/* --- I10 --- */

static void page_count(struct audit *a, struct domain *d, mfn_t mfn)
{
	uint64_t state = mfn_to_frame(mfn)->state;

	a->listed++;
	if (frame_state_kind(state) != FRAME_OWNED ||
	    frame_state_owner(state) != d->id || !frame_state_ref(state))
		audit_error(a, "I10: frame %lx on the list of d%u has state %lx",
			    mfn_n(mfn), d->id, state);
}

/* OWN1, OWN2 (dom/promise.c); a break that is under way has one of both. */
static void own_quota(struct audit *a, struct domain *d)
{
	uint64_t has = d->pages.total + d->pages.held;
	uint64_t breaks = d->pending.renames.count;

	if (d->pages.held != share_dom_held(d->sharing.dom))
		audit_error(a, "OWN1: d%u holds %lu frames, is charged %lu", d->id,
			    share_dom_held(d->sharing.dom), d->pages.held);
	if (d->pages.own && has > d->pages.max + breaks)
		audit_error(a, "OWN1: d%u has %lu pages and holds, may have %lu",
			    d->id, has, d->pages.max);
	if (d->pages.own && has > d->pages.promised + breaks)
		audit_error(a, "OWN2: d%u has %lu pages and holds, was promised %lu",
			    d->id, has, d->pages.promised);
}

void audit_domain_pages(struct audit *a, struct domain *d)
{
	a->listed = 0;
	audit_each_page(a, d, page_count);
	if (a->listed != d->pages.total)
		audit_error(a, "I10: d%u has %lu pages on its list, counts %lu",
			    d->id, a->listed, d->pages.total);
	if (d->pages.total > d->pages.max)
		audit_error(a, "I10: d%u has %lu pages, may have %lu", d->id,
			    d->pages.total, d->pages.max);
	own_quota(a, d);
}

/* --- I3, I4: stored against counted --- */

static void type_counts(struct audit *a, mfn_t mfn, const struct frame *f,
			const struct audit_count *c)
{
	if (type_count(f->type) != c->types)
		audit_error(a, "I4: frame %lx counts %u uses as %s, it has %u",
			    mfn_n(mfn), type_count(f->type),
			    pagetype_class_name(type_class(f->type)), c->types);
	if (type_linear_in(f->type) != c->linear ||
	    type_linear_out(f->type) != c->linear_out)
		audit_error(a, "I4: frame %lx counts %u linear uses and %u links, it has %u and %u",
			    mfn_n(mfn), type_linear_in(f->type),
			    type_linear_out(f->type), c->linear, c->linear_out);
	if (c->linear && c->linear_out)
		audit_error(a, "I6: table %lx has linear entries and is one", mfn_n(mfn));
}

static void page_counts(struct audit *a, struct domain *d, mfn_t mfn)
{
	const struct audit_count *c = audit_count_of(a, mfn);
	const struct frame *f = mfn_to_frame(mfn);

	if (!c)
		return;
	if (frame_state_ref(f->state) != c->refs)
		audit_error(a, "I3: frame %lx of d%u counts %u references, it has %u",
			    mfn_n(mfn), d->id, frame_state_ref(f->state), c->refs);
	type_counts(a, mfn, f, c);
}

/* --- I12 --- */

/* Names of shared frames that no hold told of, one by one. */
static void unheld(struct audit *a, const struct domain *d)
{
	mfn_t end = mfn_min(a->end, frame_max_mfn), mfn;

	for (mfn = a->first; mfn_n(mfn) < mfn_n(end); mfn = mfn_add(mfn, 1)) {
		const struct audit_count *c = audit_count_of(a, mfn);

		if (c && c->refs && frame_state_kind(mfn_to_frame(mfn)->state) ==
				    FRAME_SHARED)
			audit_error(a, "I12: d%u has %u entries for frame %lx beyond its hold",
				    d->id, c->refs, mfn_n(mfn));
	}
}

struct holds_walk {
	struct audit *a;
	const struct domain *d;
	uint64_t entries;	/* that they stand for, in the window */
};

static void hold_count(void *arg, uint32_t frame, uint32_t mappings)
{
	struct holds_walk *w = arg;
	struct audit_count *c = audit_count_of(w->a, MFN(frame));

	if (!c)
		return;
	if (c->refs != mappings)
		audit_error(w->a, "I12: d%u holds frame %x with %u mappings, its tables have %u",
			    w->d->id, frame, mappings, c->refs);
	w->entries += c->refs;
	c->refs = 0;
}

static void holds_counts(struct audit *a, struct domain *d)
{
	struct holds_walk w = { .a = a, .d = d };

	if (d->sharing.dom)
		share_dom_each(d->sharing.dom, hold_count, &w);
	if (w.entries != a->shared_entries)
		unheld(a, d);
}

void audit_domain_counts(struct audit *a, struct domain *d)
{
	uint32_t link;

	audit_each_page(a, d, page_counts);
	for (link = d->heap.list; link; link = frame_linked(link)->next)
		page_counts(a, d, MFN(link));
	holds_counts(a, d);
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
		    holds_find(w->d, mfn, NULL, NULL))
			return;
	}
	audit_error(w->a, "I9: d%u sees pfn %lx for frame %lx, which it neither owns nor holds",
		    w->d->id, pfn_n(pfn), mfn_n(mfn));
}

void audit_domain_view(struct audit *a, struct domain *d)
{
	struct view_walk w = { a, d };

	if (d->m2p.l3)
		m2p_for_each(&d->m2p, a->first, a->last ? INVALID_MFN : a->end,
			     view_entry, &w);
}

void audit_domain_view_rights(struct audit *a, struct domain *d)
{
	unsigned int slot;

	if (!d->m2p.l3)
		return;
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

	for (port = 1; port < d->events.count; port++)
		if (d->events.port[port].state == PORT_INTERDOMAIN &&
		    !audit_alive(d->events.port[port].remote_dom))
			audit_error(a, "I18: port %u of d%u is bound to d%u, which is gone",
				    port, d->id, d->events.port[port].remote_dom);
}
