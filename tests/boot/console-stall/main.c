/* SPDX-License-Identifier: MIT */
/*
 * CP10, a terminal that does not read.
 *
 *   watch=DOMID  print for ever, until that domain is gone
 *   else         say nothing for 6 seconds, and then how long we stood still at
 *                most: a second is allowed (O3), and what a busy host adds; who
 *                waits for the reader stands still for all of its 4
 */
#include <gl/timer.h>

#include "../attack.h"

#define MS	1000000UL
#define SECONDS	6

static bool is_there(domid_t dom)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = dom, .remote_port = 4000,
	};

	return hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind) !=
	       -XEN_ESRCH;
}

static void flood(domid_t watch)
{
	static char line[251];

	memset(line, 'f', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	while (is_there(watch))
		hypercall_console_io(CONSOLEIO_write, sizeof(line), line);
}

static void stay_silent(void)
{
	uint64_t begun = gl_now_ns(), before = begun, now, longest = 0;

	do {
		gl_sleep_ns(5 * MS);
		now = gl_now_ns();
		if (now - before > longest)
			longest = now - before;
		before = now;
	} while (now - begun < SECONDS * 1000 * MS);
	gl_printf("stood still %lu ms at most\n", longest / MS);
	gl_test_check(longest < 2500 * MS);
}

void gl_main(void)
{
	domid_t watch = gl_cmdline_u64("watch", 0);

	if (watch)
		flood(watch);
	else
		stay_silent();
	gl_test_done();
}
