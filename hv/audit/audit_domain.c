/* SPDX-License-Identifier: MIT */
/*
 * A domain's own numbers: pages (I3, I4, I10), holds (I12), M2P view (I9),
 * peers (I18), marked entries (I21, I22).
 */
#include <port.h>

#include "dom/evtchn_private.h"
#include "mm/m2p.h"
#include "sharing/holds.h"
#include "audit/audit_private.h"
#include "sharing/sharing.h"

/* --- I10 --- */

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

void audit_domain_quota(struct audit *a, struct domain *d)
{
	if (d->pages.total > d->pages.max)
		audit_error(a, "I10: d%u has %lu pages, may have %lu", d->id,
			    d->pages.total, d->pages.max);
	own_quota(a, d);
}

void audit_domain_totals(struct audit *a, struct domain *d)
{
	const struct tally *t = &a->tally;

	if (t->pages != d->pages.total)
		audit_error(a, "I10: d%u has %lu pages, counts %lu", d->id, t->pages,
			    d->pages.total);
	if (t->foreign != d->foreign_entries)
		audit_error(a, "I21: d%u has %lu foreign entries, counts %lu", d->id,
			    t->foreign, d->foreign_entries);
	if (t->devices != d->io.entries)
		audit_error(a, "I22: d%u has %lu device entries, counts %lu", d->id,
			    t->devices, d->io.entries);
}

/* --- I3, I4: stored against counted --- */

static void type_counts(struct audit *a, mfn_t mfn, const struct frame *f,
			const struct tally_count *c)
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

/* What the frame's own words say of names is added to the tally's. */
static void own_names(struct audit *a, struct domain *d, mfn_t mfn,
		      struct tally_count *c)
{
	const struct frame *f = mfn_to_frame(mfn);
	enum page_class class = type_class(f->type);

	c->refs += !!(f->state & FRAME_ALLOCATED);
	if (!(f->type & TYPE_PINNED))
		return;
	if (class < CLASS_L1 || class > CLASS_L4) {
		audit_error(a, "I4: d%u frame %lx is pinned as %s", d->id, mfn_n(mfn),
			    pagetype_class_name(class));
		return;
	}
	audit_use_check(a, d, mfn, class, "pinned");
	c->refs++;
	c->types++;
}

static void page_counts(struct audit *a, struct domain *d, mfn_t mfn,
			struct tally_count *c)
{
	const struct frame *f = mfn_to_frame(mfn);

	own_names(a, d, mfn, c);
	if (frame_state_ref(f->state) != c->refs)
		audit_error(a, "I3: frame %lx of d%u counts %u references, it has %u",
			    mfn_n(mfn), d->id, frame_state_ref(f->state), c->refs);
	type_counts(a, mfn, f, c);
}

/* I12 */
static locks_unchecked void hold_counts(struct audit *a, struct domain *d, mfn_t mfn,
					const struct tally_count *c)
{
	domid_hv_t group = frame_state_owner(mfn_to_frame(mfn)->state);
	uint32_t mappings;

	if (!c->refs && group != d->sharing.group)
		return;
	if (!d->sharing.dom || !holds_find(d, mfn, &mappings, NULL))
		mappings = 0;
	if (c->refs != mappings)
		audit_error(a, "I12: d%u holds frame %lx with %u mappings, its tables have %u",
			    d->id, mfn_n(mfn), mappings, c->refs);
}

static void frame_counts(struct audit *a, struct domain *d, mfn_t mfn,
			 struct tally_count *c)
{
	if (audit_is_owner(d, mfn))
		page_counts(a, d, mfn, c);
	else if (frame_is_shared(mfn_to_frame(mfn)))
		hold_counts(a, d, mfn, c);
	else if (c->refs || c->types)
		audit_error(a, "I3: d%u has %u entries, %u writable, for frame %lx, which is not its own",
			    d->id, c->refs, c->types, mfn_n(mfn));
}

static uint64_t state_of(enum frame_kind kind, domid_hv_t owner)
{
	return (uint64_t)kind << FRAME_KIND_SHIFT | (uint64_t)owner << FRAME_OWNER_SHIFT;
}

/*
 * The first frame of [mfn, end), of one group, with anything to compare: a
 * count, or a state that says of counts.
 */
static mfn_t counts_in_group(const struct audit *a, const struct domain *d, mfn_t mfn, mfn_t end)
{
	const uint64_t mask = FRAME_KIND_MASK | FRAME_OWNER_MASK;
	const uint64_t page = state_of(FRAME_OWNED, d->id), heap = state_of(FRAME_HEAP, d->id);
	const uint64_t held = state_of(FRAME_SHARED, d->sharing.group);

	while (mfn_n(mfn) < mfn_n(end)) {
		mfn_t run = audit_ram_run(&mfn, end);
		const struct tally_count *c =
			tally_count_at(&a->tally, mfn_n(mfn) - mfn_n(a->tally.first));
		const struct frame *f = mfn_to_frame(mfn);

		for (; mfn_n(mfn) < mfn_n(run); mfn = mfn_add(mfn, 1), c++, f++) {
			uint64_t who = f->state & mask;

			if (c->refs | c->types || who == page || who == held || who == heap)
				return mfn;
		}
	}
	return mfn;
}

/*
 * The same, of several groups.  In most nothing was counted, nor is there what
 * the domain could have: that stands in its view, too.
 */
static mfn_t counts_from(const struct audit *a, const struct domain *d, mfn_t mfn, mfn_t end)
{
	mfn_t seen = MFN(0);	/* no leaf from mfn up to there */

	while (mfn_n(mfn) < mfn_n(end)) {
		uint64_t group = (mfn_n(mfn) - mfn_n(a->tally.first)) / TALLY_GROUP;
		mfn_t next = mfn_min(mfn_add(a->tally.first, (group + 1) * TALLY_GROUP), end);

		if (mfn_n(seen) <= mfn_n(mfn))
			seen = d->m2p.l3 ? m2p_leaf_from(&d->m2p, mfn, end) : INVALID_MFN;
		if (a->tally.touched[group] || mfn_n(seen) < mfn_n(next))
			mfn = counts_in_group(a, d, mfn, next);
		else
			mfn = next;
		if (!mfn_eq(mfn, next))
			break;
	}
	return mfn;
}

enum progress audit_domain_counts(struct audit *a, struct domain *d)
{
	mfn_t end = mfn_min(a->end, frame_max_mfn), mfn = a->at;

	a->upto = mfn_min(mfn_add(mfn, 1 + a->units / AUDIT_COUNT_UNITS), end);
	audit_names_other(a, d);
	for (;;) {
		mfn = counts_from(a, d, mfn, a->upto);
		if (mfn_eq(mfn, a->upto))
			break;
		frame_counts(a, d, mfn, tally_count_of(&a->tally, mfn));
		mfn = mfn_add(mfn, 1);
	}
	a->at = mfn;
	return mfn_eq(mfn, end) ? DONE : MORE;
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

/* An entry is some units of work, but most of a view is empty. */
#define VIEW_UNITS	8u

enum progress audit_domain_view(struct audit *a, struct domain *d)
{
	struct view_walk w = { a, d };
	mfn_t end = a->last ? INVALID_MFN : a->end, upto;

	a->at = d->m2p.l3 ? m2p_leaf_from(&d->m2p, a->at, end) : INVALID_MFN;
	if (mfn_eq(a->at, INVALID_MFN))
		return DONE;
	upto = mfn_min(mfn_add(a->at, 1 + a->units / VIEW_UNITS), end);
	m2p_for_each(&d->m2p, a->at, upto, view_entry, &w);
	a->at = upto;
	return MORE;
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
