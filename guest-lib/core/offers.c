/* SPDX-License-Identifier: MIT */
/* See gl/offers.h.  No state but the counters, and the arguments of a call. */
#include "general_regs.h"

#include <gl/offers.h>

#include <stdbool.h>

#include <xen/errno.h>

#define PAGE_MASK (~4095ULL)
#define NEEDED (SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST)

static long call(struct gl_offers *o, unsigned int op, const void *arg,
		 unsigned long count)
{
	return o->call(o->ctx, __HYPERVISOR_make_ro_and_share, op,
		       (unsigned long)arg, count, 0);
}

static long mode_set(struct gl_offers *o, const struct shareop_mode *mode)
{
	return call(o, SHAREOP_mode, mode, sizeof(*mode));
}

long gl_offers_info(struct gl_offers *o, struct shareop_info *info)
{
	return call(o, SHAREOP_info, info, sizeof(*info));
}

/* All equal pages of the kernel's are shared, or, where it must be, one. */
static long mode_begin(struct gl_offers *o, uint64_t linear_base)
{
	struct shareop_mode mode = {
		.version = SHARE_MODE_VERSION,
		.flags = NEEDED | SHARE_MODE_REPLICAS,
		.p2m = (uintptr_t)o->p2m, .p2m_entries = o->p2m_entries,
		.linear_base = linear_base,
	};
	long rc = mode_set(o, &mode);

	if (rc != -XEN_EINVAL)
		return rc;
	mode.flags = NEEDED;
	return mode_set(o, &mode);
}

long gl_offers_init_checked(struct gl_offers *o, uint32_t version, size_t bytes,
			    gl_hypercall_fn fn, void *ctx, uint64_t *p2m,
			    uint64_t entries, uint64_t linear_base)
{
	struct shareop_info info = { 0 };
	long rc;

	if (version != GL_OFFERS_VERSION || bytes != sizeof(*o) || !fn)
		return -XEN_EINVAL;
	o->call = fn;
	o->ctx = ctx;
	o->p2m = p2m;
	o->p2m_entries = entries;
	o->counters = (struct gl_offers_counters){ 0 };
	rc = gl_offers_info(o, &info);
	if (rc)
		return rc;
	/* Version 1 would leave it to us to write the list after an offer. */
	if (info.version < SHARE_MODE_VERSION)
		return -XEN_EOPNOTSUPP;
	return mode_begin(o, linear_base);
}

static void entry_fill(struct gl_offers *o, size_t i, uint64_t va)
{
	o->batch[i] = (struct shareop_entry){
		.pte = { va & PAGE_MASK }, .nr_ptes = 1,
		.status = SHARE_NOT_TRIED,
	};
}

/* One call for n entries; how many are done, or -errno. */
static long offer_batch(struct gl_offers *o, size_t n, int32_t *status)
{
	long rc = call(o, SHAREOP_batch, o->batch, n), done = 0;

	o->counters.offered += n;
	o->counters.calls_failed += rc < 0;
	for (size_t i = 0; i < n; i++) {
		int32_t st = o->batch[i].status;
		bool known = st >= 0 && st < GL_OFFERS_RESULTS;

		o->counters.by_result[known ? st : SHARE_NOT_TRIED]++;
		done += st == SHARE_DONE;
		if (status)
			status[i] = st;
	}
	o->counters.done += (uint64_t)done;
	return rc < 0 && !done ? rc : done;
}

/* Offer pages by their addresses, or, without vas, from `from` on. */
static long offer_all(struct gl_offers *o, const uint64_t *vas, uint64_t from,
		      size_t count, int32_t *status)
{
	long done = 0;

	for (size_t at = 0, n; at < count; at += n) {
		long rc;

		n = count - at < SHARE_BATCH_MAX ? count - at : SHARE_BATCH_MAX;
		for (size_t i = 0; i < n; i++)
			entry_fill(o, i, vas ? vas[at + i] :
					       from + (at + i) * 4096);
		rc = offer_batch(o, n, status ? status + at : NULL);
		if (rc < 0)
			return done ? done : rc;
		done += rc;
	}
	return done;
}

long gl_offers_pages(struct gl_offers *o, const uint64_t *vas, size_t count,
		     int32_t *status)
{
	return offer_all(o, vas, 0, count, status);
}

long gl_offers_range(struct gl_offers *o, uint64_t va, size_t pages,
		     int32_t *status)
{
	return offer_all(o, NULL, va, pages, status);
}

/*
 * The kernel's list is ours to write here: the hypervisor writes it at breaks
 * alone.  A page that was broken already has its name.
 */
static long unshare_result(struct gl_offers *o, const struct shareop_entry *e,
			   uint64_t pfn)
{
	switch (e->status) {
	case SHARE_DONE:
		if (pfn < o->p2m_entries)
			o->p2m[pfn] = e->mfn;
		o->counters.unshared++;
		return 0;
	case SHARE_NOT_SHARED:
	case SHARE_NOT_MAPPED:
		return 0;
	case SHARE_NO_MEMORY:
		return -XEN_ENOMEM;
	default:
		return -XEN_EINVAL;
	}
}

long gl_offers_unshare(struct gl_offers *o, uint64_t va, uint64_t pfn,
		       size_t pages)
{
	long first = 0;

	for (size_t at = 0, n; at < pages; at += n) {
		long rc;

		n = pages - at < SHARE_BATCH_MAX ? pages - at : SHARE_BATCH_MAX;
		for (size_t i = 0; i < n; i++)
			entry_fill(o, i, va + (at + i) * 4096);
		rc = call(o, SHAREOP_unshare, o->batch, n);
		for (size_t i = 0; i < n; i++) {
			long one = unshare_result(o, &o->batch[i], pfn + at + i);

			rc = rc < 0 ? rc : one;
		}
		first = first ? first : rc;
	}
	return first;
}

long gl_offers_fini(struct gl_offers *o)
{
	const struct shareop_mode off = { .version = SHARE_MODE_VERSION };
	struct shareop_info info = { 0 };
	long rc = gl_offers_info(o, &info);

	if (rc)
		return rc;
	return info.held ? -XEN_EBUSY : mode_set(o, &off);
}

#include "general_regs_end.h"
