/* SPDX-License-Identifier: MIT */
/*
 * The audit: invariants I10 to I14 recomputed from nothing, all CPUs stopped.
 *
 *  I10  tot_pages = length of the page list <= max_pages; every frame is in
 *       one state and the states add up; with overcommit off, free frames cover
 *       what the domains may still take
 *  I11, I13 and the counts of I12: share/audit.c
 *  I12  a domain's hold of a frame = its present L1 entries that name it
 *  I14  a shared frame is mapped read-only, has class SHARED and no other use
 *  I16  dom/grant_audit.c
 */
#include <port.h>

#include "debug/log.h"
#include "dom/grant.h"
#include "dom/stop.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "mm/ram.h"
#include "sharing/sharing.h"
#include "x86/pte.h"

struct audit {
	uint64_t errors;
	uint32_t *seen;		/* by mfn: entries of the domain at hand */
	uint64_t owned, credits;
	uint64_t kinds[FRAME_SHARED + 1];
};

#define ERROR(a, ...) \
	do { \
		log_error("audit: " __VA_ARGS__); \
		(a)->errors++; \
	} while (0)

/* --- one domain --- */

static void for_each_page(struct domain *d,
			  void (*fn)(struct audit *a, struct domain *d,
				     mfn_t mfn), struct audit *a)
{
	const uint32_t heads[] = { d->page_list, d->page_list_left };
	unsigned int i;
	uint32_t mfn;

	for (i = 0; i < ARRAY_COUNT(heads); i++)
		for (mfn = heads[i]; mfn; mfn = mfn_to_frame(mfn)->next)
			fn(a, d, mfn);
}

static bool is_l1(mfn_t mfn)
{
	uint64_t type = mfn_to_frame(mfn)->type;

	return type_class(type) == CLASS_L1 && (type & TYPE_VALIDATED);
}

static void entry_count(struct audit *a, struct domain *d, pte_t e)
{
	mfn_t mfn = pte_mfn(e);

	if (!(e & PTE_P) || !frame_valid(mfn) ||
	    frame_state_kind(mfn_to_frame(mfn)->state) != FRAME_SHARED)
		return;
	a->seen[mfn]++;
	if (e & PTE_RW)
		ERROR(a, "I14: d%u maps shared frame %lx writable", d->id, mfn);
}

static void table_count(struct audit *a, struct domain *d, mfn_t mfn)
{
	const pte_t *table = mfn_to_virt(mfn);
	unsigned int slot;

	if (!is_l1(mfn))
		return;
	for (slot = 0; slot < PT_SLOTS; slot++)
		entry_count(a, d, table[slot]);
}

static void table_clear(struct audit *a, struct domain *d, mfn_t mfn)
{
	const pte_t *table = mfn_to_virt(mfn);
	unsigned int slot;

	if (!is_l1(mfn))
		return;
	for (slot = 0; slot < PT_SLOTS; slot++) {
		mfn_t to = pte_mfn(table[slot]);

		if (!(table[slot] & PTE_P) || !frame_valid(to) ||
		    !a->seen[to])
			continue;
		ERROR(a, "I12: d%u has %u entries for frame %lx beyond its hold",
		      d->id, a->seen[to], to);
		a->seen[to] = 0;
	}
}

/* Holds against entries; what is left in seen[] has no hold. */
static void holds_check(struct audit *a, struct domain *d)
{
	uint64_t cursor = 0;
	uint32_t frame, mappings;

	for_each_page(d, table_count, a);
	while (d->share &&
	       share_dom_next(d->share, &cursor, &frame, &mappings)) {
		if (a->seen[frame] != mappings)
			ERROR(a, "I12: d%u holds frame %x with %u mappings, its tables have %u",
			      d->id, frame, mappings, a->seen[frame]);
		a->seen[frame] = 0;
	}
	for_each_page(d, table_clear, a);
}

static void page_count(struct audit *a, struct domain *d, mfn_t mfn)
{
	uint64_t state = mfn_to_frame(mfn)->state;

	a->owned++;
	if (frame_state_kind(state) != FRAME_OWNED ||
	    frame_state_owner(state) != d->id || !frame_state_ref(state))
		ERROR(a, "I10: frame %lx on the list of d%u has state %lx",
		      mfn, d->id, state);
}

static void domain_audit(struct domain *d, void *arg)
{
	struct audit *a = arg;
	uint64_t before = a->owned;

	for_each_page(d, page_count, a);
	if (a->owned - before != d->tot_pages)
		ERROR(a, "I10: d%u has %lu pages on its list, counts %lu",
		      d->id, a->owned - before, d->tot_pages);
	if (d->tot_pages > d->max_pages)
		ERROR(a, "I10: d%u has %lu pages, may have %lu", d->id,
		      d->tot_pages, d->max_pages);
	else
		a->credits += d->max_pages - d->tot_pages;
	holds_check(a, d);
}

/* --- all frames --- */

static void frame_audit(struct audit *a, mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	enum frame_kind kind = frame_state_kind(f->state);

	if (kind > FRAME_SHARED) {
		ERROR(a, "I1: frame %lx has kind %u", mfn, kind);
		return;
	}
	a->kinds[kind]++;
	if ((kind == FRAME_FREE || kind == FRAME_POOL) &&
	    (frame_state_ref(f->state) || f->type))
		ERROR(a, "I2: free frame %lx has state %lx type %lx", mfn,
		      f->state, f->type);
	if (kind == FRAME_SHARED &&
	    (type_class(f->type) != CLASS_SHARED ||
	     (f->type & (TYPE_PINNED | TYPE_VALIDATED))))
		ERROR(a, "I14: shared frame %lx has type %lx", mfn, f->type);
}

static void frames_audit(struct audit *a)
{
	uint64_t free, waiting = reclaim_waiting();
	unsigned int i;
	mfn_t mfn;

	for (i = 0; i < ram_range_count; i++)
		for (mfn = ram_ranges[i].first; mfn < ram_ranges[i].end; mfn++)
			frame_audit(a, mfn);
	free = a->kinds[FRAME_FREE] + a->kinds[FRAME_POOL];
	if (free != palloc_free_count())
		ERROR(a, "I10: %lu frames are free, counted %lu", free,
		      palloc_free_count());
	/* Frames that wait for a flush are still OWNED or SHARED by kind. */
	if (a->kinds[FRAME_OWNED] < a->owned ||
	    a->kinds[FRAME_OWNED] - a->owned > waiting)
		ERROR(a, "I10: %lu frames are owned, domains list %lu",
		      a->kinds[FRAME_OWNED], a->owned);
	if (!domain_overcommit() && free + waiting < a->credits)
		ERROR(a, "I10: %lu free frames do not cover %lu credits", free,
		      a->credits);
}

static void share_error(void *ctx, const char *message)
{
	log_error("audit: %s", message);
}

static unsigned int seen_order(void)
{
	unsigned int order = 0;

	while ((PAGE_SIZE << order) < frame_max_mfn * sizeof(uint32_t))
		order++;
	return order;
}

uint64_t sharing_audit(uint64_t *cross_group)
{
	struct audit a = { 0 };

	*cross_group = 0;
	/* Before the counts are compared: it is freed after that. */
	a.seen = palloc_hv(seen_order());
	if (!a.seen) {
		log_warn("audit: no memory for it, nothing was checked");
		return 1;
	}
	stop_machine_begin();
	domain_for_each(domain_audit, &a);
	frames_audit(&a);
	a.errors += share_audit(sharing_service(), share_error, NULL,
				cross_group);
	a.errors += grant_audit(share_error, NULL, false);
	stop_machine_end();
	palloc_hv_free(a.seen, seen_order());
	return a.errors;
}
