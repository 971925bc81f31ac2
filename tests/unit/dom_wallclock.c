/* links: hv/dom/wallclock.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/* The guests' wall clock and a clock chip that jumps, lies, or comes late. */
#include <check.h>
#include <stdlib.h>

#include <port.h>

#include "dom/domain.h"
#include "dom/timer.h"
#include "dom/wallclock.h"
#include "x86/cpu.h"
#include "x86/rtc.h"
#include "unit/suite.h"

#define S	1000000000UL
#define CHIP	1800000000UL

static uint64_t now, chip, kvm, deadline;
static bool busy;
static struct timer *armed;
static struct shared_info info;
static struct domain dom = { .state = DOM_RUNNING, .shared_info = &info };

uint64_t now_ns(void) { return now; }
uint64_t rtc_seconds(void) { return chip; }
bool rtc_busy(void) { return busy; }
uint64_t refclock_kvm_seconds(void) { return kvm; }

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	t->fn = fn;
	t->arg = arg;
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
	armed = t;
	deadline = deadline_ns;
}

void domain_for_each(void (*fn)(struct domain *d, void *arg), void *arg)
{
	fn(&dom, arg);
}

/* One look, when it is due; the chip goes on as the time does. */
static void look(void)
{
	ck_assert(armed && deadline > now);
	if (chip)
		chip += deadline / S - now / S;
	now = deadline;
	armed->fn(armed->arg);
}

static void setup(void)
{
	spin_lock_init(&dom.lock, LOCK_DOMAIN);
	memset(&info, 0, sizeof(info));
	now = 5 * S;
	chip = CHIP;
	kvm = 0;
	busy = false;
	armed = NULL;
	wallclock_init();
	wallclock_fill(&info);
	wallclock_start();
}

START_TEST(follows)
{
	look();
	ck_assert_uint_eq(info.wc_sec, CHIP - 5);
	chip += 30;		/* the machine was stopped */
	look();
	ck_assert_uint_eq(info.wc_sec, CHIP - 5);	/* once is not enough */
	ck_assert_uint_lt(deadline - now, S);
	look();
	ck_assert_uint_eq(info.wc_sec, CHIP + 25);
	ck_assert_uint_eq(info.wc_version % 2, 0);
	chip -= 100;		/* set back */
	look();
	look();
	ck_assert_uint_eq(info.wc_sec, CHIP - 75);
}
END_TEST

START_TEST(one_second_is_none)
{
	chip++;
	look();
	look();
	ck_assert_uint_eq(info.wc_sec, CHIP - 5);
}
END_TEST

/* Nonsense, each time another one, and none at all. */
START_TEST(lies)
{
	uint64_t good;
	unsigned int i;

	for (i = 1; i < 50; i++) {
		good = chip;
		chip = i % 5 ? CHIP + i * 12345 : 0;
		armed->fn(armed->arg);
		ck_assert_uint_eq(info.wc_sec, CHIP - 5);
		chip = good;
		if (i % 2)
			look();
	}
	ck_assert_uint_eq(info.wc_sec, CHIP - 5);
}
END_TEST

START_TEST(comes_late)
{
	chip = 0;
	wallclock_init();
	wallclock_start();
	ck_assert_uint_eq(wallclock_boot_seconds(), 0);
	look();
	chip = CHIP;
	look();
	look();
	ck_assert_uint_ge(info.wc_sec, CHIP - 20);
}
END_TEST

/* A port where nobody answers looks busy for ever: that costs little. */
START_TEST(absent)
{
	unsigned int looks = 0;

	busy = true;
	for (; now < 105 * S; looks++)
		look();
	ck_assert_uint_lt(looks, 500);
	busy = false;
	chip += 30;
	look();
	look();
	ck_assert_uint_gt(info.wc_sec, CHIP - 5);
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, follows);
	tcase_add_test(t, one_second_is_none);
	tcase_add_test(t, lies);
	tcase_add_test(t, comes_late);
	tcase_add_test(t, absent);
	return suite_run();
}
