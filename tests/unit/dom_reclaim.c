// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * A frame that was let go of is nobody's before the CPUs that may know it have
 * flushed (TL2), and the bounds of a domain's reservation.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "abi/share.h"
#include "dom/reclaim.h"
#include "fake/fake_grants.h"
#include "mm/framepool.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/memory.h"
#include "unit/suite.h"

#define HOST	GNTMAP_host_map
#define KNOWS	4UL		/* a CPU that may know user's tables */
#define GUESTS	8UL		/* a CPU that runs some guest */
#define REQ	(page + 200)

static void end(void)
{
	vcpu_guest_cpus = 1;
	g_end();
}

/* user's page, mapped nowhere. */
static mfn_t unmapped(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(user, pfn);

	ck_assert_int_eq(g_update(pfn, 0), 0);
	return mfn;
}

static mfn_t freed;
static bool early;	/* it was free before the flush */

static void look(void)
{
	early |= frame_state_kind(mfn_to_frame(freed)->state) == FRAME_FREE;
}

static void watch(mfn_t mfn)
{
	freed = mfn;
	early = false;
	fake_machine.flushed = 0;
	fake_machine.on_flush = look;
}

static void over(uint64_t mask)
{
	reclaim_flush_all();
	fake_machine.on_flush = NULL;
	ck_assert_uint_eq(fake_machine.flushed & mask, mask);
	ck_assert(!early);
}

static long memory_op(unsigned int cmd, struct xen_memory_reservation r,
		      uint64_t extent)
{
	*(struct xen_memory_reservation *)fake_page(user, REQ) = r;
	*(uint64_t *)(fake_page(user, REQ) + 512) = extent;
	((struct xen_memory_reservation *)fake_page(user, REQ))
		->extent_start.p = (void *)(fake_va(REQ) + 512);
	return FAKE_CALL(op_memory, cmd, fake_va(REQ));
}

START_TEST(given_back)
{
	uint64_t pages = user->pages.total;
	mfn_t mfn = unmapped(page + 1);

	user->cpu_mask |= KNOWS;
	watch(mfn);
	ck_assert_int_eq(memory_op(XENMEM_decrease_reservation,
			 (struct xen_memory_reservation){ .nr_extents = 1,
							  .domid = DOMID_SELF },
			 mfn_n(mfn)), 1);
	over(KNOWS);
	ck_assert_uint_eq(pfn_n(m2p_get(&user->m2p, mfn)), pfn_n(INVALID_PFN));
	ck_assert_uint_eq(user->pages.total, pages - 1);
}
END_TEST

/* Two wait together: each with its own CPUs. */
START_TEST(masks_join)
{
	struct frame *f[2];
	unsigned int i;

	for (i = 0; i < 2; i++)
		f[i] = mfn_to_frame(unmapped(page + 1 + i));
	watch(frame_to_mfn(f[0]));
	for (i = 0; i < 2; i++) {
		user->cpu_mask = i ? 2 : KNOWS;
		ck_assert(frame_test_and_clear_allocated(f[i]));
		frame_put(f[i]);
	}
	user->cpu_mask = 1;
	over(KNOWS | 2);
}
END_TEST

START_TEST(exchanged)
{
	mfn_t mfn = unmapped(page + 1);
	struct call {
		struct xen_memory_exchange x;
		uint64_t in, out;
	} *c = (void *)fake_page(user, REQ);

	*c = (struct call){
		.x.in = { .nr_extents = 1, .domid = DOMID_SELF },
		.x.out = { .nr_extents = 1, .domid = DOMID_SELF },
		.in = mfn_n(mfn), .out = page + 1,
	};
	c->x.in.extent_start.p = (void *)(fake_va(REQ) + offsetof(struct call, in));
	c->x.out.extent_start.p = (void *)(fake_va(REQ) + offsetof(struct call, out));
	user->cpu_mask |= KNOWS;
	watch(mfn);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_exchange, fake_va(REQ)), 0);
	over(KNOWS);
	ck_assert_uint_ne(c->out, mfn_n(mfn));
	ck_assert_uint_eq(pfn_n(m2p_get(&user->m2p, mfn)), pfn_n(INVALID_PFN));
}
END_TEST

/* Any domain of the group may have read it. */
START_TEST(canonical)
{
	mfn_t mfn;

	memset(fake_page(user, page + 1), 0x5a, PAGE_SIZE);
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single, fake_va(page + 1)), 0);
	mfn = fake_mfn(user, page + 1);
	frame_pool_cpu_enters(user->sharing.frames, __builtin_ctzl(GUESTS));
	watch(mfn);
	ck_assert_int_eq(g_update(page + 1, 0), 0);
	reclaim_flush_all();
	frame_pool_cpu_leaves(user->sharing.frames, __builtin_ctzl(GUESTS));
	fake_machine.on_flush = NULL;
	ck_assert(fake_machine.flushed & GUESTS);
	ck_assert_uint_eq(frame_state_kind(mfn_to_frame(mfn)->state), FRAME_POOL);
}
END_TEST

/* Its owner is gone; the last user may be any. */
START_TEST(orphan)
{
	uint32_t handle;
	mfn_t mfn = fake_mfn(granter, page);

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, HOST, &handle), 0);
	fake_end(granter);
	granter = NULL;
	fake_run(user);
	vcpu_guest_cpus = 1 | GUESTS;
	watch(mfn);
	ck_assert_int_eq(g_unmap(page, handle), 0);
	over(GUESTS);
}
END_TEST

/* --- bounds --- */

START_TEST(quota)
{
	const struct xen_memory_reservation one = { .nr_extents = 1,
						    .domid = DOMID_SELF };
	struct xen_memory_reservation two = { .nr_extents = 1, .extent_order = 1,
					      .domid = DOMID_SELF };
	uint64_t most = user->pages.total + 1;

	user->pages.max = user->pages.limit = most;
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, two, 0), 0);
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, one, 0), 1);
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, one, 0), 0);
	ck_assert_uint_eq(user->pages.total, user->pages.max);
	user->pages.max = user->pages.limit = 1;	/* fewer than it has */
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, two, 0), 0);
	user->pages.max = user->pages.limit = most;
}
END_TEST

/*
 * SH29, SH30: no frame is free: the quota comes back; what waits for a flush
 * here is taken.
 */
START_TEST(no_frame)
{
	const struct xen_memory_reservation one = { .nr_extents = 1,
						    .domid = DOMID_SELF };
	uint64_t pages = user->pages.total;
	mfn_t mfn = unmapped(page + 1);

	user->pages.max = user->pages.limit = pages + 1;
	fake_memory_take(0);
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, one, 0), 0);
	ck_assert_uint_eq(user->pages.total, pages);
	ck_assert_int_eq(memory_op(XENMEM_decrease_reservation, one, mfn_n(mfn)), 1);
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, one, 0), 1);
	fake_memory_give();
	user->pages.max = user->pages.limit = pages;
}
END_TEST

START_TEST(refused)
{
	struct xen_memory_reservation r = { .nr_extents = 1,
		.extent_order = MEMORY_ORDER_MAX + 1, .domid = DOMID_SELF };

	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, r, 0), 0);
	r.extent_order = 64;
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, r, 0), 0);
	r.extent_order = 0;
	r.domid = granter->id;
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation, r, 0), -EPERM);
	r.domid = DOMID_SELF;
	/* More done than there are (PR4). */
	ck_assert_int_eq(memory_op(XENMEM_increase_reservation | 5 << 6, r, 0), 5);
	/* ME4: mapped, given up once only. */
	ck_assert_int_eq(memory_op(XENMEM_decrease_reservation, r,
				   mfn_n(fake_mfn(user, page + 1))), 1);
	ck_assert_int_eq(memory_op(XENMEM_decrease_reservation, r,
				   mfn_n(fake_mfn(user, page + 1))), 0);
	ck_assert_int_eq(g_update(page + 1, 0), 0);
}
END_TEST

/*
 * ME6: what the guest cannot be told it does not get; with the quota all is as
 * it was.
 */
START_TEST(cannot_be_told)
{
	const unsigned int ops[] = { XENMEM_populate_physmap,
				     XENMEM_increase_reservation };
	struct xen_memory_reservation r = { .nr_extents = 1,
					    .domid = DOMID_SELF };
	uint64_t pages = user->pages.total, free = 0;

	user->pages.max = user->pages.limit = pages + 1;
	/* The list is in a page that the guest may read only. */
	*(uint64_t *)fake_page(user, REQ + 1) = page + 1;
	ck_assert_int_eq(g_update(REQ + 1,
				  pte_make(fake_mfn(user, REQ + 1), G_RO)), 0);
	r.extent_start.p = (void *)fake_va(REQ + 1);
	*(struct xen_memory_reservation *)fake_page(user, REQ) = r;
	for (unsigned int n = 0; n < 2; n++) {
		ck_assert_int_eq(FAKE_CALL(op_memory, ops[_i], fake_va(REQ)), 0);
		ck_assert_uint_eq(user->pages.total, pages);
		/* The first may have taken a page of M2P, for good. */
		ck_assert(!n || palloc_free_count() == free);
		free = palloc_free_count();
	}
	ck_assert_int_eq(g_update(REQ + 1,
				  pte_make(fake_mfn(user, REQ + 1), G_RW)), 0);
	user->pages.max = user->pages.limit = pages;
}
END_TEST

static uint64_t other = ~0UL;	/* the second page of an exchange */

static unsigned int exchange_flags;

static long exchange(unsigned int in_order, unsigned int out_order,
		     uint64_t in, uint64_t out, uint64_t done, uint64_t mfn)
{
	struct xen_memory_exchange *x = (void *)fake_page(user, REQ);
	uint64_t *lists = (void *)(fake_page(user, REQ) + 512);

	*x = (struct xen_memory_exchange){
		.in = { .nr_extents = in, .extent_order = in_order,
			.domid = DOMID_SELF },
		.out = { .nr_extents = out, .extent_order = out_order,
			 .domid = DOMID_SELF, .mem_flags = exchange_flags },
		.nr_exchanged = done,
	};
	x->in.extent_start.p = (void *)(fake_va(REQ) + 512);
	x->out.extent_start.p = (void *)(fake_va(REQ) + 1024);
	lists[0] = mfn;
	lists[1] = other;
	lists[64] = page + 1;
	lists[65] = page + 2;
	return FAKE_CALL(op_memory, XENMEM_exchange, fake_va(REQ));
}

/* New pages are where a device of so many address bits reaches them. */
START_TEST(exchange_below)
{
	mfn_t mfn = unmapped(page + 1);
	uint64_t *out = (void *)(fake_page(user, REQ) + 1024);
	unsigned int bits;
	long r = -ENOMEM;

	for (bits = 1; bits < 40 && r == -ENOMEM; bits++) {
		exchange_flags = XENMEMF_address_bits(bits) | 0x100;
		r = exchange(0, 0, 1, 1, 0, mfn_n(mfn));
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_lt(*out << PAGE_SHIFT, 1UL << (bits - 1));
	ck_assert_uint_gt(bits - 1, PAGE_SHIFT);
	ck_assert_uint_ne(*out, mfn_n(mfn));
	exchange_flags = XENMEMF_address_bits(60);
	ck_assert_int_eq(exchange(0, 0, 1, 1, 0, *out), 0);
	exchange_flags = 0;
}
END_TEST

/*
 * ME1, ME2; and what was named before the page that cannot be had is as it was.
 */
START_TEST(exchange_refused)
{
	mfn_t mfn = unmapped(page + 1);
	uint64_t state = mfn_to_frame(mfn)->state;

	ck_assert_int_eq(exchange(MEMORY_ORDER_MAX + 1, 0, 1, 1024, 0, ~0UL), -EPERM);
	ck_assert_int_eq(exchange(0, 0, 1, 1, 2, mfn_n(mfn)), -EINVAL);
	ck_assert_int_eq(exchange(0, 0, 1, 2, 0, mfn_n(mfn)), -EINVAL);
	ck_assert_int_eq(exchange(0, 1, 2, 1, 0, mfn_n(mfn)), -EINVAL);
	ck_assert_uint_eq(mfn_to_frame(mfn)->state, state);
	/* A second page that is mapped, one that is none. */
	other = mfn_n(fake_mfn(user, page + 2));
	ck_assert_int_eq(exchange(0, 1, 2, 1, 0, mfn_n(mfn)), -EBUSY);
	ck_assert_uint_eq(mfn_to_frame(mfn)->state, state);
	other = ~0UL;
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, g_start, end);
	tcase_add_test(tc, given_back);
	tcase_add_test(tc, masks_join);
	tcase_add_test(tc, exchanged);
	tcase_add_test(tc, canonical);
	tcase_add_test(tc, orphan);
	tcase_add_test(tc, quota);
	tcase_add_test(tc, no_frame);
	tcase_add_test(tc, refused);
	tcase_add_loop_test(tc, cannot_be_told, 0, 2);
	tcase_add_test(tc, exchange_refused);
	tcase_add_test(tc, exchange_below);
	return suite_run();
}
