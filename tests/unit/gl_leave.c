// links: guest-lib/core/*.c
/* SPDX-License-Identifier: MIT */
/*
 * The sharing half's start and end, and what changes its size: versions, the
 * record, the reserve, unsharing by range and all, gl_share_fini() (G6).
 */
#include <check.h>

#include "fake/fake_guest_pages.h"
#include "unit/suite.h"

static unsigned int fault_pfn;	/* what another vCPU writes meanwhile */

static void other_writes(void)
{
	fake_break(fault_pfn);
}

/* Nothing of the library's is left. */
static void check_gone(void)
{
	ck_assert_uint_eq(held_frames(), 0);
	ck_assert_uint_eq(share.slot_count, 0);
	ck_assert_uint_eq(free_count, RESERVE);
	ck_assert_uint_eq(tot_pages, PFNS);
	for (unsigned int i = 0; i < free_count; i++)
		*(volatile uint8_t *)free_pages[i] = 1;	/* SIGSEGV: no frame */
	ck_assert_int_eq(foreign, 0);
	audit();
}

START_TEST(versions)
{
	ck_assert_uint_eq(share.abi, SHARE_ABI_VERSION);
	ck_assert_int_eq(gl_share_init_checked(&share, GL_SHARE_VERSION + 1,
		sizeof(share), &ops, NULL, record, PFNS, 0), -XEN_EINVAL);
	ck_assert_int_eq(gl_share_init_checked(&share, GL_SHARE_VERSION,
		sizeof(share) - 8, &ops, NULL, record, PFNS, 0), -XEN_EINVAL);
	abi = 0;
	ck_assert_int_eq(gl_share_init(&share, &ops, NULL, record, PFNS, 0),
			 -XEN_EOPNOTSUPP);
	abi = SHARE_ABI_VERSION + 7;		/* a newer one */
	ck_assert_int_eq(gl_share_init(&share, &ops, NULL, record, PFNS, 0), 0);
	ck_assert_uint_eq(share.abi, SHARE_ABI_VERSION + 7);
	fail_nr = __HYPERVISOR_make_ro_and_share;
	fail_with = -XEN_ENOSYS;
	ck_assert_int_eq(gl_share_init(&share, &ops, NULL, record, PFNS, 0), 0);
	ck_assert_uint_eq(share.abi, 0);
}
END_TEST

START_TEST(callbacks)
{
	size_t count = offsetof(struct gl_share_ops, pfn_to_va) / sizeof(void *);
	struct gl_share_ops some;

	for (size_t i = 0; i < count; i++) {
		some = ops;
		((void **)&some)[i] = NULL;
		ck_assert_int_eq(gl_share_init(&share, &some, NULL, record,
					       PFNS, 0), -XEN_EINVAL);
	}
	some = ops;
	some.pfn_to_va = NULL;
	ck_assert_int_eq(gl_share_init(&share, &some, NULL, record, PFNS, 0), 0);
	ck_assert_int_eq(gl_share_page(&share, va_of(0)), 0);
	ck_assert_int_eq(gl_share_unshare_all(&share), -XEN_ENOSYS);
	ck_assert_int_eq(gl_share_fini(&share), -XEN_ENOSYS);
	ck_assert(gl_share_is_shared(&share, 0));
}
END_TEST

/* An older hypervisor is asked for break first in its words. */
START_TEST(older_mode)
{
	uint64_t list[4] = { 0 };

	ck_assert_int_eq(gl_share_break_first(&share, list, 4), 0);
	ck_assert_uint_eq(mode.version, SHARE_MODE_VERSION);
	ck_assert_uint_eq(mode_bytes, sizeof(mode));
	abi = 1;
	ck_assert_int_eq(gl_share_init(&share, &ops, NULL, record, PFNS, 0), 0);
	ck_assert_int_eq(gl_share_break_first(&share, list, 4), 0);
	ck_assert_uint_eq(mode.version, SHARE_MODE_V1);
	ck_assert_uint_eq(mode_bytes, SHARE_MODE_V1_BYTES);
	ck_assert_uint_eq(mode.flags,
			  SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST);
	ck_assert_uint_eq(mode.p2m, (uint64_t)list);
	ck_assert_uint_eq(mode.p2m_entries, 4);
}
END_TEST

/* A record that comes later, grows, and shrinks as far as it may. */
START_TEST(record_moves)
{
	uint64_t longer[4] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL };

	ck_assert_int_eq(gl_share_init(&share, &ops, NULL, NULL, 0, 0), 0);
	ck_assert_int_eq(gl_share_page(&share, va_of(9)), -XEN_EINVAL);
	ck_assert_int_eq(gl_share_record_move(&share, record, 10), 0);
	ck_assert_int_eq(gl_share_page(&share, va_of(9)), 0);
	ck_assert_int_eq(gl_share_page(&share, va_of(10)), -XEN_EINVAL);
	ck_assert_int_eq(gl_share_record_move(&share, longer, 200), 0);
	ck_assert_uint_eq(longer[0], 1 << 9);
	ck_assert_uint_eq(longer[1] | longer[2] | longer[3], 0);
	record[0] = 0;
	ck_assert(gl_share_is_shared(&share, 9));
	ck_assert_int_eq(gl_share_page(&share, va_of(20)), 0);
	ck_assert_int_eq(gl_share_record_move(&share, record, 20), -XEN_EINVAL);
	ck_assert_ptr_eq(share.record, longer);
	ck_assert(store(20, 1));
	ck_assert_int_eq(gl_share_record_move(&share, record, 20), 0);
	ck_assert(store(9, 1));
	audit();
}
END_TEST

START_TEST(reserve_changes)
{
	ck_assert_uint_eq(gl_share_reserve_set(&share, 1), 1);
	ck_assert_uint_eq(free_count, RESERVE - 1);
	audit();
	ck_assert_uint_eq(gl_share_reserve_set(&share, RESERVE + 9), RESERVE);
	ck_assert_uint_eq(free_count, 0);
	ck_assert_uint_eq(share.slots_full, RESERVE);
	ck_assert_uint_eq(gl_share_reserve_set(&share, 0), 0);
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 4, NULL), 4);
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.unshares, 1);
	audit();
}
END_TEST

/* Slots without a frame are filled first; where they are not, they stay. */
START_TEST(reserve_half_empty)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, NULL), 8);
	ck_assert(store(0, 1) && store(2, 1));
	no_frames = true;
	ck_assert_uint_eq(gl_share_reserve_set(&share, 3), 3);
	for (unsigned int i = 0; i < 3; i++)	/* not the one that went */
		ck_assert_uint_ne(share.slots[i].va, free_pages[0]);
	ck_assert_uint_eq(gl_share_reserve_set(&share, 0), 2);
	ck_assert_uint_eq(share.slots_full, 0);
	ck_assert_uint_eq(gl_share_reserve_set(&share, 4), 4);
	ck_assert_uint_eq(share.slots_full, 2);
	ck_assert(store(4, 1) && store(5, 1));
	no_frames = false;
	audit();
	ck_assert_uint_eq(gl_share_reserve_set(&share, 0), 0);
	ck_assert_uint_eq(free_count, RESERVE);
	for (unsigned int i = 0; i < free_count; i++)
		*(volatile uint8_t *)free_pages[i] = 1;
	ck_assert_int_eq(foreign, 0);
	audit();
}
END_TEST

/* The kernel offers pages, frees them, and the reserve gets one of them. */
START_TEST(reserve_of_shared_pages)
{
	ck_assert_uint_eq(gl_share_reserve_set(&share, 0), 0);
	ck_assert_int_eq(gl_share_page(&share, va_of(PFNS - 1)), 0);
	ck_assert_uint_eq(gl_share_reserve_set(&share, RESERVE), RESERVE);
	ck_assert(!gl_share_is_shared(&share, PFNS - 1));
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, NULL), 8);
	for (uint64_t pfn = 0; pfn < RESERVE; pfn++)
		ck_assert(store(pfn, 1));
	ck_assert_uint_eq(share.counters.breaks, RESERVE);
	audit();
}
END_TEST

START_TEST(reserve_page_not_broken)
{
	ck_assert_uint_eq(gl_share_reserve_set(&share, 0), 0);
	for (unsigned int i = 0; i < RESERVE; i++)
		ck_assert_int_eq(gl_share_page(&share, free_pages[i]), 0);
	no_frames = true;
	ck_assert_uint_eq(gl_share_reserve_set(&share, 2), 0);
	ck_assert_uint_eq(free_count, RESERVE);
	audit();
}
END_TEST

START_TEST(range)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(2), 50, NULL), 50);
	ck_assert_int_eq(gl_share_unshare_range(&share, va_of(0), 40), 0);
	for (uint64_t pfn = 0; pfn < 52; pfn++)
		ck_assert_int_eq(gl_share_is_shared(&share, pfn), pfn >= 40);
	ck_assert_uint_eq(share.counters.unshares, 38);
	audit();
	ck_assert_int_eq(gl_share_unshare_range(&share, va_of(50), 30), 0);
	ck_assert(!gl_share_is_shared(&share, 51));
	ck_assert(gl_share_is_shared(&share, 49));
	audit();
}
END_TEST

/* The first error is told; the rest is tried. */
START_TEST(range_short_of_frames)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 10, NULL), 10);
	max_pages = tot_pages + 3;
	ck_assert_int_eq(gl_share_unshare_range(&share, va_of(0), 10),
			 -XEN_ENOMEM);
	ck_assert_uint_eq(share.counters.unshares, 3);
	audit();
	ck_assert_int_eq(gl_share_fini(&share), -XEN_ENOMEM);
	ck_assert_uint_eq(share.slot_count, RESERVE);
	max_pages = PFNS;
	ck_assert_int_eq(gl_share_unshare_all(&share), 0);
	audit();
	ck_assert_int_eq(gl_share_fini(&share), 0);
	check_gone();
}
END_TEST

START_TEST(range_refused)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 4, NULL), 4);
	fail_nr = __HYPERVISOR_make_ro_and_share;
	fail_with = -XEN_EFAULT;
	ck_assert_int_eq(gl_share_unshare_range(&share, va_of(0), 4),
			 -XEN_EFAULT);
	ck_assert(gl_share_is_shared(&share, 3));
	fail_nr = -1;
	audit();
}
END_TEST

START_TEST(end)
{
	struct gl_repay cached = { .va = va_of(30), .lost = (void *)abort };

	ck_assert_int_eq(gl_repay_register(&share, &cached), 0);
	ck_assert_int_eq(gl_share_range(&share, va_of(0), PFNS - RESERVE, NULL),
			 PFNS - RESERVE);
	for (uint64_t pfn = 0; pfn < 10; pfn += 2)
		ck_assert(store(pfn, 77));
	ck_assert_int_eq(gl_share_fini(&share), 0);
	check_gone();
	ck_assert(!cached.listed);
	ck_assert_uint_eq(*(uint8_t *)va_of(8), 77);
	ck_assert_uint_eq(*(uint8_t *)va_of(41), 20);
	ck_assert(!gl_share_fault(&share, va_of(PFNS), 3));
}
END_TEST

/* The hypervisor broke some pages; one is mapped nowhere. */
START_TEST(end_of_break_first)
{
	uint64_t frame;

	ck_assert_int_eq(gl_share_break_first(&share, p2m, PFNS), 0);
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 40, NULL), 40);
	fake_break(3);
	frame = p2m[3];
	p2m[3] = 0;			/* nobody told the kernel */
	pte[3] &= ~RW;			/* and it made the page read-only */
	set_entry(4, 0);
	p2m[4] = ~0UL;
	meanwhile = other_writes;
	meanwhile_op = SHAREOP_unshare;
	fault_pfn = 39;
	ck_assert_int_eq(gl_share_fini(&share), 0);
	ck_assert(!meanwhile);
	ck_assert_uint_eq(p2m[3], frame);
	ck_assert_uint_eq(mode.flags, 0);
	ck_assert_uint_eq(mode.p2m | mode.p2m_entries, 0);
	ck_assert(!share.break_first);
	ck_assert_uint_eq(held_frames(), 0);
	ck_assert_uint_eq(free_count, RESERVE);
	ck_assert_uint_eq(tot_pages, PFNS - 1);	/* 4 has none */
	for (uint64_t pfn = 0; pfn < 40; pfn++)
		ck_assert(!gl_share_is_shared(&share, pfn));
}
END_TEST

/* The hypervisor keeps the list: so does the library say. */
START_TEST(end_refused)
{
	ck_assert_int_eq(gl_share_break_first(&share, p2m, PFNS), 0);
	fail_nr = __HYPERVISOR_make_ro_and_share;
	fail_with = -XEN_EBUSY;
	ck_assert_int_eq(gl_share_fini(&share), -XEN_EBUSY);
	ck_assert(share.break_first);
	ck_assert_uint_eq(share.slot_count, RESERVE);
	fail_nr = -1;
	ck_assert_int_eq(gl_share_fini(&share), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("leave");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, versions);
	tcase_add_test(tc, callbacks);
	tcase_add_test(tc, older_mode);
	tcase_add_test(tc, record_moves);
	tcase_add_test(tc, reserve_changes);
	tcase_add_test(tc, reserve_half_empty);
	tcase_add_test(tc, reserve_of_shared_pages);
	tcase_add_test(tc, reserve_page_not_broken);
	tcase_add_test(tc, range);
	tcase_add_test(tc, range_short_of_frames);
	tcase_add_test(tc, range_refused);
	tcase_add_test(tc, end);
	tcase_add_test(tc, end_of_break_first);
	tcase_add_test(tc, end_refused);
	return suite_run();
}
