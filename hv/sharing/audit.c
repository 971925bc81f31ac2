/* SPDX-License-Identifier: MIT */
/* The audit's windows, and what is asked of each frame alone; audit.h has the invariants. */
#include <port.h>
#include <stdarg.h>

#include "debug/log.h"
#include "dom/grant.h"
#include "dom/stop.h"
#include "lib/fmt.h"
#include "mm/palloc.h"
#include "mm/ram.h"
#include "sharing/audit.h"
#include "sharing/sharing.h"

/* Domains that are there, by id; written and read with the machine stopped. */
static uint64_t alive[0x10000 / 64];

void audit_error(struct audit *a, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (a->errors++ < AUDIT_LINES)
		log_error("audit: %s", text);
}

bool audit_alive(uint64_t domid)
{
	return domid < 0x10000 && (alive[domid / 64] >> (domid % 64) & 1);
}

static void alive_add(struct domain *d, void *arg)
{
	alive[d->id / 64] |= 1UL << (d->id % 64);
}

static void alive_fill(void)
{
	memset(alive, 0, sizeof(alive));
	domain_for_each(alive_add, NULL);
}

struct audit_count *audit_count_of(struct audit *a, mfn_t mfn)
{
	if (mfn < a->first || mfn >= a->end || !frame_valid(mfn))
		return NULL;
	return &a->counts[mfn - a->first];
}

/* --- each frame --- */

static bool state_has_owner(enum frame_kind kind)
{
	return kind == FRAME_OWNED || kind == FRAME_HEAP ||
	       kind == FRAME_SHARED;
}

static void owner_check(struct audit *a, mfn_t mfn, const struct frame *f)
{
	enum frame_kind kind = frame_state_kind(f->state);
	domid_hv_t owner = frame_state_owner(f->state);

	if (!state_has_owner(kind) && owner)
		audit_error(a, "I1: frame %lx of kind %u has owner %u", mfn,
			    kind, owner);
	/* At ref 0 it waits for a flush, and its domain may be gone by now. */
	if (kind == FRAME_OWNED && frame_state_ref(f->state) &&
	    owner != DOMID_ORPHAN && !audit_alive(owner))
		audit_error(a, "I18: frame %lx is owned by d%u, which is gone",
			    mfn, owner);
	if (kind == FRAME_HEAP &&
	    (!audit_alive(owner) || !(f->state & FRAME_NOHEAP)))
		audit_error(a, "I18: heap page %lx has state %lx", mfn,
			    f->state);
}

static void free_check(struct audit *a, mfn_t mfn, const struct frame *f)
{
	if (frame_state_ref(f->state) || f->type ||
	    (f->state & FRAME_ALLOCATED))
		audit_error(a, "I2: free frame %lx has state %lx type %lx",
			    mfn, f->state, f->type);
	if (frame_state_kind(f->state) == FRAME_FREE &&
	    !(f->state & FRAME_DIRTY))
		audit_error(a, "I2: free frame %lx is not marked to be scrubbed",
			    mfn);
}

static void frame_audit(struct audit *a, mfn_t mfn)
{
	const struct frame *f = mfn_to_frame(mfn);
	enum frame_kind kind = frame_state_kind(f->state);

	if (kind > FRAME_SHARED) {
		audit_error(a, "I1: frame %lx has kind %u", mfn, kind);
		return;
	}
	a->kinds[kind]++;
	owner_check(a, mfn, f);
	if (kind == FRAME_FREE || kind == FRAME_POOL)
		free_check(a, mfn, f);
	if (kind == FRAME_SHARED &&
	    (type_class(f->type) != CLASS_SHARED ||
	     (f->type & (TYPE_PINNED | TYPE_VALIDATED | TYPE_PARTIAL))))
		audit_error(a, "I14: shared frame %lx has type %lx", mfn,
			    f->type);
}

static void for_each_frame(struct audit *a, mfn_t first, mfn_t end,
			   void (*fn)(struct audit *a, mfn_t mfn))
{
	unsigned int i;
	mfn_t mfn;

	for (i = 0; i < ram_range_count; i++)
		for (mfn = MAX(ram_ranges[i].first, first);
		     mfn < MIN(ram_ranges[i].end, end); mfn++)
			fn(a, mfn);
}

/* --- what the numbers add up to --- */

static void totals_audit(struct audit *a)
{
	uint64_t free, waiting = reclaim_waiting(), listed;

	for_each_frame(a, 0, frame_max_mfn, frame_audit);
	free = a->kinds[FRAME_FREE] + a->kinds[FRAME_POOL];
	listed = a->owned + reclaim_orphans();
	if (free != palloc_free_count())
		audit_error(a, "I10: %lu frames are free, counted %lu", free,
			    palloc_free_count());
	/* Frames that wait for a flush are still OWNED or SHARED by kind. */
	if (a->kinds[FRAME_OWNED] < listed ||
	    a->kinds[FRAME_OWNED] - listed > waiting)
		audit_error(a, "I10: %lu frames are owned, domains list %lu",
			    a->kinds[FRAME_OWNED], listed);
	if (!domain_overcommit() && free + waiting < a->credits)
		audit_error(a, "I10: %lu free frames do not cover %lu credits",
			    free, a->credits);
	audit_promises(a, 0);
}

static void domain_totals(struct domain *d, void *arg)
{
	audit_domain_pages(arg, d);
	audit_domain_view(arg, d);
	audit_domain_ports(arg, d);
}

static void domain_counts(struct domain *d, void *arg)
{
	audit_domain_names(arg, d);
	audit_domain_holds(arg, d);
}

static void share_error(void *ctx, const char *message)
{
	log_error("audit: %s", message);
}

/* The stop that looks at the whole. */
static void audit_whole(struct audit *a, uint64_t *cross_group)
{
	stop_machine_begin();
	alive_fill();
	domain_for_each(domain_totals, a);
	totals_audit(a);
	a->errors += share_audit(sharing_service(), share_error, NULL,
				 cross_group);
	a->errors += grant_audit(share_error, NULL, false);
	stop_machine_end();
}

/* One stop for a window's counts. */
static void audit_window(struct audit *a)
{
	memset(a->counts, 0, (a->end - a->first) * sizeof(a->counts[0]));
	stop_machine_begin();
	domain_for_each(domain_counts, a);
	for_each_frame(a, a->first, a->end, audit_frame_counts);
	stop_machine_end();
}

/* As much as a window wants, or less if memory is short: *frames. */
static void *counts_alloc(unsigned int *order, mfn_t *frames)
{
	uint64_t want = MIN(frame_max_mfn, AUDIT_WINDOW);
	void *counts;

	*order = 0;
	while ((PAGE_SIZE << *order) < want * sizeof(struct audit_count))
		++*order;
	while (!(counts = palloc_hv(*order)) && *order)
		--*order;
	*frames = (PAGE_SIZE << *order) / sizeof(struct audit_count);
	return counts;
}

uint64_t sharing_audit(uint64_t *cross_group)
{
	struct audit a = { 0 };
	unsigned int order;
	mfn_t frames;

	*cross_group = 0;
	audit_whole(&a, cross_group);
	a.counts = counts_alloc(&order, &frames);
	if (!a.counts) {
		log_warn("audit: no memory for it, counts were not checked");
		return a.errors + 1;
	}
	for (; a.first < frame_max_mfn; a.first = a.end) {
		a.end = MIN(a.first + frames, frame_max_mfn);
		audit_window(&a);
	}
	palloc_hv_free(a.counts, order);
	if (a.errors > AUDIT_LINES)
		log_error("audit: %lu errors in all", a.errors);
	return a.errors;
}
