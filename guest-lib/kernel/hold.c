/* SPDX-License-Identifier: MIT */
/* See gl/hold.h. */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hold.h>
#include <gl/sched.h>
#include <gl/string.h>
#include <gl/timer.h>

#define POLL_NS 50000000UL	/* where input raises no event */

/* Take in what has been typed; true once a whole line is "go". */
static bool got_go(void)
{
	static char line[16];
	static unsigned int bytes;
	int c;

	while ((c = gl_console_getc()) >= 0) {
		if (c != '\n' && c != '\r') {
			if (bytes < sizeof(line) - 1)
				line[bytes++] = (char)c;
			continue;
		}
		line[bytes] = '\0';
		bytes = 0;
		if (strcmp(line, "go") == 0)
			return true;
	}
	return false;
}

/* The next time to wake on our own; 0: only input does. */
static uint64_t next_wake(uint64_t now, uint64_t end)
{
	if (!gl_console_input_wakes() && (!end || now + POLL_NS < end))
		return now + POLL_NS;
	return end;
}

void gl_hold(uint64_t limit_ms)
{
	uint64_t now = gl_now_ns();
	uint64_t end = limit_ms ? now + limit_ms * 1000000 : 0;

	gl_printf("@g phase=hold\n");
	for (;;) {
		uint64_t wake;

		/* First: a timer that fires before we sleep is not lost. */
		gl_events_save();
		now = gl_now_ns();
		wake = next_wake(now, end);
		if (wake)
			gl_timer_set(wake, NULL);
		if (got_go() || (end && now >= end))
			break;
		gl_block();
	}
	gl_events_enable();
}
