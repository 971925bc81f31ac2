// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * Names in the guest's own list at an offer (NAME1-NAME3): struct shareop_mode
 * of version 2.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "fake/fake_breaks.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "unit/suite.h"

#define PAIRS 5

static uint64_t own;		/* the list's page with the names of p ... */

static void listed(void)
{
	own = list + p / 512;
	ck_assert_uint_eq(p / 512, (list + LIST_PAGES) / 512);
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, BOTH, fake_va(list),
				   LIST_PAGES * 512), 0);
}

/* The list's page is shared by both, from before the list was told. */
static void list_page_shared(void)
{
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, SHARE_MODE_ONE_PFN, 0,
				   0), 0);
	own = list + p / 512;
	(void)shared(own, 77, true);
	listed();
}

static void offer_many(struct shareop_entry *e, unsigned int count)
{
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   count), 0);
	ck_assert_ptr_eq(e, fake_page(d, scratch));
}

START_TEST(name_is_written)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);
	unsigned int i;

	listed();
	(void)shared(p, 7, _i);
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
	fill(d, p + 1, 8);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, fake_va(p + 1)),
			 mfn_n(fake_mfn(d, p + 1)));
	ck_assert_uint_eq(*name_of(p + 1), mfn_n(fake_mfn(d, p + 1)));
	*name_of(p + 2) = 99;
	ck_assert_int_eq(offer(p + 1, 0), SHARE_ALREADY);
	for (i = 0; i < PAIRS; i++) {
		fill(d, p + 10 + i, 1000 * (i / 2 + 1));
		*name_of(p + 10 + i) = 99;
		e[i] = (struct shareop_entry){ .pte = { fake_va(p + 10 + i) },
					     .nr_ptes = 1, .status = 99 };
	}
	offer_many(e, PAIRS);
	for (i = 0; i < PAIRS; i++) {
		ck_assert_int_eq(e[i].status, i % 2 ? SHARE_HELD : SHARE_DONE);
		ck_assert_uint_eq(*name_of(p + 10 + i),
				  i % 2 ? 99 : mfn_n(fake_mfn(d, p + 10 + i)));
	}
	ck_assert_uint_eq(*name_of(p + 2), 99);
	ck_assert(writable(own));
}
END_TEST

/* Callers of version 1 write it themselves. */
START_TEST(version_1_is_left_alone)
{
	break_first();
	*name_of(p) = 99;
	(void)shared(p, 7, true);
	ck_assert_uint_eq(*name_of(p), 99);
}
END_TEST

/* NAME1: it is the guest's own first, and the peer's stays as it is. */
START_TEST(list_page_is_shared)
{
	list_page_shared();
	(void)shared(p, 7, true);
	ck_assert(writable(own));
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_eq(*name_of(own), mfn_n(fake_mfn(d, own)));
	ck_assert_uint_eq(*name_of(p + 1), 77 + (p + 1) % 512);
	ck_assert(filled(fake_page(peer, own), 77));
}
END_TEST

/* And when it has a second entry, nothing is offered before that follows. */
START_TEST(list_page_has_two_entries)
{
	ck_assert_int_eq(mode_call(SHARE_MODE_VERSION, SHARE_MODE_ONE_PFN, 0,
				   0), 0);
	own = list + p / 512;
	fill(d, own, 77);
	ck_assert_int_eq(map(p + 9, pte_make(fake_mfn(d, own), RW)), 0);
	ck_assert_int_eq(offer(own, p + 9), SHARE_DONE);
	listed();
	fill(d, p, 7);
	ck_assert_int_eq(op_share(&(struct hypercall_args){
				.a = { SHAREOP_single, fake_va(p) } }),
			 -ERESTART);
	ck_assert(writable(p));
	while (pttree_settle(d))
		;
	(void)shared(p, 7, true);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, own)), mfn_n(fake_mfn(d, p + 9)));
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
}
END_TEST

START_TEST(no_frame_for_the_list_page)
{
	void *taken = NULL, *page;

	list_page_shared();
	fill(d, p, 7);
	while ((page = palloc_hv(0))) {
		*(void **)page = taken;
		taken = page;
	}
	ck_assert_int_eq(offer(p, 0), SHARE_NO_MEMORY);
	ck_assert(writable(p) && !writable(own));
	fake_recount();
	while ((page = taken)) {
		taken = *(void **)page;
		palloc_hv_free(page, 0);
	}
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
}
END_TEST

/* NAME2: before and behind the page whose name it has; or with its own. */
START_TEST(list_page_is_offered_too)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);
	unsigned int n = _i;

	listed();
	fill(d, p, 7);
	fill(d, p + 1, 8);
	e[n] = (struct shareop_entry){ .pte = { fake_va(own) }, .nr_ptes = 1 };
	e[(n + 1) % 3] = (struct shareop_entry){ .pte = { fake_va(p) },
					       .nr_ptes = 1 };
	e[(n + 2) % 3] = (struct shareop_entry){ .pte = { fake_va(p + 1) },
					       .nr_ptes = 1 };
	offer_many(e, 3);
	ck_assert_int_eq(e[n].status, SHARE_OTHER_WRITABLE);
	ck_assert_int_eq(e[(n + 1) % 3].status, SHARE_DONE);
	ck_assert_int_eq(e[(n + 2) % 3].status, SHARE_DONE);
	ck_assert(writable(own));
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
	ck_assert_uint_eq(*name_of(p + 1), mfn_n(fake_mfn(d, p + 1)));
	ck_assert_int_eq(offer(own, 0), SHARE_OTHER_WRITABLE);
}
END_TEST

/* What the guest maps read-only is not written, nor what is not there. */
START_TEST(list_is_read_only)
{
	mfn_t mfn;

	listed();
	mfn = fake_mfn(d, own);
	*name_of(p) = 99;
	ck_assert_int_eq(map(own, _i ? pte_make(mfn, RO) : 0), 0);
	ck_assert_int_eq(map(p + 8, pte_make(mfn, RO)), 0);
	(void)shared(p, 7, true);
	ck_assert_uint_eq(((uint64_t *)fake_page(d, p + 8))[p % 512], 99);
	ck_assert_int_eq(map(p + 8, 0), 0);
	ck_assert_int_eq(map(own, pte_make(mfn, RW)), 0);
}
END_TEST

/* NAME3: the other vCPUs come out of their guest, and wait. */
START_TEST(others_wait)
{
	fake_end(d);
	fake_machine.vcpus = 3;
	d = fake_domain("g", 200);
	fake_machine.vcpus = 0;
	listed();
	fake_machine.flushed = 0;
	d->cpu_mask |= 4;
	fill(d, p, 7);
	ck_assert_int_gt(op_share(&(struct hypercall_args){
				.a = { SHAREOP_single, fake_va(p) } }), 0);
	ck_assert(fake_machine.flushed & 4);
	ck_assert(d->pending.renames.held && pttree_work_left(d));
	while (pttree_settle(d))
		;
	ck_assert(!d->pending.renames.held);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("names");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, name_is_written, 0, 2);
	tcase_add_test(tc, version_1_is_left_alone);
	tcase_add_test(tc, list_page_is_shared);
	tcase_add_test(tc, list_page_has_two_entries);
	tcase_add_test(tc, no_frame_for_the_list_page);
	tcase_add_loop_test(tc, list_page_is_offered_too, 0, 3);
	tcase_add_loop_test(tc, list_is_read_only, 0, 2);
	tcase_add_test(tc, others_wait);
	return suite_run();
}
