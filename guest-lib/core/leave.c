/* SPDX-License-Identifier: MIT */
/*
 * The way back: pages made private without a write, and the library's end.
 *
 * Pages go in runs of RUN, one hypercall each, and the lock is free in between:
 * a fault on another vCPU waits for one run at most.  A page that was broken
 * meanwhile is no longer in the record, or is told as not shared.
 */
#include "general_regs.h"

#include "impl.h"

#include <xen/errno.h>
#include <xen/xen.h>

#define PAGE_MASK	(~4095ULL)
#define PTE_PRESENT	1ULL
#define PTE_ADDR	0x000ffffffffff000ULL
#define RUN		32

struct run {
	uint64_t va[RUN], pfn[RUN];
	unsigned int count;
};

static void run_add(struct run *r, uint64_t va, uint64_t pfn)
{
	r->va[r->count] = va;
	r->pfn[r->count++] = pfn;
}

/*
 * It was broken before, or is mapped nowhere: all that is left of the share is
 * what we believe.
 */
static void not_shared(struct gl_share *s, uint64_t va, uint64_t pfn)
{
	uint64_t pte = s->ops->pte_read(s->ctx, va);

	if (pte & PTE_PRESENT)
		s->ops->p2m_set(s->ctx, pfn, (pte & PTE_ADDR) >> 12);
	gl_record_clear(s, pfn);
}

/* What became of one page of a run. */
static long run_result(struct gl_share *s, uint64_t va, uint64_t pfn,
		       const struct shareop_entry *e)
{
	if (e->status != SHARE_NOT_SHARED && e->status != SHARE_NOT_MAPPED)
		return gl_unshare_result(s, va, pfn, e);
	not_shared(s, va, pfn);
	return 0;
}

/* lock held; the first error */
static long run_unshare(struct gl_share *s, const struct run *r)
{
	long rc;

	if (!r->count)
		return 0;
	for (unsigned int i = 0; i < r->count; i++)
		s->batch[i] = (struct shareop_entry){
			.pte = { r->va[i] }, .nr_ptes = 1,
			.status = SHARE_NOT_TRIED,
		};
	rc = s->ops->hypercall(s->ctx, __HYPERVISOR_make_ro_and_share,
			       SHAREOP_unshare, (unsigned long)s->batch,
			       r->count, 0);
	for (unsigned int i = 0; i < r->count; i++) {
		long one = run_result(s, r->va[i], r->pfn[i], &s->batch[i]);

		rc = rc < 0 ? rc : one;
	}
	return rc;
}

long gl_share_unshare(struct gl_share *s, uint64_t va)
{
	unsigned long state = s->ops->lock(s->ctx);
	uint64_t pfn;
	long rc = -XEN_EINVAL;

	va &= PAGE_MASK;
	if (s->ops->va_to_pfn(s->ctx, va, &pfn) && gl_record_test(s, pfn))
		rc = gl_unshare_locked(s, va, pfn);
	s->ops->unlock(s->ctx, state);
	return rc;
}

/* lock held; the shared ones of these pages */
static long unshare_pages(struct gl_share *s, uint64_t va, size_t pages)
{
	struct run r = { .count = 0 };
	uint64_t pfn;

	for (size_t i = 0; i < pages; i++, va += 4096)
		if (s->ops->va_to_pfn(s->ctx, va, &pfn) &&
		    gl_record_test(s, pfn))
			run_add(&r, va, pfn);
	return run_unshare(s, &r);
}

long gl_share_unshare_range(struct gl_share *s, uint64_t va, size_t pages)
{
	long rc = 0;

	va &= PAGE_MASK;
	for (size_t at = 0; at < pages; at += RUN) {
		size_t n = pages - at < RUN ? pages - at : RUN;
		unsigned long state = s->ops->lock(s->ctx);
		long one = unshare_pages(s, va + at * 4096, n);

		s->ops->unlock(s->ctx, state);
		rc = rc ? rc : one;
	}
	return rc;
}

/*
 * lock held; from *pfn on, which moves on.  A page that is mapped nowhere holds
 * no share: the hypervisor counts entries.
 */
static long unshare_next(struct gl_share *s, uint64_t *pfn)
{
	struct run r = { .count = 0 };
	uint64_t va;

	for (; *pfn < s->record_pfns && r.count < RUN; ++*pfn) {
		if (!gl_record_test(s, *pfn))
			continue;
		if (s->ops->pfn_to_va(s->ctx, *pfn, &va))
			run_add(&r, va, *pfn);
		else
			gl_record_clear(s, *pfn);
	}
	return run_unshare(s, &r);
}

long gl_share_unshare_all(struct gl_share *s)
{
	uint64_t pfn = 0;
	long rc = 0;

	if (!s->ops->pfn_to_va)
		return -XEN_ENOSYS;
	while (pfn < s->record_pfns) {
		unsigned long state = s->ops->lock(s->ctx);
		long one = unshare_next(s, &pfn);

		s->ops->unlock(s->ctx, state);
		rc = rc ? rc : one;
	}
	return rc;
}

/* The hypervisor forgets the kernel's list. */
static long mode_leave(struct gl_share *s)
{
	struct shareop_mode mode = { .version = SHARE_MODE_V1 };
	long rc;

	if (!s->break_first)
		return 0;
	rc = s->ops->hypercall(s->ctx, __HYPERVISOR_make_ro_and_share,
			       SHAREOP_mode, (unsigned long)&mode,
			       SHARE_MODE_V1_BYTES, 0);
	if (!rc)
		s->break_first = false;
	return rc;
}

long gl_share_fini(struct gl_share *s)
{
	long rc = gl_share_unshare_all(s);
	unsigned long state;

	if (rc)
		return rc;
	state = s->ops->lock(s->ctx);
	gl_repay_forget(s);
	rc = mode_leave(s);
	s->ops->unlock(s->ctx, state);
	if (rc)
		return rc;
	return gl_share_reserve_set(s, 0) ? -XEN_ENOMEM : 0;
}

#include "general_regs_end.h"
