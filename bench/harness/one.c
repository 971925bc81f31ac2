/* SPDX-License-Identifier: MIT */
/* See one.h. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/machine.h"
#include "harness/one.h"

#define PUMP_MS	50

struct one {
	struct machine machine;
	const char *until;	/* NULL: to its end */
	bool seen;
};

static void take_line(void *arg, const char *line)
{
	struct one *one = arg;

	if (one->until && strstr(line, one->until))
		one->seen = true;
}

static bool input_waits(void)
{
	struct pollfd p = { .fd = 0, .events = POLLIN };

	return poll(&p, 1, 0) > 0;
}

/* What is typed here goes to the machine, if anything can be. */
static void pass_input(struct machine *m, bool *open)
{
	char text[256];
	ssize_t n = read(0, text, sizeof(text) - 1);

	*open = n > 0;
	text[n > 0 ? n : 0] = '\0';
	if (n > 0)
		machine_send(m, text);
}

static void follow(struct one *one, const struct options *o)
{
	struct machine *m = &one->machine;
	bool open = o->type;

	while (m->end == MACHINE_RUNS && !one->seen &&
	       now_seconds() - m->started < (double)o->timeout_s) {
		machines_pump(&m, 1, PUMP_MS);
		if (open && input_waits())
			pass_input(m, &open);
	}
}

static bool is_well(const struct one *one)
{
	const struct machine *m = &one->machine;

	if (m->log_error)
		return false;
	return one->until ? one->seen :
	       m->end == MACHINE_EXITED && m->code == 0 && !m->panic;
}

int one_main(const struct options *o)
{
	struct machine_config c = {
		.qemu = o->qemu, .accel = o->accel, .dir = ".",
		.log = o->names.v[0], .words = &o->words_of_qemu,
	};
	struct one one = {
		.until = o->until,
		.machine = { .echo = o->verbose, .on_line = take_line,
			     .arg = &one },
	};
	bool well;

	machine_check_tools(o->qemu, o->accel);
	machine_start(&one.machine, &c);
	follow(&one, o);
	well = is_well(&one);
	if (!well) {
		char *why = machine_why(&one.machine);

		fprintf(stderr, "pasture: %s; see %s\n", why, c.log);
		free(why);
	}
	machine_fini(&one.machine);
	return well ? 0 : EXIT_BAD;
}
