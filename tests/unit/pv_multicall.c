/* links: hv/pv/multicall.c tests/port/port.c tests/fake/fake_pv.c */
/* SPDX-License-Identifier: MIT */
/*
 * multicall: M1-M4, and that a call cut at every possible place ends like an
 * uncut one.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include "dom/die.h"
#include "fake/fake_pv.h"
#include "pv/hypercall.h"
#include "unit/suite.h"

#define LIST_VA		0x10000000UL
#define ENTRIES		8

/* Inner calls of this test. */
enum { CALL_OK = 1, CALL_FAIL, CALL_LONG, CALL_IRET, CALL_DIE, CALL_REWRITE,
       CALL_BREAK, CALL_ENDS };

static struct multicall_entry list[ENTRIES];
static unsigned int calls[ENTRIES + 1];	/* by argument 0 */
static unsigned int units;		/* of CALL_LONG */
static struct hypercall_args args;
static struct vcpu *v;

/* CALL_LONG: a[1] units of work, one each time when somebody waits. */
static long call_long(struct hypercall_args *inner)
{
	while (inner->a[1]) {
		inner->a[1]--;
		units++;
		if (inner->a[1] && fake_pv.preempt_after >= 0)
			return -ERESTART;
	}
	return 0;
}

long hypercall_dispatch(uint64_t nr, struct hypercall_args *inner)
{
	calls[inner->a[0] % ENTRIES]++;
	switch (nr) {
	case CALL_OK:
		return inner->a[5];
	case CALL_FAIL:
		return -EBUSY;
	case CALL_LONG:
		return call_long(inner);
	case CALL_IRET:
		inner->regs = REGS_NEW;
		return 0;
	case CALL_DIE:
		domain_crash(v->domain, "as asked");
		return 0;
	case CALL_BREAK:
		/* its output broke a share in one of its entries */
		v->domain->pending.renames.count = 1;
		return inner->a[5];
	case CALL_ENDS:
		inner->a[5] = 0;
		inner->regs = REGS_ARGS;
		return 7;
	case CALL_REWRITE:	/* another CPU changes the entry meanwhile */
		list[inner->a[0]].args[5] = 99;
		return inner->a[5];
	default:
		return -ENOSYS;
	}
}

static void setup(void)
{
	v = fake_pv_reset();
	memset(list, 0, sizeof(list));
	memset(calls, 0, sizeof(calls));
	memset(&args, 0, sizeof(args));
	units = 0;
	for (unsigned int i = 0; i < ENTRIES; i++) {
		list[i].op = CALL_OK;
		list[i].result = 0x5555;
		list[i].args[0] = i;
		list[i].args[5] = 100 + i;
	}
	fake_memory_add(LIST_VA, list, sizeof(list), true);
	args.a[0] = LIST_VA;
	args.a[1] = ENTRIES;
}

START_TEST(all_done)
{
	ck_assert_int_eq(op_multicall(&args), 0);
	for (unsigned int i = 0; i < ENTRIES; i++) {
		ck_assert_uint_eq(list[i].result, 100 + i);
		ck_assert_uint_eq(list[i].args[5], 100 + i);
		ck_assert_uint_eq(calls[i], 1);
	}
}
END_TEST

START_TEST(errors_do_not_stop)
{
	list[2].op = CALL_FAIL;
	list[3].op = 4711;
	list[4].op = __HYPERVISOR_multicall;
	ck_assert_int_eq(op_multicall(&args), 0);
	ck_assert_int_eq((long)list[2].result, -EBUSY);
	ck_assert_int_eq((long)list[3].result, -ENOSYS);
	ck_assert_int_eq((long)list[4].result, -EINVAL);	/* M4 */
	ck_assert_uint_eq(list[7].result, 107);
}
END_TEST

START_TEST(iret_stops)
{
	list[3].op = CALL_IRET;
	op_multicall(&args);
	ck_assert_int_eq(args.regs, REGS_NEW);
	ck_assert_uint_eq(calls[3], 1);
	ck_assert_uint_eq(calls[4], 0);
	ck_assert_uint_eq(list[4].result, 0x5555);
}
END_TEST

START_TEST(death_stops)
{
	list[3].op = CALL_DIE;
	ck_assert_int_eq(op_multicall(&args), 0);
	ck_assert_uint_eq(calls[4], 0);
}
END_TEST

/* M5 */
START_TEST(break_is_finished_first)
{
	list[3].op = CALL_BREAK;
	list[7].op = CALL_BREAK;
	ck_assert_int_eq(op_multicall(&args), -ERESTART);
	ck_assert_uint_eq(list[3].result, 103);
	ck_assert_uint_eq(calls[4], 0);
	ck_assert_uint_eq(args.a[0], LIST_VA + 4 * sizeof(list[0]));
	ck_assert_uint_eq(args.a[1], ENTRIES - 4);
	v->domain->pending.renames.count = 0;
	ck_assert_int_eq(op_multicall(&args), 0);
	ck_assert_uint_eq(list[7].result, 107);
	ck_assert_uint_eq(calls[3], 1);
	v->domain->pending.renames.count = 0;
}
END_TEST

/* CP4: what the guest writes into an entry during its call changes nothing. */
START_TEST(entry_is_read_once)
{
	list[1].op = CALL_REWRITE;
	ck_assert_int_eq(op_multicall(&args), 0);
	ck_assert_uint_eq(list[1].result, 101);
	ck_assert_uint_eq(list[1].args[5], 99);	/* only the result is written */
}
END_TEST

/* M1, AGAIN1: what went on, and ends, leaves no mark. */
START_TEST(arguments_of_the_last_part)
{
	list[2].op = CALL_ENDS;
	ck_assert_int_eq(op_multicall(&args), 0);
	ck_assert_uint_eq(list[2].result, 7);
	ck_assert_uint_eq(list[2].args[0], 2);
	ck_assert_uint_eq(list[2].args[5], 0);
	ck_assert_uint_eq(list[3].args[5], 103);
}
END_TEST

/* M3, PR5: cut after each number of looks at the clock. */
START_TEST(restarts)
{
	unsigned int parts = 0;
	uint64_t left;
	long rc;

	list[5].op = CALL_LONG;
	list[5].args[1] = 4;
	do {
		fake_pv.preempt_after = _i;
		left = args.a[1];
		rc = op_multicall(&args);
		/* The first entry is done without a look. */
		ck_assert_uint_le(left - args.a[1], _i + 1);
		ck_assert_uint_eq(args.a[0],
				  LIST_VA + (ENTRIES - args.a[1]) * sizeof(list[0]));
		ck_assert_uint_lt(parts++, 64);
	} while (rc == -ERESTART);
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(units, 4);
	for (unsigned int i = 0; i < ENTRIES; i++) {
		if (i == 5)
			continue;
		ck_assert_uint_eq(calls[i], 1);
		ck_assert_uint_eq(list[i].result, 100 + i);
	}
	ck_assert_int_eq(list[5].result, 0);
}
END_TEST

START_TEST(bad_lists)
{
	static const uint64_t bad[] = {
		0, 8, LIST_VA - 8, LIST_VA + sizeof(list) - 8, 0x7fffffffffc0,
		0x800000000000, HV_VIRT_START - 8, HV_VIRT_START,
		HV_VIRT_END - 8, ~0UL - 63,
	};

	args.a[0] = bad[_i];
	ck_assert_int_eq(op_multicall(&args), -EFAULT);
	ck_assert_uint_eq(fake_pv.crashes, 0);
}
END_TEST

START_TEST(counts)
{
	args.a[1] = 0;
	ck_assert_int_eq(op_multicall(&args), 0);
	args.a[1] = 1UL << 31;		/* ends where the memory does */
	ck_assert_int_eq(op_multicall(&args), -EFAULT);
	ck_assert_uint_eq(list[7].result, 107);
}
END_TEST

START_TEST(read_only_list)
{
	fake_pv_reset();
	fake_memory_add(LIST_VA, list, sizeof(list), false);
	ck_assert_int_eq(op_multicall(&args), -EFAULT);
	ck_assert_uint_eq(calls[0], 1);
	ck_assert_uint_eq(calls[1], 0);
	ck_assert_uint_eq(list[0].result, 0x5555);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("multicall");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, all_done);
	tcase_add_test(tc, errors_do_not_stop);
	tcase_add_test(tc, iret_stops);
	tcase_add_test(tc, death_stops);
	tcase_add_test(tc, break_is_finished_first);
	tcase_add_test(tc, entry_is_read_once);
	tcase_add_test(tc, arguments_of_the_last_part);
	tcase_add_loop_test(tc, restarts, 0, ENTRIES + 2);
	tcase_add_loop_test(tc, bad_lists, 0, 10);
	tcase_add_test(tc, counts);
	tcase_add_test(tc, read_only_list);
	return suite_run();
}
