/* SPDX-License-Identifier: MIT */
/*
 * Attacks of the list that take a second vCPU (vcpu-attacks has three more, and
 * longer ones): both come to the same point, do their part at once, one of
 * them a little later than the other, and what came of it is looked at.
 */
#include "pairs.h"

#define DELAYS	64	/* in so many rounds each delay comes once */

static uint64_t arrived;	/* atomic */
static const struct pair *running;

void wrong(const char *format, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, format);
	gl_vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	gl_test_fail("%s", text);
}

static void meet(uint64_t n)
{
	__atomic_fetch_add(&arrived, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < 2 * n)
		gl_yield();
}

/* vCPU 0 comes to the next round when it has looked at this one. */
static void rounds(const struct pair *p, unsigned int me)
{
	for (unsigned int n = 0; n < REPEATS; n++) {
		if (!me && p->before)
			p->before(n);
		meet(2 * n + 1);
		if ((n & 1) == me)
			wait_a_bit(n * 11 % DELAYS * 8);
		p->op(me, n);
		meet(2 * n + 2);
		if (!me && p->after)
			p->after(n);
	}
}

static void second(void *arg)
{
	rounds(running, 1);
}

static void run(const struct pair *list)
{
	for (const struct pair *p = list; p->name; p++) {
		unsigned int failures = gl_test_failures;

		if (p->begin)
			p->begin();
		arrived = 0;
		running = p;
		gl_test_equal(gl_vcpu_start(1, second, NULL), 0);
		rounds(p, 0);
		gl_vcpu_wait(1);
		audit(p->name);
		gl_printf("%s: %u times, %s\n", p->name, REPEATS,
			  failures == gl_test_failures ? "well" : "WRONG");
	}
}

void gl_main(void)
{
	if (gl_cmdline_u64("user", 0))
		giver((domid_t)gl_cmdline_u64("user", 0));
	if (gl_vcpu_count() < 2)
		gl_test_error("one vCPU");
	run(table_pairs);
	run(memory_pairs);
	run(area_pairs);
	run(grant_pairs);
	run(event_pairs);
	gl_test_done();
}
