/* SPDX-License-Identifier: MIT */
/*
 * The sharing hypercall (abi/share.h): decode, chunk by chunk.
 *
 * A chunk's entries are read once, worked on under LOCK_MM, and their results
 * written back; then the clock is looked at.  Continuation: the argument
 * pointer and count are advanced past the finished chunk, so each entry's
 * status is written once (PR6).
 */
#include <port.h>
#include <errno.h>

#include "audit/audit.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/pending.h"
#include "pv/ptbreak.h"
#include "offer/chunk.h"
#include "offer/mode.h"
#include "offer/result.h"
#include "sharing/sharing.h"
#include "x86/guestcopy.h"

typedef bool (*chunk_fn)(struct domain *d, struct chunk *c);

/* --- single --- */

/* What a call made of each page; hit and miss look the same. */
static void chunk_trace(struct domain *d, const struct chunk *c,
			enum trace_event event)
{
	struct tracebuf *t = &d->trace;
	unsigned int i;

	if (!trace_begin(t))
		return;
	for (i = 0; i < c->item_count; i++) {
		const struct chunk_item *item = &c->items[i];
		bool done = item->result == SHARE_DONE;

		trace_put(t, event, item->result,
			  done ? item->new_mfn : item->mfn,
			  item->count ? c->names[item->first].name : 0);
	}
	trace_end(t);
}

/*
 * False: nothing was done, for names of pages change just now, by this call's
 * own copies or another vCPU (K2).
 */
static bool chunk_run(struct domain *d, struct chunk *c, chunk_fn fn)
{
	bool run;

	spin_lock(&d->mm);
	run = !ptbreak_left(d) && fn(d, c);
	spin_unlock(&d->mm);
	if (run)
		chunk_trace(d, c, fn == offer_chunk ? TRACE_OFFER :
						      TRACE_UNSHARE);
	return run;
}

static long shareop_single(struct domain *d, uint64_t va)
{
	struct chunk *c = chunk_scratch();

	if ((va & ~PAGE_MASK) || !guest_range_ok(va, 1))
		return -EINVAL;
	c->item_count = c->name_count = 1;
	c->items[0] = (struct chunk_item){
		.count = 1, .result = SHARE_NOT_TRIED,
	};
	c->names[0] = (struct chunk_name){ .name = va };
	if (!chunk_run(d, c, offer_chunk))
		return -ERESTART;
	if (c->items[0].result == SHARE_DONE)
		return (long)mfn_n(c->items[0].new_mfn);
	result_refused(c->items[0].result);
	return result_errno(c->items[0].result);
}

/* --- batch --- */

/*
 * Add the entry to the chunk.  False: no room for its names, leave it for the
 * next chunk.  A malformed entry is added with its result.
 */
static bool chunk_add_any(struct chunk *c, const struct shareop_entry *e)
{
	struct chunk_item *item = &c->items[c->item_count];
	uint64_t names[SHARE_NAMES_MAX];
	unsigned int i, n = e->nr_ptes;
	const uint64_t *from = e->pte;

	*item = (struct chunk_item){ .first = c->name_count,
				       .result = SHARE_NOT_TRIED };
	if (!n || n > SHARE_NAMES_MAX || e->reserved) {
		item->result = SHARE_BAD_PTE;
		n = 0;
	}
	if (n > CHUNK_NAMES - c->name_count)
		return false;
	if (n > SHARE_NAMES_INLINE) {
		from = names;
		if (copy_from_guest(names, e->pte[0], n * sizeof(names[0]))) {
			item->result = SHARE_BAD_PTE;
			n = 0;
		}
	}
	for (i = 0; i < n; i++)
		c->names[c->name_count++] =
			(struct chunk_name){ .name = from[i] };
	item->count = n;
	c->item_count++;
	return true;
}

/* chunk_add_any(); most have one name. */
static inline bool chunk_add(struct chunk *c, const struct shareop_entry *e)
{
	if (unlikely(e->nr_ptes != 1 || e->reserved || c->name_count == CHUNK_NAMES))
		return chunk_add_any(c, e);
	c->items[c->item_count++] = (struct chunk_item){
		.first = c->name_count, .count = 1, .result = SHARE_NOT_TRIED,
	};
	c->names[c->name_count++].name = e->pte[0];
	return true;
}

/*
 * Read up to CHUNK_ITEMS of `left` entries at va.  The number read, or -EFAULT.
 */
static long chunk_read(struct chunk *c, uint64_t va, uint64_t left)
{
	unsigned int i, n = MIN(left, CHUNK_ITEMS);

	c->item_count = c->name_count = 0;
	if (copy_from_guest(c->entries, va, n * sizeof(c->entries[0])))
		return -EFAULT;
	/* An array that cannot take the results is refused before any work. */
	for (i = 0; i < n; i++)
		c->entries[i].status = SHARE_NOT_TRIED;
	if (copy_to_guest(va, c->entries, n * sizeof(c->entries[0])))
		return -EFAULT;
	for (i = 0; i < n; i++)
		if (!chunk_add(c, &c->entries[i]))
			break;
	return i;
}

/* Refused offers are counted, for the operator. */
static int chunk_write(struct chunk *c, uint64_t va, chunk_fn fn)
{
	unsigned int i;

	for (i = 0; i < c->item_count; i++) {
		const struct chunk_item *item = &c->items[i];

		c->entries[i].status = item->result;
		if (likely(item->result == SHARE_DONE)) {
			c->entries[i].mfn = mfn_n(item->new_mfn);
			continue;
		}
		if (mfn_n(item->mfn))
			c->entries[i].mfn = mfn_n(item->mfn);
		if (fn == offer_chunk)
			result_refused(item->result);
	}
	return copy_to_guest(va, c->entries,
			     c->item_count * sizeof(c->entries[0]));
}

static long shareop_batch(struct hypercall_args *args, chunk_fn fn)
{
	struct domain *d = current_vcpu()->domain;
	struct chunk *c = chunk_scratch();

	if (!args->a[2] || args->a[2] > SHARE_BATCH_MAX || args->a[3])
		return -EINVAL;
	if (!guest_arg_ok(args->a[1], args->a[2] * sizeof(c->entries[0])))
		return -EFAULT;
	while (args->a[2]) {
		long n = chunk_read(c, args->a[1], args->a[2]);

		if (n < 0)
			return n;
		if (!chunk_run(d, c, fn))
			return -ERESTART;
		/*
		 * The array may itself have been in a page of the chunk: then
		 * it is read-only now, and what was done stays done (SH13).
		 */
		if (chunk_write(c, args->a[1], fn))
			return -EFAULT;
		reclaim_flush();
		args->a[1] += n * sizeof(c->entries[0]);
		args->a[2] -= n;
		if (args->a[2] && hypercall_must_stop(d))
			return -ERESTART;
	}
	return 0;
}

/* --- info, audit --- */

static long shareop_info(struct domain *d, uint64_t va, uint64_t bytes)
{
	struct share_dom_counters n;
	struct shareop_info info = {
		.version = SHARE_ABI_VERSION,
		.batch_max = SHARE_BATCH_MAX,
		.names_max = SHARE_NAMES_MAX,
		.flags = SHARE_INFO_LAST_BREAKS |
			 (domain_overcommit() ? SHARE_INFO_OVERCOMMIT : 0),
	};

	if (bytes < sizeof(info))
		return -EINVAL;
	share_dom_counters_get(d->sharing.dom, &n);
	info.budget = n.budget;
	info.held = n.held;
	info.mappings = n.mappings;
	info.offered = n.offered;
	info.refused = n.refused;
	info.zero = n.zero;
	info.breaks = n.breaks;
	info.last_breaks = n.last_breaks;
	info.tot_pages = READ_ONCE(d->pages.total);
	info.max_pages = READ_ONCE(d->pages.max);
	return copy_to_guest(va, &info, sizeof(info));
}

static long shareop_trace(struct domain *d, uint64_t va, uint64_t bytes)
{
	struct shareop_trace at = { .pages = HEAP_TRACE_PAGES };
	int rc;

	if (bytes != sizeof(at))
		return -EINVAL;
	spin_lock(&d->mm);
	rc = tracebuf_open(d);
	spin_unlock(&d->mm);
	if (rc)
		return rc;
	at.mfn = mfn_n(virt_to_mfn(d->trace.header));
	return copy_to_guest(va, &at, sizeof(at));
}

#define AUDIT_VCPU_BITS	8
/* atomic: which vCPU's call it is (domain, vCPU), 0 = nobody's */
static uint32_t audit_by;
static struct audit_result audit_state; /* of the vCPU that audit_by names */

/*
 * Does the vCPU that has audit_by go on with it?  Not if it went down, or its
 * domain.
 */
static bool audit_goes_on(uint32_t by)
{
	struct domain *d = domain_find((domid_hv_t)(by >> AUDIT_VCPU_BITS));
	bool goes_on;

	if (!d)
		return false;
	goes_on = READ_ONCE(d->state) == DOM_RUNNING &&
		  sched_is_up(d->vcpu[by % (1u << AUDIT_VCPU_BITS)]);
	domain_put(d);
	return goes_on;
}

/* One vCPU's audit at a time; others wait for their turn. */
static bool audit_claim(const struct vcpu *v)
{
	uint32_t by = atomic_load_acquire(&audit_by);
	uint32_t me = (uint32_t)v->domain->id << AUDIT_VCPU_BITS | v->id;

	if (by == me)
		return true;
	if (by && audit_goes_on(by))
		return false;
	if (!atomic_cas(&audit_by, &by, me))
		return false;
	audit_state = (struct audit_result){ 0 };
	return true;
}

static long shareop_audit(struct vcpu *v)
{
	long errors;

	if (!DEBUG)
		return -EPERM;
	if (!audit_claim(v)) {
		sched_yield_cpu(v);
		return -ERESTART;
	}
	while (audit_part(&audit_state) == MORE)
		if (sched_preempt_pending())
			return -ERESTART;
	errors = (long)audit_state.errors;
	atomic_store_release(&audit_by, 0);
	return errors;
}

long op_share(struct hypercall_args *args)
{
	struct domain *d = current_vcpu()->domain;

	switch (args->a[0]) {
	case SHAREOP_single:
		if (args->a[2] || args->a[3])
			return -EINVAL;
		return shareop_single(d, args->a[1]);
	case SHAREOP_batch:
		return shareop_batch(args, offer_chunk);
	case SHAREOP_unshare:
		return shareop_batch(args, unshare_chunk);
	case SHAREOP_info:
		return shareop_info(d, args->a[1], args->a[2]);
	case SHAREOP_audit:
		return shareop_audit(current_vcpu());
	case SHAREOP_mode:
		return args->a[3] ? -EINVAL :
			shareop_mode(d, args->a[1], args->a[2]);
	case SHAREOP_trace:
		return args->a[3] ? -EINVAL :
			shareop_trace(d, args->a[1], args->a[2]);
	default:
		return -EINVAL;
	}
}
