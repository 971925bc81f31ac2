/* SPDX-License-Identifier: MIT */
/*
 * SH2: an event handler writes to the pages that the main loop is offering,
 * between the chunks of a batch and right after it.  No write may be lost: each
 * page's counter must equal what the handler counted beside it.
 */
#include <gl/event.h>
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define PAGES		512
#define WRITES		8
#define TICK_NS		1000000
/* Enough of both for the race to have happened. */
#define TICKS		60
#define FAULTS		100

static uint64_t page[PAGES], count[PAGES], next, ticks;
static int32_t status[PAGES];
static struct gl_share *share;

static void tick(void)
{
	for (unsigned int n = 0; n < WRITES; n++) {
		uint64_t i = next++ * 37 % PAGES;

		((volatile uint64_t *)page[i])[i % 512]++;
		count[i]++;
	}
	ticks++;
	gl_timer_set(gl_now_ns() + TICK_NS, tick);
}

static void check(void)
{
	bool on = gl_events_save();

	for (unsigned int i = 0; i < PAGES; i++)
		gl_test_equal(((volatile uint64_t *)page[i])[i % 512],
			      count[i]);
	gl_events_restore(on);
}

void gl_main(void)
{
	uint64_t end = gl_now_ns() + 15000000000;
	struct gl_share_counters c = { 0 };

	share = gl_share_setup(64);
	if (!share)
		gl_test_error("no memory");
	for (unsigned int i = 0; i < PAGES; i++)
		page[i] = gl_page_alloc();
	gl_timer_set(gl_now_ns() + TICK_NS, tick);
	while ((ticks < TICKS || c.faults < FAULTS) && gl_now_ns() < end) {
		gl_share_pages(share, page, PAGES, status);
		gl_share_refill(share);
		check();
		gl_share_counters_get(share, &c);
	}
	gl_timer_stop();
	check();
	gl_share_counters_get(share, &c);
	gl_test_check(ticks >= TICKS && c.faults >= FAULTS);
	gl_test_equal(c.break_errors, 0);
	gl_test_done();
}
