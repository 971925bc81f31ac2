// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * XENMEM_exchange while another CPU acts: at each lock that the call takes, one
 * after another, another domain maps a grant or transfers a page, or the
 * domain's other vCPU gives pages back (PT6, ME5).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "dom/reclaim.h"
#include "fake/fake_grants.h"
#include "mm/palloc.h"
#include "mm/ram.h"
#include "pv/hypercall.h"
#include "unit/suite.h"

#define HOST	GNTMAP_host_map
#define NONE	~0u
#define REF	9

/* --- the other CPU --- */

static void (*act)(void);		/* what it does */
static struct domain *actor;
static unsigned int act_at, locks;	/* at which lock of the call */

static void run_quietly(struct domain *d)
{
	this_cpu()->current = d->vcpu[0];
}

static void on_lock(void)
{
	if (locks++ != act_at)
		return;
	port_on_lock = NULL;
	run_quietly(actor);
	act();
	run_quietly(granter);
	port_on_lock = on_lock;
}

/* --- the call --- */

struct call {
	struct xen_memory_exchange x;
	uint64_t in[2], out[2];
};

/* a pair of granter's pages, next to each other, unmapped */
static mfn_t mine[2];
static mfn_t given[2];		/* what the last exchange gave for it */

/* Extents of these orders, two pages; act comes in at lock n. */
static long exchange(unsigned int in_order, unsigned int out_order,
		     unsigned int n)
{
	uint64_t va = fake_va(page + 200);
	struct call *c = (void *)fake_page(granter, page + 200);
	long r;

	*c = (struct call){
		.x.in = { .nr_extents = 2 >> in_order, .domid = DOMID_SELF,
			  .extent_order = in_order },
		.x.out = { .nr_extents = 2 >> out_order, .domid = DOMID_SELF,
			   .extent_order = out_order },
		.in = { mfn_n(mine[0]), mfn_n(mine[1]) }, .out = { page + 10, page + 11 },
	};
	set_xen_guest_handle(c->x.in.extent_start,
			     (xen_pfn_t *)(va + offsetof(struct call, in)));
	set_xen_guest_handle(c->x.out.extent_start,
			     (xen_pfn_t *)(va + offsetof(struct call, out)));
	fake_run(granter);
	act_at = n;
	locks = 0;
	port_on_lock = on_lock;
	r = FAKE_CALL(op_memory, XENMEM_exchange, va);
	port_on_lock = NULL;
	given[0] = MFN(c->out[0]);
	given[1] = out_order ? mfn_add(given[0], 1) : MFN(c->out[1]);
	return r;
}

/* Of what is in mine, a pair. */
static long pair(void)
{
	long r = exchange(0, 1, NONE);

	memcpy(mine, given, sizeof(mine));
	return r;
}

/* The builder's pages need not be a pair. */
static void start(void)
{
	uint32_t first;

	g_start();
	/* The first handle takes memory. */
	g_grant(granter, REF, page, user, false);
	ck_assert_int_eq(g_map(granter, REF, page, HOST, &first), 0);
	ck_assert_int_eq(g_unmap(page, first), 0);
	fake_run(granter);
	mine[0] = fake_mfn(granter, page + 10);
	mine[1] = fake_mfn(granter, page + 11);
	ck_assert_int_eq(g_update(page + 10, 0), 0);
	ck_assert_int_eq(g_update(page + 11, 0), 0);
	ck_assert_int_eq(pair(), 0);
	ck_assert_uint_eq(granter->pages.total, granter->pages.max);
	g_check();
}

static void end(void)
{
	port_on_lock = NULL;
	g_end();
}

/* --- new pages, named before they are granter's --- */

static uint64_t before[FAKE_FRAMES];	/* states */
static uint32_t map_flags, handle;
static unsigned int tried, mapped;

static void note_states(void)
{
	unsigned int i;
	mfn_t mfn;

	for (i = 0; i < ram_range_count; i++)
		for (mfn = ram_ranges[i].first; mfn_n(mfn) < mfn_n(ram_ranges[i].end);
		     mfn = mfn_add(mfn, 1))
			before[mfn_n(mfn)] = frame_state(mfn_to_frame(mfn));
}

/* Was free when the call began, and is not now. */
static bool is_new(mfn_t mfn)
{
	return frame_state_kind(before[mfn_n(mfn)]) == FRAME_FREE &&
	       fake_kind(mfn) != FRAME_FREE;
}

static void for_each_new(void (*fn)(mfn_t mfn))
{
	unsigned int i;
	mfn_t mfn;

	for (i = 0; i < ram_range_count; i++)
		for (mfn = ram_ranges[i].first; mfn_n(mfn) < mfn_n(ram_ranges[i].end);
		     mfn = mfn_add(mfn, 1))
			if (is_new(mfn))
				fn(mfn);
}

static void map_one(mfn_t mfn)
{
	if (mapped)
		return;
	*g_v1(granter, REF) = (struct grant_entry_v1){
		GTF_permit_access, user->id, mfn_n(mfn),
	};
	tried++;
	if (g_map(granter, REF, page, map_flags, &handle) == GNTST_okay)
		mapped++;
}

static void map_new(void)
{
	for_each_new(map_one);
}

/*
 * PT6: an exchange that is refused hands out none of the pages that it had in
 * its hand.
 */
START_TEST(pt6_refused)
{
	uint64_t free;
	unsigned int n;

	ck_assert_int_eq(g_update(page + 11, pte_make(mine[1], G_RW)), 0);
	reclaim_flush_all();
	free = palloc_free_count();
	act = map_new;
	actor = user;
	map_flags = _i ? HOST : HOST | GNTMAP_readonly;
	note_states();
	for (n = 0; n == 0 || locks >= n; n++) {
		ck_assert_int_eq(exchange(1, 0, n), -EBUSY);
		ck_assert_uint_eq(mapped, 0);
		reclaim_flush_all();
		ck_assert_uint_eq(palloc_free_count(), free);
		g_check();
	}
	ck_assert_uint_gt(tried, 0);
	/* Both are still what they were. */
	ck_assert_int_eq(g_update(page + 10, pte_make(mine[0], G_RW)), 0);
}
END_TEST

/*
 * PT6: one that succeeds: from then on the page is granter's, and he may grant
 * it.
 */
START_TEST(pt6_done)
{
	unsigned int n, all = 0;

	act = map_new;
	actor = user;
	map_flags = _i ? HOST : HOST | GNTMAP_readonly;
	for (n = 0; n == 0 || locks >= n; n++) {
		reclaim_flush_all();
		note_states();
		ck_assert_int_eq(exchange(0, 1, n), 0);
		g_check();
		memcpy(mine, given, sizeof(mine));
		if (!mapped)
			continue;
		fake_run(user);
		ck_assert_int_eq(g_unmap(page, handle), 0);
		all++;
		mapped = 0;
	}
	ck_assert_uint_gt(tried, all);
	ck_assert_uint_gt(all, 0);
	ck_assert_uint_eq(granter->pages.total, granter->pages.max);
}
END_TEST

/* --- old pages --- */

static void map_old(void)
{
	tried++;
	if (g_map(granter, REF, page, map_flags, &handle) == GNTST_okay)
		mapped++;
}

/*
 * PT6: the second page of the pair is granted, and mapped at some time in the
 * call.
 */
START_TEST(pt6_granted)
{
	unsigned int n, refused = 0;

	act = map_old;
	actor = user;
	map_flags = _i ? HOST : HOST | GNTMAP_readonly;
	for (n = 0; n == 0 || locks >= n; n++) {
		*g_v1(granter, REF) = (struct grant_entry_v1){
			GTF_permit_access, user->id, mfn_n(mine[1]),
		};
		/*
		 * Mapped: nothing has changed, the first page is still there.
		 */
		ck_assert_int_eq(exchange(1, 1, n), mapped ? -EBUSY : 0);
		ck_assert_uint_eq(granter->pages.total, granter->pages.max);
		g_check();
		if (!mapped) {
			memcpy(mine, given, sizeof(mine));
			continue;
		}
		fake_run(user);
		ck_assert_int_eq(g_unmap(page, handle), 0);
		refused++;
		mapped = 0;
	}
	ck_assert_uint_gt(refused, 0);
	ck_assert_uint_gt(tried, refused);
}
END_TEST

/* --- the quota --- */

static mfn_t spare;		/* a page of user's, unmapped */

static void transfer_one(void)
{
	struct gnttab_transfer op = { mfn_n(spare), granter->id, REF, 99 };

	*g_v1(granter, REF) = (struct grant_entry_v1){
		GTF_accept_transfer, user->id, 0,
	};
	ck_assert_int_eq(G_ONE(GNTTABOP_transfer, &op), 0);
	ck_assert_int_eq(op.status, GNTST_no_space);
	tried++;
}

/*
 * ME5: at max_pages an exchange works, and never has room for a page of
 * another's.
 */
START_TEST(me5_transfer)
{
	unsigned int n, used = 0;

	act = transfer_one;
	actor = user;
	for (n = 0; used >= n; n++) {
		fake_run(user);
		spare = fake_mfn(user, page + 20 + n);
		ck_assert_int_eq(g_update(page + 20 + n, 0), 0);
		ck_assert_int_eq(exchange(_i, !_i, n), 0);
		ck_assert_uint_eq(granter->pages.total, granter->pages.max);
		g_check();
		fake_run(granter);
		memcpy(mine, given, sizeof(mine));
		used = locks;
		ck_assert_int_eq(pair(), 0);
	}
	ck_assert_uint_gt(tried, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("exchange");

	tcase_add_checked_fixture(tc, start, end);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, pt6_refused, 0, 2);
	tcase_add_loop_test(tc, pt6_done, 0, 2);
	tcase_add_loop_test(tc, pt6_granted, 0, 2);
	tcase_add_loop_test(tc, me5_transfer, 0, 2);
	return suite_run();
}
