/* SPDX-License-Identifier: MIT */
// links: tests/port/port.c
/*
 * Flushes by mask (TLB1 to TLB4): who is asked, who answers, and that nobody
 * goes on before.  The CPU's instructions are stand-ins, so tlb.c is compiled
 * into the test.
 */
#include <check.h>

#include <port.h>

#include "unit/suite.h"
#include "x86/cpu.h"

#define HV_X86_INSN_H
static unsigned int local, pages, pauses, ipis;
static uint64_t asked;		/* CPUs that got an interrupt */
static uint64_t asks_later;	/* CPUs that ask this one while it flushes */

static void invlpg(uint64_t va) { pages++; }
static uint64_t read_cr3(void) { return 0; }
static void write_cr3(uint64_t v);
static void cpu_pause(void);

#define port_spin tlb_spin
#include "x86/tlb.c"

#define CPUS 4
static struct percpu areas[CPUS];

/* Others answer one by one, each after a while. */
static void cpu_pause(void)
{
	if (++pauses % 5 || !asked)
		return;
	areas[__builtin_ctzl(asked)].tlb_asked &= ~1UL;
	asked &= asked - 1;
}

static void write_cr3(uint64_t v)
{
	local++;
	this_cpu()->tlb_asked |= asks_later;
	asks_later = 0;
}

void lapic_send_ipi(unsigned int cpu, enum vector vector)
{
	ck_assert_uint_eq(vector, VEC_TLB);
	ck_assert(areas[cpu].tlb_asked & 1);
	ipis++;
	asked |= 1UL << cpu;
}

static void setup(void)
{
	cpu_count = CPUS;
	for (unsigned int i = 0; i < CPUS; i++)
		cpu_areas[i] = &areas[i];
	ck_assert_uint_eq(this_cpu()->id, 0);
}

static void nobody_left(unsigned int flushed_here, unsigned int others)
{
	ck_assert_uint_eq(local, flushed_here);
	ck_assert_uint_eq(ipis, others);
	ck_assert_uint_eq(asked, 0);
	for (unsigned int i = 0; i < CPUS; i++)
		ck_assert(!(areas[i].tlb_asked & 1));
}

START_TEST(here)
{
	tlb_flush_mask(1);
	nobody_left(1, 0);
}
END_TEST

START_TEST(others)
{
	tlb_flush_mask(1 << 1 | 1 << 3);
	nobody_left(0, 2);
}
END_TEST

START_TEST(everybody)
{
	tlb_flush_mask(~0UL);
	nobody_left(1, CPUS - 1);
}
END_TEST

/* TL11: only who waited looks at the clock at once; what was counted stays. */
START_TEST(looks_at_the_clock)
{
	tlb_flush_mask(1);
	ck_assert_uint_eq(this_cpu()->pte_steps, 0);
	tlb_flush_mask(1 | 1 << 2);
	ck_assert_uint_eq(this_cpu()->pte_steps, PTE_STEPS_PAGE);
	this_cpu()->pte_steps = PTE_STEPS_MOST - 1;
	tlb_flush_mask(1 << 2);
	ck_assert_uint_eq(this_cpu()->pte_steps, PTE_STEPS_MOST);
	tlb_flush_mask(1 << 2);
	ck_assert_uint_eq(this_cpu()->pte_steps, PTE_STEPS_MOST);
}
END_TEST

START_TEST(one_page)
{
	tlb_flush_page_mask(1 | 1 << 2, 0x5123);
	nobody_left(0, 1);
	ck_assert_uint_eq(pages, 1);
	ck_assert_uint_eq(this_cpu()->tlb_request, 0x5000);
}
END_TEST

/* TLB2 */
START_TEST(answer)
{
	tlb_answer();
	ck_assert_uint_eq(local, 0);
	areas[2].tlb_request = ALL_PAGES;
	this_cpu()->tlb_asked = 1 << 2;
	tlb_spin();		/* TLB3: who waits answers */
	ck_assert_uint_eq(local, 1);
	ck_assert(!this_cpu()->tlb_asked);
}
END_TEST

/* One page of one requester; of two requesters everything, once. */
START_TEST(answer_two)
{
	areas[1].tlb_request = 0x1000;
	areas[3].tlb_request = 0x3000;
	this_cpu()->tlb_asked = 1 << 3;
	tlb_answer();
	ck_assert_uint_eq(pages, 1);
	ck_assert_uint_eq(local, 0);
	this_cpu()->tlb_asked = 1 << 1 | 1 << 3;
	tlb_answer();
	ck_assert_uint_eq(pages, 1);
	ck_assert_uint_eq(local, 1);
	ck_assert(!this_cpu()->tlb_asked);
}
END_TEST

/* TLB2: who asks during a flush is not served by that one.  TLB4: but then. */
START_TEST(answer_late)
{
	areas[1].tlb_request = areas[3].tlb_request = ALL_PAGES;
	asks_later = 1 << 3;
	this_cpu()->tlb_asked = 1 << 1;
	tlb_answer();
	ck_assert_uint_eq(local, 2);
	ck_assert(!this_cpu()->tlb_asked);
}
END_TEST

/* TLB4: CPU 1 was interrupted for another one and has not answered yet. */
START_TEST(asked_already)
{
	areas[1].tlb_asked = 1 << 2;
	asked = 1 << 1;
	tlb_flush_mask(1 << 1);
	nobody_left(0, 0);
	ck_assert_uint_eq(areas[1].tlb_asked, 1 << 2);
}
END_TEST

/* TLB3: two that ask each other. */
START_TEST(ask_each_other)
{
	areas[1].tlb_request = 0x1000;
	this_cpu()->tlb_asked = 1 << 1;
	tlb_flush_mask(1 << 1);
	nobody_left(0, 1);
	ck_assert_uint_eq(pages, 1);
	ck_assert(!this_cpu()->tlb_asked);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, here);
	tcase_add_test(tc, others);
	tcase_add_test(tc, everybody);
	tcase_add_test(tc, looks_at_the_clock);
	tcase_add_test(tc, one_page);
	tcase_add_test(tc, answer);
	tcase_add_test(tc, answer_two);
	tcase_add_test(tc, answer_late);
	tcase_add_test(tc, asked_already);
	tcase_add_test(tc, ask_each_other);
	return suite_run();
}
