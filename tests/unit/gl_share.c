// links: guest-lib/core/*.c
/* SPDX-License-Identifier: MIT */
/*
 * The sharing half of the guest library against a small fake of the hypervisor.
 */
#include <check.h>

#include "fake/fake_guest_pages.h"
#include "unit/suite.h"

START_TEST(offer_and_break)
{
	int32_t status[8];

	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, status), 8);
	ck_assert_uint_eq(tot_pages, PFNS - 8);
	ck_assert_uint_eq(p2m[0], p2m[1]);
	ck_assert_uint_ne(p2m[1], p2m[2]);
	audit();
	ck_assert(store(1, 99));
	ck_assert_uint_eq(*(uint8_t *)va_of(1), 99);
	ck_assert_uint_eq(((uint8_t *)va_of(1))[1], 0);
	ck_assert_uint_eq(*(uint8_t *)va_of(0), 0);
	audit();
	ck_assert_uint_eq(share.counters.breaks, 1);
	ck_assert_uint_eq(gl_share_refill(&share), 0);
	ck_assert_uint_eq(tot_pages, PFNS - 7);
	audit();
	ck_assert_int_eq(gl_share_page(&share, va_of(1)), 0);
	audit();
}
END_TEST

START_TEST(empty_reserve)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 20, NULL), 20);
	for (uint64_t pfn = 0; pfn < 10; pfn++) {
		ck_assert(store(pfn, 200));
		audit();
	}
	ck_assert_uint_eq(share.counters.breaks, RESERVE);
	ck_assert_uint_eq(share.counters.unshares, 10 - RESERVE);
	ck_assert_uint_eq(share.counters.reserve_low, 10 - RESERVE);
	ck_assert_uint_eq(gl_share_refill(&share), 0);
	ck_assert_uint_eq(tot_pages, PFNS - 10);
	audit();
}
END_TEST

/*
 * The last holder keeps the frame; where others hold it the library soon stops
 * to ask.
 */
START_TEST(last_holder)
{
	uint64_t frame;

	in_place = true;
	attempts = 0;
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 2, NULL), 2);
	frame = p2m[0];
	ck_assert_uint_eq(p2m[1], frame);
	ck_assert(store(0, 9));			/* refused, so copied */
	ck_assert_uint_eq(share.counters.taken, 0);
	ck_assert(store(1, 9));			/* not asked for, this once */
	ck_assert_uint_eq(share.counters.breaks, 2);
	ck_assert_uint_eq(attempts, 1);
	audit();
	ck_assert_int_eq(gl_share_page(&share, va_of(2)), 0);
	frame = p2m[2];
	/* another page's, that had it too */
	m2p[frame] = 77;
	ck_assert(store(2, 9));
	ck_assert_uint_eq(share.counters.taken, 1);
	ck_assert_uint_eq(p2m[2], frame);
	ck_assert_uint_eq(m2p[frame], 2);
	ck_assert(!gl_share_is_shared(&share, 2));
	audit();
	in_place = false;
}
END_TEST

START_TEST(attempts_get_rare)
{
	attempts = 0;
	for (unsigned int i = 0; i < 300; i++) {
		ck_assert_int_eq(gl_share_range(&share, va_of(4), 2, NULL), 2);
		ck_assert(store(4, 1) && store(5, 2));
		memset((void *)va_of(4), 0, PAGE);
		memset((void *)va_of(5), 0, PAGE);
		ck_assert_uint_eq(gl_share_refill(&share), 0);
	}
	/* 1 + 2 + ... + 64, then each 65th of 600. */
	ck_assert_uint_eq(attempts, 15);
	audit();
}
END_TEST

/* Refill gets less than it asks for; slots in order all the same. */
START_TEST(short_refill)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, NULL), 8);
	for (uint64_t pfn = 0; pfn < RESERVE; pfn++)
		ck_assert(store(pfn, 1));
	max_pages = tot_pages + 1;
	ck_assert_uint_eq(gl_share_refill(&share), RESERVE - 1);
	audit();
	ck_assert(store(4, 1));
	ck_assert_uint_eq(share.counters.breaks, RESERVE + 1);
	audit();
	fail_nr = __HYPERVISOR_memory_op;
	fail_with = -XEN_ENOMEM;
	ck_assert_uint_eq(gl_share_refill(&share), RESERVE);
	fail_nr = -1;
	max_pages = PFNS;
	ck_assert_uint_eq(gl_share_refill(&share), 0);
	audit();
}
END_TEST

/*
 * SH20: a process of the guest writes to a page that is read-only to it.  That
 * it is shared too changes nothing: the fault is the kernel's, which sends
 * SIGSEGV; no copy is made.
 */
START_TEST(user_fault)
{
	int32_t st;

	ck_assert_int_eq(gl_share_pages(&share, (uint64_t[]){ va_of(5) }, 1, &st),
			 1);
	ck_assert(pte[5] & SHARE_PTE_AVL);
	for (unsigned int n = 0; n < 2; n++) {
		/*
		 * A user's write; the same where the page was never writable:
		 * no bit.
		 */
		ck_assert(!gl_share_fault(&share, va_of(5), 7));
		ck_assert(!gl_share_fault(&share, va_of(5) + 0xff8, 7));
		if (n)
			ck_assert(!gl_share_fault(&share, va_of(5), 3));
		ck_assert_uint_eq(share.counters.faults, 0);
		ck_assert_uint_eq(share.slots_full, RESERVE);
		ck_assert(gl_share_is_shared(&share, 5));
		ck_assert_uint_eq(tot_pages, PFNS - 1);
		pte[5] &= ~SHARE_PTE_AVL;
	}
	pte[5] |= SHARE_PTE_AVL;
	ck_assert(store(5, 1));		/* the kernel's own write */
	ck_assert_uint_eq(share.counters.breaks, 1);
	audit();
}
END_TEST

/* G2: bits alone, a record alone, user faults, reads: not ours. */
START_TEST(forged)
{
	uint64_t e = pte[3];

	pte[3] = (e & ~RW) | SHARE_PTE_AVL;	/* inherited from somewhere */
	map_real(3);
	ck_assert(!store(3, 5));
	ck_assert_int_eq(foreign, 1);
	pte[3] = e & ~RW;			/* our record, but no bit */
	record[0] |= 1 << 3;
	ck_assert(!gl_share_fault(&share, va_of(3), 3));
	ck_assert_uint_eq(share.counters.foreign_faults, 2);
	record[0] &= ~(1ULL << 3);
	pte[3] = e;
	map_real(3);
	ck_assert_int_eq(gl_share_page(&share, va_of(3)), 0);
	ck_assert(!gl_share_fault(&share, va_of(3), 7));	/* user */
	ck_assert(!gl_share_fault(&share, va_of(3), 1));	/* read */
	ck_assert(!gl_share_fault(&share, va_of(3), 2));	/* absent */
	ck_assert(!gl_share_fault(&share, va_of(3), 0x13));	/* fetch */
	ck_assert(!gl_share_fault(&share, va_of(PFNS), 3));
	ck_assert(gl_share_is_shared(&share, 3));
	ck_assert(store(3, 5));
	ck_assert(gl_share_fault(&share, va_of(3), 3)); /* writable by now */
	audit();
}
END_TEST

/*
 * Statuses reach the caller, bad entries do not disturb others, the record
 * stays exact.
 */
START_TEST(statuses)
{
	uint64_t vas[5] = { va_of(0), va_of(1), va_of(2), va_of(PFNS + 9),
			    va_of(3) };
	int32_t st[5];

	pte[1] = 0;
	mappings[p2m[1]] = 2;
	ck_assert_int_eq(gl_share_page(&share, va_of(2)), 0);
	ck_assert_int_eq(gl_share_pages(&share, vas, 5, st), 2);
	ck_assert_int_eq(st[0], SHARE_DONE);
	ck_assert_int_eq(st[1], SHARE_NOT_MAPPED);
	ck_assert_int_eq(st[2], SHARE_ALREADY);
	ck_assert_int_eq(st[3], SHARE_NOT_MAPPED);
	ck_assert_int_eq(st[4], SHARE_DONE);
	ck_assert(!gl_share_is_shared(&share, 1));
	ck_assert(gl_share_is_shared(&share, 2));
	ck_assert_int_eq(gl_share_page(&share, va_of(2)), -XEN_EEXIST);
	ck_assert(gl_share_is_shared(&share, 2));
	ck_assert_int_eq(gl_share_page(&share, va_of(PFNS)), -XEN_EINVAL);
	ck_assert(store(2, 1));
}
END_TEST

START_TEST(no_such_call)
{
	fail_nr = __HYPERVISOR_make_ro_and_share;
	fail_with = -XEN_ENOSYS;
	ck_assert_int_eq(gl_share_page(&share, va_of(0)), -XEN_ENOSYS);
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 9, NULL), -XEN_ENOSYS);
	ck_assert_uint_eq(share.counters.done, 0);
	ck_assert(!gl_share_is_shared(&share, 0));
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.faults, 0);
	audit();
}
END_TEST

/*
 * The multicall, or one call in it, is refused: the other way is used, or the
 * fault is not served.
 */
START_TEST(refused_commit)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 8, NULL), 8);
	fail_nr = __HYPERVISOR_multicall;
	fail_with = -XEN_ENOSYS;
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.unshares, 1);
	ck_assert_uint_eq(share.slots_full, RESERVE);
	fail_nr = __HYPERVISOR_update_va_mapping;
	fail_with = -XEN_EINVAL;
	ck_assert(store(1, 1));
	ck_assert_uint_eq(share.counters.unshares, 2);
	audit();
	fail_nr = __HYPERVISOR_update_va_mapping;
	max_pages = tot_pages;
	ck_assert(!store(2, 1));
	ck_assert_uint_eq(share.counters.break_errors, 1);
	ck_assert(gl_share_is_shared(&share, 2));
	fail_nr = -1;
	ck_assert(store(2, 1));
	audit();
}
END_TEST

/*
 * The page has the slot's frame, and the slot keeps it too: the log says so,
 * the page is well.
 */
START_TEST(second_mapping)
{
	ck_assert_int_eq(gl_share_page(&share, va_of(0)), 0);
	fail_va = share.slots[RESERVE - 1].va;
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.breaks, 1);
	ck_assert_uint_eq(logged, 1);
	ck_assert(!gl_share_is_shared(&share, 0));
}
END_TEST

/*
 * A slot whose page cannot be mapped stays empty, and is asked for once, not
 * for ever.
 */
START_TEST(refill_unmapped)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 2, NULL), 2);
	ck_assert(store(0, 1));
	fail_va = share.slots[RESERVE - 1].va;
	ck_assert_uint_eq(gl_share_refill(&share), 1);
	ck_assert_uint_eq(share.slots_full, RESERVE - 1);
	ck_assert_uint_eq(logged, 1);
	ck_assert_uint_eq(tot_pages, PFNS - 1);
	fail_va = 0;
	ck_assert_uint_eq(gl_share_refill(&share), 0);
}
END_TEST

/* Pages that the record has no room for are not offered. */
START_TEST(beyond_the_record)
{
	share.record_pfns = 10;
	ck_assert_int_eq(gl_share_page(&share, va_of(9)), 0);
	ck_assert_int_eq(gl_share_page(&share, va_of(10)), -XEN_EINVAL);
	ck_assert_uint_eq(record[0], 1UL << 9);
	ck_assert_uint_eq(tot_pages, PFNS - 1);
}
END_TEST

/* Results that a newer hypervisor may know. */
START_TEST(odd_statuses)
{
	static const int32_t odd[] = { GL_SHARE_RESULTS, 100000, -1, INT32_MIN };

	for (unsigned int i = 0; i < 4; i++) {
		int32_t st;

		odd_status = odd[i];
		ck_assert_int_eq(gl_share_pages(&share, (uint64_t[]){ va_of(5) },
						1, &st), 0);
		ck_assert_int_eq(st, odd[i]);
		ck_assert(!gl_share_is_shared(&share, 5));
	}
	ck_assert_uint_eq(share.counters.by_result[SHARE_NOT_TRIED], 4);
	audit();
}
END_TEST

START_TEST(unshare)
{
	ck_assert_int_eq(gl_share_page(&share, va_of(0)), 0);
	ck_assert_int_eq(gl_share_unshare(&share, va_of(0)), 0);
	ck_assert_int_lt(gl_share_unshare(&share, va_of(0)), 0);
	ck_assert(store(0, 1));
	ck_assert_uint_eq(share.counters.faults, 0);
	audit();
}
END_TEST

/*
 * Break first: what the hypervisor broke is private, and unsharing it says so
 * once.
 */
START_TEST(unshare_of_a_broken_page)
{
	uint64_t frame;

	ck_assert_int_eq(gl_share_break_first(&share, NULL, 0), 0);
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 2, NULL), 2);
	fake_break(0);
	frame = p2m[0];
	/* there was no list for the hypervisor to write */
	p2m[0] = 0;
	ck_assert_int_eq(gl_share_unshare(&share, va_of(0)), 0);
	ck_assert_uint_eq(p2m[0], frame);
	ck_assert(!gl_share_is_shared(&share, 0));
	ck_assert_uint_eq(share.counters.unshares, 0);
	audit();
	ck_assert_int_eq(gl_share_unshare(&share, va_of(0)), -XEN_EINVAL);
	ck_assert_int_eq(gl_share_unshare(&share, va_of(1)), 0);
	ck_assert_uint_eq(share.counters.unshares, 1);
	audit();
	/* Private, but nobody may write it: the fault is not served. */
	ck_assert_int_eq(gl_share_page(&share, va_of(2)), 0);
	fake_break(2);
	pte[2] = (pte[2] & ~RW) | SHARE_PTE_AVL;
	map_real(2);
	share.slots_full = 0;
	ck_assert(!store(2, 1));
	ck_assert(gl_share_is_shared(&share, 2));
}
END_TEST

/*
 * The operator chose break first: a writable entry was taken, and names a copy.
 */
START_TEST(copy_instead_of_the_frame)
{
	uint64_t old;

	copies = true;
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 2, NULL), 2);
	old = p2m[0];
	m2p[old] = 77;
	ck_assert(store(0, 9));
	ck_assert_uint_ne(p2m[0], old);
	ck_assert_uint_eq(p2m[1], old);
	ck_assert_uint_eq(m2p[old], 77);
	ck_assert_uint_eq(share.counters.taken, 0);
	ck_assert_uint_eq(share.counters.unshares, 1);
	ck_assert_uint_eq(share.slots_full, RESERVE);
	ck_assert(!gl_share_is_shared(&share, 0));
	audit();
}
END_TEST

/*
 * Several vCPUs: none may write the copy while another one reads the old frame,
 * so its entry is read-only at first.
 */
START_TEST(copy_is_read_only_first)
{
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 4, NULL), 4);
	writes = 0;
	ck_assert(store(0, 9));
	ck_assert_uint_eq(writes, 2);	/* asked for the frame, and the copy */
	gl_share_several_vcpus(&share);
	writes = 0;
	ck_assert(store(2, 9));
	ck_assert_uint_eq(writes, 2);
	ck_assert_uint_eq(written[1] | RW, written[0]);
	ck_assert(!(written[1] & RW));
	ck_assert_uint_eq(*(uint8_t *)va_of(2), 9);
	ck_assert_uint_eq(share.counters.breaks, 2);
	audit();
}
END_TEST

/*
 * Break first, and no frame but those of the reserve: they are the
 * hypervisor's to copy into.
 */
static void break_first_setup(bool several)
{
	ck_assert_int_eq(gl_share_break_first(&share, NULL, 0), 0);
	if (several)
		gl_share_several_vcpus(&share);
	ck_assert_int_eq(gl_share_range(&share, va_of(0), 20, NULL), 20);
	no_frames = true;
}

START_TEST(reserve_is_given_back)
{
	break_first_setup(_i);
	for (uint64_t pfn = 0; pfn < RESERVE; pfn++) {
		ck_assert(store(pfn, 9));
		audit();
		no_frames = true;
	}
	ck_assert_uint_eq(share.counters.unshares, RESERVE);
	ck_assert_uint_eq(share.counters.breaks, 0);
	ck_assert(!store(RESERVE, 9));
	no_frames = false;
	ck_assert_uint_eq(gl_share_refill(&share), 0);
	audit();
}
END_TEST

/* Another vCPU writes the page as soon as there is a frame for it. */
static void write_by_another(void)
{
	fake_break(0);
	((volatile uint8_t *)va_of(0))[1] = 55;
}

START_TEST(write_of_another_is_kept)
{
	break_first_setup(_i);
	meanwhile = write_by_another;
	meanwhile_op = XENMEM_decrease_reservation;
	ck_assert(store(0, 9));
	ck_assert(!meanwhile);
	ck_assert_uint_eq(((uint8_t *)va_of(0))[0], 9);
	ck_assert_uint_eq(((uint8_t *)va_of(0))[1], 55);
	audit();
}
END_TEST

/* The frame that was given back is gone: the next one's turn. */
static void frame_is_taken(void)
{
	no_frames = true;
}

START_TEST(frame_given_back_is_taken)
{
	break_first_setup(_i);
	meanwhile = frame_is_taken;
	meanwhile_op = XENMEM_decrease_reservation;
	ck_assert(store(0, 9));
	ck_assert_uint_eq(share.slots_full, RESERVE - 2);
	audit();
}
END_TEST

/*
 * G5: before the library hears of its new frame the page has another one, by
 * another vCPU or by who maps its grant.
 */
START_TEST(name_of_another_is_kept)
{
	uint64_t va = va_of(0);
	int32_t st;

	ck_assert_int_eq(gl_share_break_first(&share, NULL, 0), 0);
	if (_i & 2)
		gl_share_several_vcpus(&share);
	meanwhile = write_by_another;
	meanwhile_op = _i & 1 ? SHAREOP_batch : SHAREOP_single;
	if (_i & 1)
		ck_assert_int_eq(gl_share_pages(&share, &va, 1, &st), 1);
	else
		ck_assert_int_eq(gl_share_page(&share, va), 0);
	ck_assert(!meanwhile);
	ck_assert_uint_eq(p2m[0], (pte[0] & ADDR) / PAGE);
	ck_assert_uint_eq(((uint8_t *)va)[1], 55);
}
END_TEST

START_TEST(many_rounds)
{
	srand(5);
	for (unsigned int n = 0; n < 3000; n++) {
		uint64_t pfn = (uint64_t)rand() % (PFNS - RESERVE);

		switch (rand() % 4) {
		case 0:
			gl_share_page(&share, va_of(pfn));
			break;
		case 1:
			gl_share_refill(&share);
			break;
		default:
			ck_assert(store(pfn, (uint8_t)(rand() % 2)));
		}
	}
	gl_share_refill(&share);
	audit();
	ck_assert_uint_eq(share.counters.break_errors, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("share");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, offer_and_break);
	tcase_add_test(tc, empty_reserve);
	tcase_add_test(tc, last_holder);
	tcase_add_test(tc, attempts_get_rare);
	tcase_add_test(tc, short_refill);
	tcase_add_test(tc, copy_is_read_only_first);
	tcase_add_loop_test(tc, reserve_is_given_back, 0, 2);
	tcase_add_loop_test(tc, write_of_another_is_kept, 0, 2);
	tcase_add_loop_test(tc, frame_given_back_is_taken, 0, 2);
	tcase_add_loop_test(tc, name_of_another_is_kept, 0, 4);
	tcase_add_test(tc, forged);
	tcase_add_test(tc, statuses);
	tcase_add_test(tc, no_such_call);
	tcase_add_test(tc, refused_commit);
	tcase_add_test(tc, second_mapping);
	tcase_add_test(tc, refill_unmapped);
	tcase_add_test(tc, beyond_the_record);
	tcase_add_test(tc, odd_statuses);
	tcase_add_test(tc, unshare);
	tcase_add_test(tc, unshare_of_a_broken_page);
	tcase_add_test(tc, copy_instead_of_the_frame);
	tcase_add_test(tc, user_fault);
	tcase_add_test(tc, many_rounds);
	return suite_run();
}
