/* SPDX-License-Identifier: MIT */
// links: @machine
/*
 * Heap pages that a domain may map (HEAP1-HEAP6): PT10, PT11, ME11, DD6, and
 * creation that runs out of memory.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include <xen/memory.h>

#include "abi/share.h"
#include "dom/above.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "fake/fake_machine.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/resolve.h"
#include "unit/suite.h"

static struct domain *d;

static void setup(void)
{
	fake_machine_start();
	d = fake_domain("", 16);
	ck_assert_ptr_nonnull(d);
}

static void teardown(void)
{
	fake_check();
	fake_end(d);
	fake_check();
}

static uint32_t ref_of(const void *page)
{
	return fake_ref(virt_to_mfn(page));
}

static long map(mfn_t mfn, uint64_t flags)
{
	return FAKE_CALL(op_update_va_mapping, fake_va(fake_free_pfn(d)),
			 pte_make(mfn, flags), 0);
}

static long trace_of(struct domain *x)
{
	return FAKE_CALL(op_share, SHAREOP_trace, fake_va(fake_free_pfn(x) + 1),
			 sizeof(struct shareop_trace), 0);
}

static struct xen_memory_reservation *reservation(struct domain *x, mfn_t mfn)
{
	uint64_t *list = (uint64_t *)fake_page(x, fake_free_pfn(x) + 1);
	struct xen_memory_reservation *r = (void *)(list + 8);

	*list = mfn_n(mfn);
	*r = (struct xen_memory_reservation){
		.extent_start.p = (void *)fake_va(fake_free_pfn(x) + 1),
		.nr_extents = 1, .domid = DOMID_SELF };
	return r;
}

/* HEAP1-HEAP4: who owns it, what it may, and what it does not count in. */
START_TEST(ownership)
{
	uint64_t pages = d->pages.total;
	uint8_t *rw = heap_page_share(d, HEAP_GRANT_TABLE, 1);
	uint8_t *ro = heap_page_share(d, HEAP_GRANT_STATUS, 2);
	const struct frame *f;

	ck_assert_ptr_nonnull(rw);
	ck_assert_ptr_nonnull(ro);
	f = mfn_to_frame(virt_to_mfn(rw));
	ck_assert_uint_eq(frame_state_owner(f->state), d->id);
	ck_assert_uint_eq(frame_state_kind(f->state), FRAME_HEAP);
	ck_assert_uint_eq(heap_page_kind(f), HEAP_GRANT_TABLE);
	ck_assert_uint_eq(ref_of(rw), 0);
	ck_assert(f->state & FRAME_NOHEAP);
	ck_assert_uint_eq(d->pages.total, pages);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, virt_to_mfn(rw))), pfn_n(INVALID_PFN));
	ck_assert_uint_eq(mfn_n(virt_to_mfn(ro)) % 2, 0);
	ck_assert_uint_eq(heap_page_kind(mfn_to_frame(mfn_add(virt_to_mfn(ro), 1))),
			  HEAP_GRANT_STATUS);
	for (int i = 0; i < 4096; i++)
		ck_assert_uint_eq(rw[i] | ro[i] | ro[4096 + i], 0);
}
END_TEST

/* HEAP3: a kind has its limit. */
START_TEST(limits)
{
	ck_assert_ptr_null(heap_page_share(d, HEAP_SHARED_INFO, 1));
	for (int i = 0; i < HEAP_GRANT_PAGES; i++)
		ck_assert_ptr_nonnull(heap_page_share(d, HEAP_GRANT_TABLE, 1));
	ck_assert_ptr_null(heap_page_share(d, HEAP_GRANT_TABLE, 1));
	ck_assert_ptr_null(heap_page_share(d, HEAP_GRANT_STATUS, 8));
}
END_TEST

/* PT11, ME11: nothing but an L1 entry, writable only where the kind says so. */
START_TEST(other_uses_refused)
{
	mfn_t rw = virt_to_mfn(d->shared_info), mfn;
	mfn_t ro = fake_trace(d);
	struct frame *f;
	uint64_t *list;

	ck_assert_int_eq(map(ro, PTE_P | PTE_RW), -EPERM);
	ck_assert_int_eq(map(ro, PTE_P), 0);
	ck_assert_uint_eq(ref_of(mfn_to_virt(ro)), 1);
	ck_assert_int_eq(map(rw, PTE_P | PTE_RW), 0);
	ck_assert_uint_eq(ref_of(mfn_to_virt(ro)), 0);
	/* Not to be shared: it is mapped there now. */
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single,
				   fake_va(fake_free_pfn(d))), -EPERM);
	for (mfn = rw; ; mfn = ro) {
		for (unsigned int level = 1; level <= 4; level++) {
			spin_lock(&d->mm);
			ck_assert_int_eq(pttree_get(d, mfn, level),
					 -EPERM);
			spin_unlock(&d->mm);
		}
		ck_assert_int_eq(resolve_area(d, mfn, &f), -EPERM);
		ck_assert_int_eq(resolve(d, mfn, USE_GIVE, &f), -EPERM);
		list = (uint64_t *)fake_page(d, fake_free_pfn(d) + 1);
		reservation(d, mfn);
		ck_assert_int_eq(FAKE_CALL(op_memory,
			XENMEM_decrease_reservation,
			fake_va(fake_free_pfn(d) + 1) + 64), 0);
		list[1] = mfn_n(mfn) << PAGE_SHIFT | MMU_MACHPHYS_UPDATE;
		list[2] = 5;
		ck_assert_int_eq(FAKE_CALL(op_mmu_update,
			fake_va(fake_free_pfn(d) + 1) + 8, 1, 0, DOMID_SELF),
			-EPERM);
		if (mfn_eq(mfn, ro))
			break;
	}
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, ro)), pfn_n(INVALID_PFN));
}
END_TEST

/*
 * PT10: a store through mmu_update would write a page that is read-only to it.
 */
START_TEST(store_refused)
{
	mfn_t ro = fake_trace(d);
	uint64_t *req = (uint64_t *)fake_page(d, fake_free_pfn(d) + 1);

	req[0] = mfn_n(ro) << PAGE_SHIFT;
	req[1] = 0x1234;
	ck_assert_int_eq(FAKE_CALL(op_mmu_update,
				   fake_va(fake_free_pfn(d) + 1), 1, 0,
				   DOMID_SELF), -EPERM);
	ck_assert_uint_eq(d->trace.header->magic, TRACE_MAGIC);
}
END_TEST

/* HEAP5: another domain's. */
START_TEST(foreign_refused)
{
	void *page = mfn_to_virt(fake_trace(d));
	struct domain *first = d;

	d = fake_domain("", 16);
	ck_assert_int_eq(map(virt_to_mfn(page), PTE_P), -EPERM);
	fake_end(d);
	d = first;
	fake_run(d);
}
END_TEST

/* Taking one back while the domain lives. */
START_TEST(unshare)
{
	void *page = heap_page_share(d, HEAP_GRANT_TABLE, 1);
	void *other = heap_page_share(d, HEAP_GRANT_TABLE, 1);
	unsigned int flushes;

	ck_assert_int_eq(map(virt_to_mfn(page), PTE_P | PTE_RW), 0);
	ck_assert_int_eq(heap_page_unshare(d, page), -EBUSY);
	ck_assert_int_eq(map(MFN(0), 0), 0);
	flushes = fake_machine.flushes;
	ck_assert_int_eq(heap_page_unshare(d, page), 0);
	ck_assert_uint_gt(fake_machine.flushes, flushes);
	ck_assert_uint_eq(fake_kind(virt_to_mfn(page)), FRAME_FREE);
	ck_assert_int_eq(map(virt_to_mfn(page), PTE_P), -EPERM);
	ck_assert_uint_eq(d->heap.count[HEAP_GRANT_TABLE], 1);
	ck_assert_uint_eq(fake_kind(virt_to_mfn(other)), FRAME_HEAP);
}
END_TEST

/*
 * DD6 (seed 000): mapped to the last, the count falls to zero with the tables;
 * freed once.
 */
START_TEST(dies_while_mapped)
{
	struct domain *x = fake_domain("", 16);
	void *page = mfn_to_virt(fake_trace(x));
	mfn_t info = virt_to_mfn(x->shared_info);

	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(FAKE_CALL(op_update_va_mapping,
			fake_va(fake_free_pfn(x) + i),
			pte_make(mfn_add(virt_to_mfn(page), i), PTE_P), 0), 0);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping,
		fake_va(fake_free_pfn(x) + 8),
		pte_make(info, PTE_P | PTE_RW), 0), 0);
	fake_end(x);
	ck_assert_uint_eq(fake_kind(info), FRAME_FREE);
	for (int i = 0; i < 4; i++)
		ck_assert_uint_eq(fake_kind(mfn_add(virt_to_mfn(page), i)),
				  FRAME_FREE);
	fake_run(d);
}
END_TEST

/*
 * DD2's other half, END4: pages that others still use do not keep the domain.
 */
START_TEST(orphans)
{
	struct domain *x = fake_domain("", 16);
	mfn_t read = fake_mfn(x, fake_free_pfn(x)), written = read, given;
	struct frame *r, *w, *g;
	domid_hv_t id = x->id;
	uint64_t free;

	written = fake_mfn(x, fake_free_pfn(x) + 2);
	given = fake_mfn(x, fake_free_pfn(x) + 3);
	r = mfn_to_frame(read);
	w = mfn_to_frame(written);
	g = mfn_to_frame(given);
	/*
	 * As one who maps a grant: read-only, writable; and of a page that x
	 * gave back.
	 */
	ck_assert_int_eq(frame_get(r, x->id), 0);
	ck_assert_int_eq(resolve_area(x, written, &w), 0);
	ck_assert_int_eq(frame_get(g, x->id), 0);
	reservation(x, given);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_decrease_reservation,
				   fake_va(fake_free_pfn(x) + 1) + 64), 1);
	fake_end(x);
	ck_assert_ptr_null(domain_find(id));
	ck_assert_uint_eq(frame_state_owner(r->state), DOMID_ORPHAN);
	ck_assert_uint_eq(frame_state_owner(w->state), DOMID_ORPHAN);
	ck_assert_uint_eq(frame_state_owner(g->state), DOMID_ORPHAN);
	ck_assert_uint_eq(reclaim_orphans(), 3);
	/*
	 * Nobody can name it any more, not even a domain with the same id
	 * (DD7).
	 */
	ck_assert_int_eq(frame_get(r, id), -EPERM);
	ck_assert_int_eq(frame_get(r, d->id), -EPERM);
	free = palloc_free_count();
	frame_put(r);
	resolve_area_put(d, w);
	frame_put(g);
	reclaim_flush_all();
	ck_assert_uint_eq(palloc_free_count(), free + 3);
	ck_assert_uint_eq(reclaim_orphans(), 0);
	fake_run(d);
}
END_TEST

/* HEAP3: who got no page for want of memory may have all of them later. */
START_TEST(no_memory)
{
	fake_memory_take(0);
	ck_assert_ptr_null(heap_page_share(d, HEAP_GRANT_TABLE, 1));
	fake_memory_give();
	for (int i = 0; i < HEAP_GRANT_PAGES; i++)
		ck_assert_ptr_nonnull(heap_page_share(d, HEAP_GRANT_TABLE, 1));
}
END_TEST

/*
 * Who asks for its trace buffer in want of memory is told so, and gets it
 * later; nothing is lost, and others go on.
 */
START_TEST(no_memory_for_trace)
{
	struct domain *bystander = fake_domain("", 16);
	uint64_t left;

	for (unsigned int n = 0; n < HEAP_TRACE_PAGES; n++) {
		fake_memory_take(n);
		fake_run(d);
		left = palloc_free_count();
		ck_assert_int_eq(trace_of(d), -ENOMEM);
		ck_assert_uint_eq(palloc_free_count(), left);
		ck_assert_ptr_null(d->trace.header);
		trace_event(d, TRACE_BREAK, 0, MFN(0), 0);
		fake_run(bystander);
		ck_assert_int_eq(map(fake_mfn(bystander, fake_free_pfn(bystander)),
				     PTE_P | PTE_US), 0);
		fake_memory_give();
		fake_check();
	}
	fake_run(d);
	ck_assert_int_eq(trace_of(d), 0);
	ck_assert_uint_eq(trace_record_at(d, 0)->event, TRACE_BUILT);
	ck_assert_uint_eq(d->trace.written, 1);
	left = palloc_free_count();
	ck_assert_int_eq(trace_of(d), 0);	/* the same one */
	ck_assert_uint_eq(palloc_free_count(), left);
	fake_end(bystander);
}
END_TEST

/* Creation with memory for n allocations, for every n: nothing is lost. */
START_TEST(creation_fails)
{
	uint64_t free = palloc_free_count();
	struct domain *x = NULL;
	unsigned int n;

	domain_set_overcommit(true);
	for (n = 0; !x; n++) {
		fake_memory_take(n);
		x = domain_create("x", 16, 16, 1);
		if (!x)
			ck_assert_uint_eq(palloc_free_count(), n);
		fake_memory_give();
		if (!x)
			ck_assert_uint_eq(palloc_free_count(), free);
		ck_assert_uint_lt(n, 100);
	}
	ck_assert_uint_gt(n, 5);
	ck_assert(domain_retire(x));
	domain_free(x);
	ck_assert_uint_eq(palloc_free_count(), free);
	domain_set_overcommit(false);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("heappages");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ownership);
	tcase_add_test(tc, limits);
	tcase_add_test(tc, other_uses_refused);
	tcase_add_test(tc, store_refused);
	tcase_add_test(tc, foreign_refused);
	tcase_add_test(tc, unshare);
	tcase_add_test(tc, dies_while_mapped);
	tcase_add_test(tc, orphans);
	tcase_add_test(tc, no_memory);
	tcase_add_test(tc, no_memory_for_trace);
	tcase_add_test(tc, creation_fails);
	return suite_run();
}
