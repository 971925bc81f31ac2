// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * A share that is broken: which CPUs flush before the page is written (TL2,
 * SH2), and what batches of offers refuse (SH5, SH13).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/memory.h>

#include "fake/fake_breaks.h"
#include "mm/framepool.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "sharing/holds.h"
#include "unit/suite.h"

#define OTHER	4UL	/* a CPU that may know d's tables */
/* one that runs another of the group, and may know the shared frame */
#define GUESTS	8UL
#define STRANGER 16UL	/* one that runs a guest of another group */

/* CPUs of the first flush, and what the list said then */
static uint64_t asked;
static uint64_t named;

static void note_first(void)
{
	if (asked)
		return;
	asked = 1;
	named = *name_of(p);
}

static void end(void)
{
	vcpu_guest_cpus = 1;
	frame_pool_cpu_leaves(d->sharing.frames, 3);
	teardown();
}

static void watch(void)
{
	d->cpu_mask |= OTHER;
	frame_pool_cpu_enters(d->sharing.frames, 3);
	vcpu_guest_cpus = 1 | GUESTS | STRANGER;
	fake_machine.flushed = 0;
}

/* Who held it before and let go did not flush, and its frame is d's own now. */
START_TEST(last_holder_adopts)
{
	mfn_t mfn = shared(p, 7, false);

	watch();
	ck_assert_int_eq(map(p, pte_make(mfn, RW)), 0);
	ck_assert(fake_machine.flushed & GUESTS);
	/* TL10: nobody else pays. */
	ck_assert(!(fake_machine.flushed & STRANGER));
}
END_TEST

START_TEST(entry_breaks)
{
	mfn_t mfn = shared(p, 7, true);

	d->breaks.flags = BOTH;
	watch();
	ck_assert_int_eq(map(p, pte_make(mfn, RW)), 0);
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert(fake_machine.flushed & OTHER);
}
END_TEST

/*
 * SH36, K2: before a page's name changes, in its list or in an entry, the
 * domain's vCPUs that run elsewhere are called in; and none goes back to its
 * guest before the names are changed everywhere.
 */
START_TEST(others_are_held)
{
	mfn_t mfn;

	fake_end(d);
	fake_machine.vcpus = 3;
	d = fake_domain("g", 200);
	fake_machine.vcpus = 0;
	break_first();
	mfn = shared(p, 7, true);
	*name_of(p) = mfn_n(mfn);
	watch();
	asked = 0;
	fake_machine.on_flush = note_first;
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	fake_machine.on_flush = NULL;
	ck_assert_uint_eq(asked, 1);
	ck_assert_uint_eq(named, mfn_n(mfn));		/* not yet */
	ck_assert(fake_machine.flushed & OTHER);
	ck_assert_uint_eq(*name_of(p), mfn_n(fake_mfn(d, p)));
	ck_assert(d->pending.renames.held && pttree_work_left(d));
	/* One that waits to go to its guest had LOCK_MM meanwhile. */
	(void)pttree_settle(d);
	ck_assert(!pttree_work_left(d));
	/* Another vCPU's fault at the same entry, a moment later, is none. */
	fake_run_vcpu(d, 1);
	d->vcpu[1]->kernel_mode = true;
	d->vcpu[1]->kernel_l4 = d->vcpu[0]->kernel_l4;
	ck_assert(sharefault(d->vcpu[1], fake_va(p), WRITE));
	d->vcpu[1]->kernel_l4 = INVALID_MFN;
	fake_run(d);
}
END_TEST

START_TEST(fault_breaks)
{
	mfn_t mfn = shared(p, 7, true);

	d->breaks.flags = BOTH;
	watch();
	ck_assert(sharefault(d->vcpu[0], fake_va(p), WRITE));
	ck_assert_uint_ne(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
	ck_assert(fake_machine.flushed & OTHER);
}
END_TEST

static int unshare(uint64_t pfn)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);

	*e = (struct shareop_entry){ .pte = { fake_va(pfn) }, .nr_ptes = 1 };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_unshare, fake_va(scratch),
				   1), 0);
	return e->status;
}

START_TEST(call_breaks)
{
	(void)shared(p, 7, false);
	(void)shared(p + 1, 8, true);
	watch();
	ck_assert_int_eq(unshare(p), SHARE_DONE);
	ck_assert(fake_machine.flushed & GUESTS);
	ck_assert(!(fake_machine.flushed & STRANGER));
	watch();
	ck_assert_int_eq(unshare(p + 1), SHARE_DONE);
	ck_assert(fake_machine.flushed & OTHER);
}
END_TEST

/* --- offers --- */

START_TEST(offered)
{
	fill(d, p, 7);
	watch();
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
	ck_assert(fake_machine.flushed & OTHER);
}
END_TEST

/*
 * Given back while two entries map it: what is left is no page of d's to share
 * (ME4).
 */
START_TEST(given_back)
{
	struct xen_memory_reservation *r = (void *)(fake_page(d, scratch) + 512);
	mfn_t mfn = fake_mfn(d, p);

	fill(d, p, 7);
	ck_assert_int_eq(map(p + 1, pte_make(mfn, RO)), 0);
	*(uint64_t *)fake_page(d, scratch) = mfn_n(mfn);
	*r = (struct xen_memory_reservation){ .nr_extents = 1,
					      .domid = DOMID_SELF };
	r->extent_start.p = (void *)fake_va(scratch);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_decrease_reservation,
				   fake_va(scratch) + 512), 1);
	ck_assert_int_eq(offer(p, 0), SHARE_OTHER_MAPPING);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(mfn));
}
END_TEST

START_TEST(bad_names)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);

	*e = (struct shareop_entry){ .pte = { HV_VIRT_START }, .nr_ptes = 1 };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   1), 0);
	ck_assert_int_eq(e->status, SHARE_BAD_PTE);
}
END_TEST

/*
 * Three entries with as many names as there may be do not fit in one chunk
 * (XSA-355).
 */
START_TEST(many_names)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);
	uint64_t *names = (void *)fake_page(d, scratch + 1);
	unsigned int i;

	for (i = 0; i < SHARE_NAMES_MAX; i++)
		names[i] = fake_va(p);
	for (i = 0; i < 3; i++)
		e[i] = (struct shareop_entry){ .pte = { fake_va(scratch + 1) },
					     .nr_ptes = SHARE_NAMES_MAX };
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   3), 0);
	for (i = 0; i < 3; i++)
		ck_assert_int_eq(e[i].status, SHARE_BAD_PTE);
}
END_TEST

/* SH13: the results could not be told, so nothing is done. */
START_TEST(array_read_only)
{
	mfn_t mfn = fake_mfn(d, scratch), page = fake_mfn(d, p);
	struct shareop_entry *e = (void *)fake_page(d, scratch);

	*e = (struct shareop_entry){ .pte = { fake_va(p) }, .nr_ptes = 1 };
	ck_assert_int_eq(map(scratch, pte_make(mfn, RO)), 0);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   1), -EFAULT);
	ck_assert_uint_eq(mfn_n(fake_mfn(d, p)), mfn_n(page));
	ck_assert(writable(p));
	ck_assert_int_eq(map(scratch, pte_make(mfn, RW)), 0);
}
END_TEST

/* PR1: between two chunks there is a look at the clock. */
START_TEST(batch_in_parts)
{
	struct shareop_entry *e = (void *)fake_page(d, scratch);
	unsigned int i, before = fake_machine.continued;

	for (i = 0; i < 80; i++) {
		fill(d, p + i, 100 * i);
		e[i] = (struct shareop_entry){ .pte = { fake_va(p + i) },
					     .nr_ptes = 1 };
	}
	fake_machine.preempt = true;
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_batch, fake_va(scratch),
				   80), 0);
	fake_machine.preempt = false;
	ck_assert_uint_gt(fake_machine.continued, before);
	for (i = 0; i < 80; i++)
		ck_assert_int_eq(e[i].status, SHARE_DONE);
}
END_TEST

/* Domains of no named group are alone, each (SH24). */
START_TEST(alone)
{
	struct domain *a = fake_domain("", 50), *b = fake_domain("", 50);

	ck_assert_uint_ne(a->sharing.group, b->sharing.group);
	fake_end(a);
	fake_end(b);
	fake_run(d);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, end);
	tcase_add_test(tc, last_holder_adopts);
	tcase_add_test(tc, entry_breaks);
	tcase_add_test(tc, fault_breaks);
	tcase_add_test(tc, call_breaks);
	tcase_add_test(tc, offered);
	tcase_add_test(tc, given_back);
	tcase_add_test(tc, bad_names);
	tcase_add_test(tc, many_names);
	tcase_add_test(tc, array_read_only);
	tcase_add_test(tc, batch_in_parts);
	tcase_add_test(tc, alone);
	tcase_add_test(tc, others_are_held);
	return suite_run();
}
