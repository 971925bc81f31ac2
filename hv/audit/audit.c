/* SPDX-License-Identifier: MIT */
/*
 * The audit's parts, and the machine's sums; audit_private.h has the
 * invariants.
 */
#include <port.h>
#include <stdarg.h>

#include "audit/audit.h"
#include "debug/log.h"
#include "dom/domain.h"
#include "dom/grant.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "dom/stop.h"
#include "lib/fmt.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "audit/audit_private.h"
#include "sharing/sharing.h"
#include "x86/cpu.h"


/*
 * The one audit that is under way, if one is; written and read with the machine
 * stopped.
 */
static struct audit audit;
static uint32_t whole_by;	/* atomic: a CPU is in audit_machine() */
/*
 * In a debug build guests ask for audits, many of them, and each part costs a
 * stop of all CPUs.
 */
unsigned int audit_units_max = DEBUG ? 1u << 30 : 4096;

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

static void other_error(void *ctx, const char *message)
{
	audit_error(ctx, "%s", message);
}

/* --- the machine --- */

/* Some frames. */
static enum progress part_frames(struct audit *a)
{
	mfn_t end = mfn_min(mfn_add(a->next, AUDIT_FRAMES), frame_max_mfn);
	uint64_t free = audit_frames(a, a->next, end);

	a->next = end;
	(void)palloc_counted(end, free);
	return mfn_eq(end, frame_max_mfn) ? DONE : MORE;
}

static void credits_add(struct domain *d, void *arg)
{
	struct audit *a = arg;

	if (!d->pages.own) {
		a->credits += d->pages.max - MIN(d->pages.total, d->pages.max);
		return;
	}
	/* OWN2 */
	a->credits += d->pages.promised - MIN(d->pages.total, d->pages.promised);
	a->own_held += d->pages.held;
}

/*
 * Of holds that are charged to their domain's quota one for each frame takes
 * none: the last holder has the frame itself.
 */
static uint64_t held_alone(const struct audit *a)
{
	struct share_totals t;

	share_totals_get(sharing_service(), &t);
	return MIN(a->own_held, t.pages_shared);
}

/* What the frames' states add up to, all of them seen (I10). */
static void part_sums(struct audit *a)
{
	uint64_t waiting = reclaim_waiting(), free = palloc_free_count();
	uint64_t seen = palloc_counted(frame_max_mfn, 0);

	if (seen != free)
		audit_error(a, "I10: %lu frames are free, counted %lu", seen,
			    free);
	domain_for_each(credits_add, a);
	if (!domain_overcommit() &&
	    free + waiting + held_alone(a) < a->credits)
		audit_error(a, "I10: %lu free frames do not cover %lu credits",
			    free, a->credits);
	/* Compare orphans only if their number did not change meanwhile. */
	if (a->orphan_changes == reclaim_orphan_changes() &&
	    a->orphans != reclaim_orphans())
		audit_error(a, "I18: %lu frames are orphans, counted %lu",
			    a->orphans, reclaim_orphans());
	audit_promises(a, a->groups);
}

/* --- domains --- */

/*
 * Another domain, or a new one with the old one's slot and number: begin with
 * it from the start.
 */
static bool is_other(const struct audit *a, unsigned int slot, const struct domain *d)
{
	bool counting = a->step >= AUDIT_TABLES && a->step <= AUDIT_COUNTS;

	return slot != a->slot + 1 || d->id != a->domid ||
	       (counting && d->tally != &a->tally);
}

/* The domain to go on with; NULL: there is no further one. */
static struct domain *domain_at(struct audit *a)
{
	unsigned int slot = a->slot;
	struct domain *d = domain_from_slot(&slot);

	if (!d)
		return NULL;
	if (is_other(a, slot, d))
		a->step = AUDIT_LISTS;
	a->slot = slot - 1;
	a->domid = d->id;
	return d;
}

static uint64_t windows(const struct audit *a)
{
	return (mfn_n(frame_max_mfn) + a->tally.frames - 1) / a->tally.frames;
}

static void tally_end(struct domain *d, void *arg)
{
	tally_begin(d, NULL);
	d->tally_foreign = NULL;
}

/* The window of number a->window begins; nobody counts until it is empty. */
static void window_set(struct audit *a)
{
	domain_for_each(tally_end, NULL);
	a->tally.first = MFN(a->window * a->tally.frames);
	a->end = mfn_add(a->tally.first, a->tally.frames);
	a->last = a->window + 1 == windows(a);
	a->named = INVALID_MFN;
	a->at = a->tally.first;
	a->step = AUDIT_CLEAR;
}

/* TALLY1: from here on the counts are kept. */
static void count_begin(struct audit *a, struct domain *d)
{
	uint32_t link;

	a->tally = (struct tally){
		.counts = a->tally.counts, .first = a->tally.first,
		.frames = a->tally.frames, .domid = d->id,
	};
	tally_begin(d, &a->tally);
	a->mapper_slot = 0;
	/* These are compared, too, also if no entry names them. */
	for (link = d->heap.list; link; link = frame_linked(link)->next)
		if (audit_in_window(a, MFN(link)))
			(void)tally_count_of(&a->tally, MFN(link));
}

#define CLEAR_UNITS	32u	/* a group of counts */

static enum progress clear_part(struct audit *a)
{
	uint64_t n = mfn_n(a->at) - mfn_n(a->tally.first);

	for (; n < a->tally.frames && a->units; n += TALLY_GROUP) {
		a->units--;
		if (!a->tally.touched[n / TALLY_GROUP])
			continue;
		memset(a->tally.counts[n / TALLY_GROUP], 0, PAGE_SIZE);
		a->units -= MIN(a->units, CLEAR_UNITS);
	}
	a->at = mfn_add(a->tally.first, n);
	return n >= a->tally.frames ? DONE : MORE;
}

/* DONE: the domain has no window beyond. */
static enum progress window_next(struct audit *a, const struct domain *d)
{
	mfn_t seen = d->m2p.l3 ? m2p_leaf_from(&d->m2p, a->end, INVALID_MFN) : INVALID_MFN;
	mfn_t mfn = mfn_min(a->named, seen);

	if (mfn_eq(mfn, INVALID_MFN) || a->last)
		return DONE;
	a->window = MIN(mfn_n(mfn) / a->tally.frames, windows(a) - 1);
	a->once = false;
	window_set(a);
	return MORE;
}

static void lists_part(struct audit *a, struct domain *d)
{
	audit_alive_fill();
	audit_domain_quota(a, d);
	audit_domain_view_rights(a, d);
	audit_domain_ports(a, d);
	audit_grants_domain(a, d);
	a->window = 0;
	a->once = true;
	a->leafless = false;
	window_set(a);
}

static void tables_part(struct audit *a, struct domain *d)
{
	if (audit_domain_tables(a, d) == MORE)
		return;
	if (a->tally.pages != d->pages.total && !a->leafless) {
		a->leafless = true;	/* or an error: the window again */
		window_set(a);
		return;
	}
	if (a->once)
		audit_domain_totals(a, d);
	a->step = AUDIT_FOREIGN;
}

static void counts_part(struct audit *a, struct domain *d)
{
	if (audit_domain_counts(a, d) == MORE)
		return;
	domain_for_each(tally_end, NULL);
	a->at = a->tally.first;
	a->step = AUDIT_VIEW;
}

/* A part of d; DONE: the last one. */
static enum progress domain_part(struct audit *a, struct domain *d)
{
	a->units = audit_units_max;
	switch (a->step) {
	case AUDIT_LISTS:
		lists_part(a, d);
		return MORE;
	case AUDIT_CLEAR:
		if (clear_part(a) == DONE) {
			count_begin(a, d);
			a->step = AUDIT_TABLES;
		}
		return MORE;
	case AUDIT_TABLES:
		tables_part(a, d);
		return MORE;
	case AUDIT_FOREIGN:
		if (audit_foreign_tables(a, d) == DONE) {
			a->at = a->tally.first;
			a->step = AUDIT_COUNTS;
		}
		return MORE;
	case AUDIT_COUNTS:
		counts_part(a, d);
		return MORE;
	default:
		return audit_domain_view(a, d) == MORE ? MORE : window_next(a, d);
	}
}

/* DONE: there are no more domains. */
static enum progress part_domains(struct audit *a)
{
	struct domain *d = domain_at(a);

	if (!d)
		return DONE;
	if (domain_part(a, d) == DONE) {
		a->slot++;
		a->step = AUDIT_LISTS;
	}
	domain_put(d);
	return MORE;
}

/* --- parts --- */

static void share_part(struct audit *a)
{
	uint64_t cross;

	if (share_audit_part(sharing_service()))
		return;
	/*
	 * The service returns its number of errors, which audit_error() has
	 * counted already.
	 */
	(void)share_audit_end(sharing_service(), &cross);
	a->cross_group = cross;
	a->phase = AUDIT_DOMAINS;
}

/* With the machine stopped. */
static void part(struct audit *a)
{
	switch (a->phase) {
	case AUDIT_FRAME_STATES:
		audit_alive_fill();
		if (part_frames(a) == DONE)
			a->phase = AUDIT_SUMS;
		break;
	case AUDIT_SUMS:
		part_sums(a);
		share_audit_begin(sharing_service(), other_error, a);
		a->phase = AUDIT_SHARE;
		break;
	case AUDIT_SHARE:
		share_part(a);
		break;
	case AUDIT_DOMAINS:
		if (part_domains(a) == DONE)
			a->phase = AUDIT_DONE;
		break;
	default:
		break;
	}
}

static void counts_cut(struct audit *a, unsigned int groups)
{
	while (a->groups > groups)
		palloc_hv_free(a->tally.counts[--a->groups], 0);
}

/*
 * Memory for the counts of a window, or, if memory is short, of a smaller one:
 * as much is left to others then.
 */
static bool counts_alloc(struct audit *a)
{
	static struct tally_count *pages[TALLY_GROUPS];
	uint64_t want = (MIN(mfn_n(frame_max_mfn), TALLY_FRAMES) + TALLY_GROUP - 1) / TALLY_GROUP;

	a->tally.counts = pages;
	while (a->groups < want && (pages[a->groups] = palloc_hv(0)))
		a->groups++;
	if (a->groups < want)
		counts_cut(a, (a->groups + 1) / 2);
	a->tally.frames = a->groups * TALLY_GROUP;
	return a->groups;
}

/* Machine stopped: nobody counts any more. */
static void counts_free(struct audit *a)
{
	domain_for_each(tally_end, NULL);
	counts_cut(a, 0);
	(void)palloc_counted(MFN(0), 0);
}

/* Machine stopped.  False: no memory. */
static bool start(struct audit *a, uint64_t number)
{
	uint64_t cross;

	if (a->phase == AUDIT_SHARE)	/* it was left in the middle */
		(void)share_audit_end(sharing_service(), &cross);
	counts_free(a);
	*a = (struct audit){
		.number = number, .phase = AUDIT_FRAME_STATES,
		.orphan_changes = reclaim_orphan_changes(),
	};
	return counts_alloc(a);
}

static void finish(struct audit *a, struct audit_result *result)
{
	counts_free(a);
	if (a->errors > AUDIT_LINES)
		log_error("audit: %lu errors in all", a->errors);
	result->errors = a->errors;
	result->cross_group = a->cross_group;
	a->phase = AUDIT_IDLE;
}

/*
 * Do one part of the audit that `result` names.  If another audit came between,
 * begin again.
 */
static enum progress run(struct audit *a, struct audit_result *result)
{
	static uint64_t numbers;
	enum progress left = MORE;

	if (!result->number || a->number != result->number) {
		result->number = ++numbers;
		left = start(a, result->number) ? MORE : DONE;
		a->operators = result->first;
		if (left == DONE) {
			log_warn("audit: no memory for it");
			a->errors = 1;
		}
	} else if (a->phase != AUDIT_IDLE) {
		part(a);
		left = a->phase != AUDIT_DONE ? MORE : DONE;
	} else {
		return DONE;	/* it was over already */
	}
	if (left == DONE)
		finish(a, result);
	return left;
}

static enum progress run_parts(struct audit_result *result)
{
	uint64_t begin = now_ns(), ns;
	enum progress left;

	do {
		left = run(&audit, result);
		ns = now_ns() - begin;
	} while (left == MORE && ns < AUDIT_STOP_NS);
	result->stops++;
	result->stopped_ns += ns;
	result->longest_ns = MAX(result->longest_ns, ns);
	return left;
}

/*
 * Two audits that take turns would both begin again for ever, so the operator's
 * goes first.
 */
static bool must_wait(const struct audit *a, const struct audit_result *result)
{
	return a->phase != AUDIT_IDLE && a->operators && !result->first &&
	       a->number != result->number;
}

static enum progress audit_stop(struct audit_result *result, bool whole)
{
	enum progress left = MORE;

	reclaim_flush();	/* uses that wait here are in no table (FOR4) */
	stop_machine_begin();
	/* audit_whole(), which goes on to the end, is not disturbed. */
	if (whole || (!atomic_load_acquire(&whole_by) &&
		      !must_wait(&audit, result)))
		left = run_parts(result);
	stop_machine_end();
	return left;
}

enum progress audit_part(struct audit_result *result)
{
	return audit_stop(result, false);
}

void audit_whole(struct audit_result *result)
{
	*result = (struct audit_result){ 0 };
	/* What waits for a flush here has no entry any more. */
	reclaim_flush();
	while (atomic_exchange(&whole_by, 1)) {
		stop_point();
		port_spin();
	}
	while (audit_stop(result, true) == MORE)
		;
	atomic_store_release(&whole_by, 0);
}

uint64_t audit_machine(uint64_t *cross_group)
{
	struct audit_result result;

	audit_whole(&result);
	*cross_group = result.cross_group;
	return result.errors;
}
