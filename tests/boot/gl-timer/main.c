/* SPDX-License-Identifier: MIT */
/*
 * Proves the clock and the singleshot timer: time never goes back, sleeps are
 * not short, a time in the past fires at once.  Upper bounds are generous: the
 * machine under the test may be busy.
 */
#include <gl/event.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define MS 1000000UL

static volatile unsigned int fired;

static void fire(void)
{
	fired++;
}

static void test_clock(void)
{
	uint64_t last = gl_now_ns();

	gl_test_check(last > 0);
	for (unsigned int i = 0; i < 10000; i++) {
		uint64_t now = gl_now_ns();

		if (now < last) {
			gl_test_fail("time went back by %lu ns", last - now);
			return;
		}
		last = now;
	}
}

static void test_sleep(void)
{
	for (unsigned int i = 1; i <= 3; i++) {
		uint64_t start = gl_now_ns(), took;

		gl_sleep_ns(i * 10 * MS);
		took = gl_now_ns() - start;
		gl_test_check(took >= i * 10 * MS);
		gl_test_check(took < 2000 * MS);
	}
}

static void wait_fired(uint64_t limit_ns)
{
	uint64_t end = gl_now_ns() + limit_ns;

	while (!fired && gl_now_ns() < end)
		gl_yield();
}

static void test_alarm(void)
{
	uint64_t at = gl_now_ns() + 5 * MS;

	fired = 0;
	gl_test_equal(gl_timer_set(at, fire), 0);
	wait_fired(1000 * MS);
	gl_test_equal(fired, 1);
	gl_test_check(gl_now_ns() >= at);
}

static void test_past(void)
{
	fired = 0;
	gl_test_equal(gl_timer_set(gl_now_ns() - 1 * MS, fire), 0);
	wait_fired(1000 * MS);
	gl_test_equal(fired, 1);
}

static void test_stop(void)
{
	fired = 0;
	gl_timer_set(gl_now_ns() + 20 * MS, fire);
	gl_timer_stop();
	gl_sleep_ns(40 * MS);
	gl_test_equal(fired, 0);
}

/* Preempted in a loop that makes no hypercall, and no register is lost. */
static void test_spin(void)
{
	uint64_t end = gl_now_ns() + 1000 * MS, sum = 0, turns = 0;

	fired = 0;
	gl_timer_set(gl_now_ns() + 10 * MS, fire);
	while (!fired && gl_now_ns() < end) {
		sum += ++turns;
		__asm__ volatile("" : "+r"(sum), "+r"(turns));
	}
	gl_test_equal(fired, 1);
	gl_test_equal(sum, turns * (turns + 1) / 2);
}

void gl_main(void)
{
	test_clock();
	test_sleep();
	test_alarm();
	test_past();
	test_stop();
	test_spin();
	gl_test_done();
}
