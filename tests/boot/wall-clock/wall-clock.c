/* SPDX-License-Identifier: MIT */
/*
 * Prints its wall clock ten times a second, for `seconds=` of its own time:
 * tests/cli/clock-stop.sh stops the machine meanwhile.  By itself: the clock
 * never goes back, and is of this age.
 */
#include <gl/console.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define NS 1000000000UL
#define YEAR_2020 1577836800UL

static uint64_t boot_seconds(void)
{
	const volatile struct shared_info *s = &gl_shared_info;
	uint64_t seconds;
	uint32_t version;

	do {
		version = s->wc_version;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		seconds = (uint64_t)s->wc_sec_hi << 32 | s->wc_sec;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while ((version & 1) || version != s->wc_version);
	return seconds;
}

void gl_main(void)
{
	uint64_t end = gl_now_ns() + gl_cmdline_u64("seconds", 2) * NS;
	uint64_t last = 0, now;

	while (gl_now_ns() < end) {
		now = boot_seconds() + gl_now_ns() / NS;
		gl_printf("wall %lu\n", now);
		if (now < last)
			gl_test_fail("went back by %lu s", last - now);
		last = now;
		gl_sleep_ns(NS / 10);
	}
	gl_test_check(last > YEAR_2020);
	gl_test_done();
}
