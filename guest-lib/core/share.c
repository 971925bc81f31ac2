/* SPDX-License-Identifier: MIT */
/*
 * Offering pages.  The record is set first (G1), so that a write that faults on
 * another vCPU while the call runs waits for the lock and then finds the page;
 * entries that were refused are taken out of it again.
 */
#include "general_regs.h"

#include "impl.h"

#include <xen/errno.h>

#define PAGE_MASK (~4095ULL)
#define PTE_ADDR 0x000ffffffffff000ULL

static long call(struct gl_share *s, unsigned int op, unsigned long arg,
		 unsigned long count)
{
	return s->ops->hypercall(s->ctx, __HYPERVISOR_make_ro_and_share, op,
				 arg, count, 0);
}

static bool ops_complete(const struct gl_share_ops *o)
{
	return o->hypercall && o->va_to_pfn && o->pte_read && o->p2m_set &&
	       o->p2m_get && o->page_alloc && o->page_free && o->lock &&
	       o->unlock && o->log;
}

static void start(struct gl_share *s, const struct gl_share_ops *ops, void *ctx,
		  uint64_t *record, uint64_t pfns)
{
	s->ops = ops;
	s->ctx = ctx;
	s->record = record;
	s->record_pfns = pfns;
	s->slot_count = s->slots_full = 0;
	s->repay = (struct gl_repay_list){ 0 };
	s->alone_skip = s->alone_wait = 0;
	s->break_first = s->several_vcpus = false;
	s->counters = (struct gl_share_counters){ 0 };
	for (size_t i = 0; i < gl_share_record_bytes(pfns) / 8; i++)
		record[i] = 0;
}

long gl_share_init_checked(struct gl_share *s, uint32_t version, size_t bytes,
			   const struct gl_share_ops *ops, void *ctx,
			   uint64_t *record, uint64_t pfns, unsigned int reserve)
{
	struct shareop_info info = { 0 };
	long rc;

	if (version != GL_SHARE_VERSION || bytes != sizeof(*s) ||
	    !ops_complete(ops))
		return -XEN_EINVAL;
	start(s, ops, ctx, record, pfns);
	rc = gl_share_info(s, &info);
	if (!rc && !info.version)
		return -XEN_EOPNOTSUPP;
	s->abi = rc ? 0 : info.version;
	return gl_share_reserve_set(s, reserve);
}

void gl_share_several_vcpus(struct gl_share *s)
{
	s->several_vcpus = true;
}

long gl_share_info(struct gl_share *s, struct shareop_info *info)
{
	return call(s, SHAREOP_info, (unsigned long)info, sizeof(*info));
}

/*
 * G5: another vCPU may have written the page since, or another domain mapped it
 * by its grant, and the hypervisor's name for it must not be lost.  Whoever
 * breaks it after our look writes his after ours.
 */
static void name_set(struct gl_share *s, uint64_t va, uint64_t pfn, uint64_t mfn)
{
	uint64_t now;

	s->ops->p2m_set(s->ctx, pfn, mfn);
	if (!s->break_first)
		return;
	now = (s->ops->pte_read(s->ctx, va) & PTE_ADDR) >> 12;
	if (now != mfn)
		s->ops->p2m_set(s->ctx, pfn, now);
}

/* lock held; note the result of a page's offer. */
static void result_record(struct gl_share *s, uint64_t va, int32_t status,
		   uint64_t mfn, bool was_recorded)
{
	uint64_t pfn;

	if (status < 0 || status >= GL_SHARE_RESULTS)
		status = SHARE_NOT_TRIED;
	s->counters.by_result[status]++;
	if (!s->ops->va_to_pfn(s->ctx, va, &pfn))
		return;
	if (status == SHARE_DONE) {
		s->counters.done++;
		name_set(s, va, pfn, mfn);
	} else if (!was_recorded) {
		gl_record_clear(s, pfn);
	}
}

/* The result that -errno of a single offer stands for. */
static int32_t status_of_errno(long rc)
{
	switch (rc) {
	case -XEN_ENOENT:
		return SHARE_NOT_MAPPED;
	case -XEN_EPERM:
		return SHARE_NOT_OWNED;
	case -XEN_EBUSY:
		return SHARE_OTHER_MAPPING;
	case -XEN_EEXIST:
		return SHARE_ALREADY;
	case -XEN_ENOSPC:
		return SHARE_LIMIT;
	case -XEN_ENOMEM:
		return SHARE_NO_MEMORY;
	default:
		return rc >= 0 ? SHARE_DONE : SHARE_NOT_TRIED;
	}
}

static long offer_one(struct gl_share *s, uint64_t va)
{
	uint64_t pfn;
	bool was;
	long rc;

	if (!s->ops->va_to_pfn(s->ctx, va, &pfn))
		return -XEN_EINVAL;
	was = gl_record_test(s, pfn);
	if (!gl_record_set(s, pfn))
		return -XEN_EINVAL;
	s->counters.offered++;
	rc = call(s, SHAREOP_single, va, 0);
	if (rc < 0 && status_of_errno(rc) == SHARE_NOT_TRIED)
		s->counters.calls_failed++;
	result_record(s, va, status_of_errno(rc), (uint64_t)rc, was);
	return rc < 0 ? rc : 0;
}

long gl_share_page(struct gl_share *s, uint64_t va)
{
	unsigned long state = s->ops->lock(s->ctx);
	long rc = offer_one(s, va & PAGE_MASK);

	s->ops->unlock(s->ctx, state);
	return rc;
}

/*
 * Fill s->batch; entries of pages that may not be shared stay out (status set).
 */
static size_t prepare(struct gl_share *s, const uint64_t *vas, size_t count,
		      uint64_t was[SHARE_BATCH_MAX / 64])
{
	for (size_t i = 0; i < count; i++) {
		uint64_t pfn;

		if (!s->ops->va_to_pfn(s->ctx, vas[i], &pfn) ||
		    pfn >= s->record_pfns)
			return i;
		if (gl_record_test(s, pfn))
			was[i / 64] |= 1ULL << (i % 64);
		gl_record_set(s, pfn);
		s->batch[i] = (struct shareop_entry){
			.pte = { vas[i] & PAGE_MASK }, .nr_ptes = 1,
			.status = SHARE_NOT_TRIED,
		};
	}
	return count;
}

/*
 * Offer up to a batch; lock held.  Returns how many entries were looked at (0:
 * the first cannot be offered at all) or -errno; *done grows by those shared.
 */
static long offer_batch(struct gl_share *s, const uint64_t *vas, size_t count,
			int32_t *status, size_t *done)
{
	uint64_t was[SHARE_BATCH_MAX / 64] = { 0 };
	size_t n = prepare(s, vas, count, was);
	long rc;

	if (!n)
		return 0;
	rc = call(s, SHAREOP_batch, (unsigned long)s->batch, n);
	s->counters.offered += n;
	s->counters.calls_failed += rc < 0;
	for (size_t i = 0; i < n; i++) {
		int32_t st = s->batch[i].status;

		result_record(s, vas[i], st, s->batch[i].mfn,
		       was[i / 64] >> (i % 64) & 1);
		if (status)
			status[i] = st;
		*done += st == SHARE_DONE;
	}
	return rc < 0 ? rc : (long)n;
}

long gl_share_pages(struct gl_share *s, const uint64_t *vas, size_t count,
		    int32_t *status)
{
	size_t at = 0, done = 0;

	while (at < count) {
		size_t n = count - at < SHARE_BATCH_MAX ? count - at :
			   SHARE_BATCH_MAX;
		int32_t *st = status ? status + at : NULL;
		unsigned long state = s->ops->lock(s->ctx);
		long rc = offer_batch(s, vas + at, n, st, &done);

		s->ops->unlock(s->ctx, state);
		if (rc < 0)
			return done ? (long)done : rc;
		if (!rc) {	/* not one that may be offered: skip it */
			if (st)
				*st = SHARE_NOT_MAPPED;
			rc = 1;
		}
		at += (size_t)rc;
	}
	return (long)done;
}

long gl_share_range(struct gl_share *s, uint64_t va, size_t pages,
		    int32_t *status)
{
	uint64_t vas[64];
	size_t done = 0;

	for (size_t at = 0; at < pages; at += 64) {
		size_t n = pages - at < 64 ? pages - at : 64;
		long rc;

		for (size_t i = 0; i < n; i++)
			vas[i] = va + (at + i) * 4096;
		rc = gl_share_pages(s, vas, n, status ? status + at : NULL);
		if (rc < 0)
			return done ? (long)done : rc;
		done += (size_t)rc;
	}
	return (long)done;
}

void gl_share_counters_get(struct gl_share *s, struct gl_share_counters *out)
{
	unsigned long state = s->ops->lock(s->ctx);

	*out = s->counters;
	s->ops->unlock(s->ctx, state);
}

const char *gl_share_result_name(int32_t result)
{
	/* no pointers: they would have to be relocated */
	static const char names[GL_SHARE_RESULTS][24] = {
		[SHARE_DONE] = "done",
		[SHARE_NOT_MAPPED] = "not mapped",
		[SHARE_BAD_PTE] = "bad pte",
		[SHARE_NOT_OWNED] = "not owned",
		[SHARE_OTHER_WRITABLE] = "other writable mapping",
		[SHARE_OTHER_MAPPING] = "other mapping",
		[SHARE_TYPE] = "wrong type",
		[SHARE_GRANTED] = "granted",
		[SHARE_ALREADY] = "already shared",
		[SHARE_NOT_SHARED] = "not shared",
		[SHARE_FULL] = "table full",
		[SHARE_LIMIT] = "budget used up",
		[SHARE_NO_MEMORY] = "no memory",
		[SHARE_NOT_TRIED] = "not tried",
		[SHARE_HELD] = "held for another page",
	};

	return result >= 0 && result < GL_SHARE_RESULTS ? names[result] :
	       "unknown";
}

#include "general_regs_end.h"
