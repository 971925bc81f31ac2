/* SPDX-License-Identifier: MIT */
/*
 * CP9, one guest holds the serial line.
 *
 *   how=ring, how=call  print for ever, until domain `watch` is gone; no more
 *   than four seconds'
 *                       worth at once and then `rate` bytes a second may have
 *                       got through
 *   else                a line now and then; each must come out soon
 */
#include <gl/timer.h>

#include "../attack.h"

#define MS	1000000UL
static char line[] = "flood flood flood flood flood flood flood flood flood flood fl\n";

static bool is_there(domid_t dom)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = dom, .remote_port = 4000,
	};

	return hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind) !=
	       -XEN_ESRCH;
}

static void flood(bool by_call)
{
	uint64_t rate = gl_cmdline_u64("rate", 0), begun = gl_now_ns();
	domid_t watch = gl_cmdline_u64("watch", 0);
	uint64_t bytes = 0, most, ms;

	while (is_there(watch)) {
		if (by_call)
			hypercall_console_io(CONSOLEIO_write, strlen(line), line);
		else
			gl_printf("%s", line);
		bytes += strlen(line);
	}
	ms = (gl_now_ns() - begun) / MS;
	/* And what is in the ring, or in the call. */
	most = 4 * rate + rate * ms / 1000 + 2048 + 512;
	gl_printf("flood over: %lu bytes in %lu ms, at most %lu\n", bytes, ms,
		  most);
	gl_test_check(bytes <= most);
	gl_test_check(bytes > 4 * rate / 2);
}

/* After the two have used up what they had saved. */
static void now_and_then(void)
{
	unsigned int i;

	gl_sleep_ns(1500 * MS);
	for (i = 0; i < 20; i++) {
		uint64_t begun = gl_now_ns();

		gl_printf("still here, line %u\n", i);
		gl_console_flush();
		gl_test_check(gl_now_ns() - begun < 1000 * MS);
		gl_sleep_ns(20 * MS);
	}
}

void gl_main(void)
{
	char how[8] = "";

	(void)gl_cmdline_text("how", how, sizeof(how));
	if (how[0])
		flood(how[0] == 'c');
	else
		now_and_then();
	gl_test_done();
}
