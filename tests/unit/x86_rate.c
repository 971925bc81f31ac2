/* links: hv/x86/rate.c hv/x86/rtc.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/*
 * The TSC's rate against clocks that are interrupted anywhere, that stand
 * still, go back, or are not there; what CPUID and hypervisors tell; what a
 * clock chip holds.
 */
#include <check.h>
#include <stdlib.h>

#include <port.h>

#include "unit/suite.h"
#include "x86/cpu.h"
#include "x86/rate.h"
#include "x86/rtc.h"

#define TSC_HZ		2445000000UL
#define READ_NS		700	/* a port of a virtual machine */

/* The machine: true time, and who takes it from us. */
static double now;		/* ns */
static double interrupt_ns;	/* the longest */
static unsigned int one_in;	/* so many steps; 0: never */

static void step(double ns)
{
	now += ns;
	if (one_in && (unsigned int)rand() % one_in == 0)
		now += interrupt_ns * (rand() / (double)RAND_MAX);
}

uint64_t tsc_read(void)
{
	uint64_t v;

	step(10);
	v = (uint64_t)(now * (TSC_HZ / 1e9)) + 12345;
	step(10);
	return v;
}

static void no_start(void)
{
}

/* The count is taken somewhere inside the read. */
static double read_at(void)
{
	double at;

	step(READ_NS / 2);
	at = now;
	step(READ_NS / 2);
	return at;
}

static uint64_t pm_read(void)
{
	return (uint64_t)(read_at() * (3579545 / 1e9)) & 0xffffff;
}

static double pit_from;

static void pit_start(void)
{
	step(READ_NS);
	pit_from = now;
	step(READ_NS);
}

static uint64_t pit_read(void)
{
	double count = (read_at() - pit_from) * (1193182 / 1e9);

	return count >= 65536 ? REF_LOST : (uint64_t)count;
}

static uint64_t rtc_read(void)
{
	return (uint64_t)(read_at() / 1e9) % 60;
}

static struct ref_clock pm = {
	"pm", 3579545, 1UL << 24, 20000, no_start, pm_read
};
static struct ref_clock pit = {
	"pit", 1193182, 1UL << 16, 20000, pit_start, pit_read
};
static struct ref_clock rtc = {
	"rtc", 1, 60, 10000000, no_start, rtc_read
};

/* Bounds that hold, and a middle within `ppm`. */
static void check_rate(const struct ref_clock *c, double ppm)
{
	struct rate r;
	double off;

	ck_assert_msg(rate_measure(c, &r), "%s: nothing", c->name);
	ck_assert_msg(r.low <= TSC_HZ + 1 && r.high >= TSC_HZ - 1,
		      "%s: %lu is not in [%lu, %lu]", c->name, TSC_HZ, r.low,
		      r.high);
	off = ((double)rate_middle(&r) - TSC_HZ) / TSC_HZ * 1e6;
	ck_assert_msg(off < ppm && off > -ppm, "%s: %g ppm off", c->name, off);
	ck_assert_uint_le(rate_ppm(&r), ppm);
}

START_TEST(quiet)
{
	one_in = 0;
	check_rate(&pm, 100);
	check_rate(&pit, 100);
	check_rate(&rtc, 100);
}
END_TEST

/* --- a local APIC's timer --- */

static double timer_hz = 62500000, timer_from;
static uint32_t timer_count;

static void timer_start(uint32_t from)
{
	step(READ_NS / 2);
	timer_from = now;
	timer_count = from;
	step(READ_NS / 2);
}

static uint32_t timer_left(void)
{
	double gone = (read_at() - timer_from) * (timer_hz / 1e9);

	return gone >= timer_count ? 0 : timer_count - (uint32_t)gone;
}

static void check_timer(double ppm)
{
	static const struct countdown c = { 0xffffffff, timer_start,
					    timer_left };
	struct rate r;
	double off;

	ck_assert(rate_of_countdown(&c, TSC_HZ, &r));
	ck_assert_msg(r.low <= timer_hz + 1 && r.high >= timer_hz - 1,
		      "%g is not in [%lu, %lu]", timer_hz, r.low, r.high);
	off = ((double)rate_middle(&r) - timer_hz) / timer_hz * 1e6;
	ck_assert_msg(off < ppm && off > -ppm, "%g ppm off", off);
}

START_TEST(countdown)
{
	unsigned int i;

	one_in = 0;
	check_timer(1000);
	interrupt_ns = 30e6;
	for (i = 0; i < 200; i++) {
		srand(i);
		one_in = 20000;
		check_timer(2000);
		one_in = 5;	/* away in nearly each step: true, if wide */
		check_timer(1e9);
	}
	one_in = 0;
	timer_hz = 1;
	ck_assert(!rate_of_countdown(&(struct countdown){ ~0u, timer_start,
				     timer_left }, TSC_HZ, &(struct rate){ 0 }));
}
END_TEST

/* Item 16: of another's six programs on two processors. */
START_TEST(busy)
{
	unsigned int i;

	srand((unsigned int)_i + 1);
	for (i = 0; i < 20; i++) {
		one_in = 20 + (unsigned int)rand() % 2000;
		interrupt_ns = 1e5 + rand() % 24000000;
		now = rand() % 1000000000;
		check_rate(&pm, 500);
		check_rate(&pit, 500);
	}
}
END_TEST

/* Longer than the counter's turn: nothing of that gap is used. */
START_TEST(stopped_for_long)
{
	srand(7);
	one_in = 4000;
	interrupt_ns = 9e9;
	check_rate(&pm, 500);
	check_rate(&pit, 500);
}
END_TEST

static uint64_t stands_still(void)
{
	step(READ_NS);
	return 0xffffff;
}

static uint64_t is_lost(void)
{
	step(READ_NS);
	return REF_LOST;
}

START_TEST(absent)
{
	struct ref_clock none = pm;
	struct rate r;

	one_in = 0;
	none.read = stands_still;
	ck_assert(!rate_measure(&none, &r));
	none.read = is_lost;
	ck_assert(!rate_measure(&none, &r));
}
END_TEST

/* Older chips are read while they change. */
static uint64_t pm_read_badly(void)
{
	uint64_t v = pm_read();

	return rand() % 5000 ? v : v & ~0x1ffUL;
}

START_TEST(goes_back)
{
	struct ref_clock bad = pm;

	srand(3);
	one_in = 0;
	bad.read = pm_read_badly;
	check_rate(&bad, 500);
}
END_TEST

START_TEST(agreement)
{
	struct rate r = { 2444900000, 2445100000 };

	ck_assert(rate_agrees(&r, 2445000000));
	ck_assert(rate_agrees(&r, 2448000000));
	ck_assert(!rate_agrees(&r, 2500000000));
	ck_assert(!rate_agrees(&r, 2400000000));
	ck_assert(!rate_agrees(&r, 17000));
	/* two that contradict */
	r = (struct rate){ 2445100000, 2444900000 };
	ck_assert_uint_eq(rate_middle(&r), 2445000000);
}
END_TEST

/* --- told --- */

struct leaf {
	uint32_t leaf, r[4];
};
static const struct leaf *leaves;

static void ask(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
	const struct leaf *l;

	memset(out, 0, 16);
	for (l = leaves; l->r[0] || l->r[1] || l->r[2]; l++)
		if (l->leaf == leaf)
			memcpy(out, l->r, 16);
}

START_TEST(told_by_cpuid)
{
	static const struct leaf none[] = { { 0, { 0x14, 1, 1, 1 } }, { 0 } };
	static const struct leaf crystal[] = {
		{ 0, { 0x16 } }, { 0x15, { 2, 204, 24000000 } }, { 0 }
	};
	static const struct leaf base[] = {
		{ 0, { 0x16 } }, { 0x15, { 2, 204 } },
		{ 0x16, { 2400, 3400, 100 } }, { 0 }
	};
	static const struct leaf zero[] = { { 0, { 0x16 } }, { 0 } };

	leaves = none;
	ck_assert_uint_eq(rate_told_by_cpuid(ask), 0);
	leaves = crystal;
	ck_assert_uint_eq(rate_told_by_cpuid(ask), 2448000);
	leaves = base;
	ck_assert_uint_eq(rate_told_by_cpuid(ask), 2400000);
	leaves = zero;
	ck_assert_uint_eq(rate_told_by_cpuid(ask), 0);
}
END_TEST

START_TEST(told_by_hypervisor)
{
	static const struct leaf kvm[] = {
		{ 1, { 1, 0, 1u << 31 } },
		{ 0x40000000, { 0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d } },
		{ 0x40000001, { 1u << 3 } }, { 0x40000010, { 2445000 } }, { 0 }
	};
	/* KVM as Hyper-V: its own leaves are 0x100 further. */
	static const struct leaf enlightened[] = {
		{ 1, { 1, 0, 1u << 31 } },
		{ 0x40000000, { 0x40000005, 1, 2, 3 } },
		{ 0x40000100, { 0x40000101, 0x4b4d564b, 0x564b4d56, 0x4d } },
		{ 0x40000101, { 1u << 3 } }, { 0 }
	};
	/*
	 * Without the bit, leaves that high answer with the last plain one's.
	 */
	static const struct leaf bare[] = {
		{ 1, { 1, 0, 0 } },
		{ 0x40000000, { 0x40000010, 0x4b4d564b, 0x564b4d56, 0x4d } },
		{ 0x40000010, { 3000000 } }, { 0 }
	};

	leaves = kvm;
	ck_assert_uint_eq(rate_told_by_hypervisor(ask), 2445000);
	ck_assert_uint_eq(rate_kvm_leaf(ask), 0x40000000);
	leaves = enlightened;
	ck_assert_uint_eq(rate_told_by_hypervisor(ask), 0);
	ck_assert_uint_eq(rate_kvm_leaf(ask), 0x40000100);
	leaves = bare;
	ck_assert_uint_eq(rate_told_by_hypervisor(ask), 0);
	ck_assert_uint_eq(rate_kvm_leaf(ask), 0);
}
END_TEST

START_TEST(kvm_clock)
{
	/* ns = (ticks << shift) * mul / 2^32 */
	struct kvm_clock k = { .mul = 0xd1717171, .shift = -1 };
	uint64_t khz = rate_of_kvm_clock(&k);

	ck_assert(khz > 2444000 && khz < 2446000);
	k.mul = 0;
	ck_assert_uint_eq(rate_of_kvm_clock(&k), 0);
	k = (struct kvm_clock){ .mul = 1u << 31, .shift = 1 };
	ck_assert_uint_eq(rate_of_kvm_clock(&k), 1000000);
	k.shift = 100;
	ck_assert_uint_eq(rate_of_kvm_clock(&k), 0);
}
END_TEST

/* --- the clock chip --- */

#define NOV_28_2026	1795850000UL	/* 07:13:20 */

START_TEST(chip)
{
	struct rtc_regs bcd = { 0x20, 0x13, 0x07, 0x28, 0x11, 0x26, 2 };
	struct rtc_regs bin = { 20, 13, 7, 28, 11, 26, 6 };
	struct rtc_regs am = { 0x20, 0x13, 0x07, 0x28, 0x11, 0x26, 0 };

	ck_assert_uint_eq(rtc_decode(&bcd), NOV_28_2026);
	ck_assert_uint_eq(rtc_decode(&bin), NOV_28_2026);
	ck_assert_uint_eq(rtc_decode(&am), NOV_28_2026);
	am.hour |= 0x80;
	ck_assert_uint_eq(rtc_decode(&am), NOV_28_2026 + 12 * 3600);
	am.hour = 0x12;
	ck_assert_uint_eq(rtc_decode(&am), NOV_28_2026 - 7 * 3600);
}
END_TEST

/* Item 17: all ones gave the year 2055. */
START_TEST(no_chip)
{
	struct rtc_regs r;

	memset(&r, 0xff, sizeof(r));
	ck_assert_uint_eq(rtc_decode(&r), 0);
	memset(&r, 0, sizeof(r));
	ck_assert_uint_eq(rtc_decode(&r), 0);
	r = (struct rtc_regs){ 0x20, 0x13, 0x07, 0x28, 0x1a, 0x26, 2 };
	ck_assert_uint_eq(rtc_decode(&r), 0);	/* not BCD */
	r.month = 0x13;
	ck_assert_uint_eq(rtc_decode(&r), 0);
	r.month = 0x11;
	r.hour = 0x24;
	ck_assert_uint_eq(rtc_decode(&r), 0);
	r.format = 0;
	r.hour = 0;
	ck_assert_uint_eq(rtc_decode(&r), 0);	/* no hour 0 of twelve */
	r = (struct rtc_regs){ 0, 0, 0, 0x31, 2, 0x28, 2 };
	ck_assert_uint_eq(rtc_decode(&r), 0);	/* 31 February */
	r.day = 0x29;
	ck_assert_uint_ne(rtc_decode(&r), 0);
	r.year = 0x27;
	ck_assert_uint_eq(rtc_decode(&r), 0);	/* no leap year */
	r = (struct rtc_regs){ 0, 0, 0, 0x31, 4, 0x26, 2 };
	ck_assert_uint_eq(rtc_decode(&r), 0);
	r.day = 0x30;
	ck_assert_uint_ne(rtc_decode(&r), 0);
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, quiet);
	tcase_add_test(t, countdown);
	tcase_add_loop_test(t, busy, 0, 10);
	tcase_add_test(t, stopped_for_long);
	tcase_add_test(t, absent);
	tcase_add_test(t, goes_back);
	tcase_add_test(t, agreement);
	tcase_add_test(t, told_by_cpuid);
	tcase_add_test(t, told_by_hypervisor);
	tcase_add_test(t, kvm_clock);
	tcase_add_test(t, chip);
	tcase_add_test(t, no_chip);
	return suite_run();
}
