/* SPDX-License-Identifier: MIT */
// links: tests/port/port.c
/*
 * Flushes by mask (TLB1 to TLB3): who is asked, who answers, and that nobody
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

static uint64_t read_cr3(void) { return 0; }
static void write_cr3(uint64_t v) { local++; }
static void invlpg(uint64_t va) { pages++; }
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
	areas[__builtin_ctzl(asked)].tlb_pending = 0;
	asked &= asked - 1;
}

void lapic_send_ipi(unsigned int cpu, enum vector vector)
{
	ck_assert_uint_eq(vector, VEC_TLB);
	ck_assert(areas[cpu].tlb_pending);
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
		ck_assert(!areas[i].tlb_pending);
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

START_TEST(one_page)
{
	tlb_flush_page_mask(1 | 1 << 2, 0x5123);
	nobody_left(0, 1);
	ck_assert_uint_eq(pages, 1);
	ck_assert_uint_eq(request, 0x5000);
}
END_TEST

/* TLB2 */
START_TEST(answer)
{
	tlb_answer();
	ck_assert_uint_eq(local, 0);
	request = ALL_PAGES;
	this_cpu()->tlb_pending = 1;
	tlb_spin();		/* TLB3: who waits answers */
	ck_assert_uint_eq(local, 1);
	ck_assert(!this_cpu()->tlb_pending);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("all");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, here);
	tcase_add_test(tc, others);
	tcase_add_test(tc, everybody);
	tcase_add_test(tc, one_page);
	tcase_add_test(tc, answer);
	return suite_run();
}
