/* links: hv/dom/console.c hv/dom/privilege.c hv/dom/timer.c hv/lib/pheap.c hv/lib/str.c hv/lib/printable.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/* Consoles: console_io, of one vCPU and of two; what a guest's rate allows. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <port.h>

#include "unit/console_pair.h"
#include "unit/suite.h"

/* --- console_io --- */

START_TEST(console_io_write)
{
	char *big = malloc(10000);
	size_t got = 0;

	ck_assert_int_eq(write_call("hello\nwor", 9), 0);
	ck_assert_int_eq(write_call("ld\n", 3), 0);
	ck_assert_str_eq(fake.log, "d1 hello\nd1 world\n");
	fake.log[0] = '\0';
	memset(big, 'b', 10000);
	ck_assert_int_eq(write_call(big, 10000), 0);
	ck_assert_int_eq(write_call("\n", 1), 0);
	for (const char *p = fake.log; *p; p++)
		got += *p == 'b';
	ck_assert_uint_eq(got, 10000);
	free(big);
}
END_TEST

START_TEST(console_io_errors)
{
	ck_assert_int_eq(call(CONSOLEIO_write, 5, FAKE_BAD_VA), -EFAULT);
	ck_assert_int_eq(call(CONSOLEIO_write, 5, HV_VIRT_START), -EFAULT);
	ck_assert_int_eq(call(CONSOLEIO_write, 100, ~0UL - 5), -EFAULT);
	ck_assert_int_eq(call(CONSOLEIO_write, 0, 0), 0);
	ck_assert_int_eq(call(CONSOLEIO_read, 5, FAKE_BAD_VA), 0);
	ck_assert_int_eq(call(77, 5, 0), -ENOSYS);
	ck_assert_str_eq(fake.log, "");
	ck_assert_int_eq(write_call("ok\n", 3), 0);
	ck_assert_str_eq(fake.log, "d1 ok\n");
}
END_TEST

/* The first domain has no ring: what is typed waits until it reads it. */
START_TEST(first_domain)
{
	struct domain *c = fake_domain(2);
	char buf[2000];

	ck_assert_int_eq(console_init_first(c), 0);
	c->privileged = true;
	fake_current(c);
	console_set_focus(c->name);
	fake.typed = "ls\r";
	console_poll_input();
	ck_assert_int_eq(call(CONSOLEIO_read, 2, fake_va(buf)), 2);
	ck_assert_int_eq(memcmp(buf, "ls", 2), 0);
	ck_assert_int_eq(call(CONSOLEIO_read, sizeof(buf), fake_va(buf)), 1);
	ck_assert_int_eq(buf[0], '\r');
	ck_assert_int_eq(call(CONSOLEIO_read, sizeof(buf), fake_va(buf)), 0);
	/* More than has room: the rest is lost, and said. */
	for (unsigned int i = 0; i < 200; i++) {
		fake.typed = "0123456789";
		console_poll_input();
	}
	ck_assert_int_eq(call(CONSOLEIO_read, sizeof(buf), fake_va(buf)), 1024);
	ck_assert_int_eq(memcmp(buf + 1020, "0123", 4), 0);
	fake.typed = "x";
	console_poll_input();
	ck_assert_int_eq(call(CONSOLEIO_read, 1, FAKE_BAD_VA), -EFAULT);
	ck_assert_int_eq(call(CONSOLEIO_write, 3, fake_va("ok\n")), 0);
	ck_assert_str_eq(fake.log, "d3 ok\n");
	for (unsigned int at = 1; at <= 2; at++) {
		fake.alloc_fail_at = at;
		ck_assert_int_eq(console_init_first(b), -ENOMEM);
	}
	console_fini(c);
	ck_assert_ptr_null(c->console);
}
END_TEST

/* Two ways of output do not mix within a line. */
START_TEST(ring_and_call_are_apart)
{
	puts_ring("ring ");
	console_drain(a);
	ck_assert_int_eq(write_call("call\n", 5), 0);
	puts_ring("line\n");
	console_drain(a);
	ck_assert_str_eq(fake.log, "d1 call\nd1 ring line\n");
}
END_TEST

/*
 * A long call is left at each look at the clock and loses nothing, repeats
 * nothing.
 */
static unsigned int preempt_looks;

bool sched_preempt_pending(void)
{
	return preempt_looks && ++preempt_looks % 2;
}

START_TEST(console_io_continues)
{
	char text[1001];
	uint64_t left = 1000, va = fake_va(text);
	size_t got = 0;
	unsigned int calls = 0;
	long rc;

	memset(text, 'c', 999);
	text[999] = '\n';
	preempt_looks = 1;
	do {
		rc = op_console_io(CONSOLEIO_write, &left, &va);
		calls++;
	} while (rc == -ERESTART);
	preempt_looks = 0;
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_ge(calls, 2);
	for (const char *p = fake.log; *p; p++)
		got += *p == 'c';
	ck_assert_uint_eq(got, 999);
	fake.log[0] = '\0';
	/* the next starts afresh */
	ck_assert_int_eq(write_call(text + 990, 10), 0);
	ck_assert_str_eq(fake.log, "d1 ccccccccc\n");
}
END_TEST

static unsigned int seconds;

static void second_writes(void)
{
	port_on_lock = NULL;
	ck_assert_int_eq(write_call("from the second\n", 16), 0);
	seconds++;
	port_on_lock = second_writes;
}

/* Two vCPUs: each prints what it named, and all of it. */
START_TEST(console_io_of_two)
{
	size_t lines = 0;

	port_on_lock = second_writes;
	ck_assert_int_eq(write_call("first\nbehind it", 6), 0);
	port_on_lock = NULL;
	ck_assert_ptr_nonnull(strstr(fake.log, "d1 first\n"));
	ck_assert_ptr_null(strstr(fake.log, "behind"));
	for (const char *p = fake.log; (p = strstr(p, "d1 from the second\n")); p++)
		lines++;
	ck_assert_uint_gt(seconds, 0);
	ck_assert_uint_eq(lines, seconds);
}
END_TEST

/* --- CP9: a guest prints what its rate allows, and later the rest --- */

#define RATE 1000	/* 4,000 saved up */

static void limit(void)
{
	console_fini(a);
	console_fini(b);
	console_set_rate(RATE);
	ring = connect(a, MFN(1));
	ring_b = connect(b, MFN(2));
}

static size_t printed(char c)
{
	size_t n = 0;

	for (const char *p = fake.log; *p; p++)
		n += *p == c;
	return n;
}

/* Lines of 100 with their ends cost 99 + 32. */
static void put_lines(unsigned int lines)
{
	char line[101];

	memset(line, 'r', 99);
	line[99] = '\n';
	while (lines--)
		put(line, 100);
}

START_TEST(flood_of_the_ring)
{
	size_t was;

	limit();
	for (int i = 0; i < 10; i++) {	/* 20 lines in each */
		put_lines(20);
		console_drain(a);
	}
	was = printed('r');
	ck_assert_uint_ge(was, 4000 / 131 * 99);
	ck_assert_uint_le(was, (4000 / 131 + 1) * 99);
	put_lines(30);
	ck_assert_uint_eq(ring->out_prod - ring->out_cons, sizeof(ring->out));
	console_drain(a);	/* it stays full */
	ck_assert_uint_eq(ring->out_prod - ring->out_cons, sizeof(ring->out));
	ck_assert_uint_eq(printed('r'), was);
	memset(a->shared_info, 0, sizeof(*a->shared_info));
	fake.now += 500000000;	/* 500 bytes, 512 are waited for */
	timer_run();
	ck_assert_uint_eq(printed('r'), was);
	ck_assert(!told(a));
	fake.now += 50000000;
	timer_run();
	ck_assert_uint_gt(printed('r'), was);
	ck_assert(told(a));	/* there is room again */
	for (int i = 0; i < 20; i++) {
		fake.now += 600000000;
		timer_run();
	}
	ck_assert_uint_eq(ring->out_prod, ring->out_cons); /* nothing is lost */
	ck_assert_uint_eq(printed('r') * 100 / 99, ring->out_prod);
}
END_TEST

START_TEST(the_other_is_not_held)
{
	limit();
	for (int i = 0; i < 10; i++) {
		put_lines(20);
		console_drain(a);
	}
	ring = ring_b;
	puts_ring("bystander\n");
	console_drain(b);
	ck_assert_ptr_nonnull(strstr(fake.log, "d2 bystander\n"));
}
END_TEST

START_TEST(flood_of_calls)
{
	char text[1000];
	unsigned int calls = 0, waits = 0;
	uint64_t begun = fake.now, left = 0, va;
	long rc;

	limit();
	memset(text, 'c', sizeof(text));
	text[999] = '\n';
	while (calls < 15) {
		va = left ? va : fake_va(text);
		left = left ?: sizeof(text);
		rc = op_console_io(CONSOLEIO_write, &left, &va);
		calls += rc == 0;
		if (!rc)
			continue;
		ck_assert_int_eq(rc, -ERESTART);
		ck_assert_uint_eq(fake.blocks, ++waits);
		ck_assert_uint_eq(fake.wakes, waits - 1);
		fake.now += 600000000;
		timer_run();
		ck_assert_uint_eq(fake.wakes, waits);
	}
	ck_assert_uint_eq(printed('c'), 15 * 999);
	/* 15 * (999 + 32) bytes, less what was saved up. */
	ck_assert_uint_ge(fake.now - begun, 11000000000);
	ck_assert_uint_le(fake.now - begun, 16000000000);
}
END_TEST

/* CONSOLE6: what another vCPU prints when there is room wakes nobody. */
START_TEST(one_sleeps_and_another_prints)
{
	limit();
	while (write_call("0123456789", 10) == 0)
		;
	ck_assert_uint_eq(fake.blocks, 1);
	fake.now += 600000000;
	ck_assert_int_eq(write_call("x", 1), 0);
	timer_run();
	ck_assert_uint_eq(fake.wakes, 1);
	put_lines(20);		/* the timer is for the ring now */
	console_drain(a);
	fake.now += 600000000;
	timer_run();
	ck_assert_uint_eq(fake.wakes, 1);
}
END_TEST

START_TEST(held_at_the_end)
{
	limit();
	for (int i = 0; i < 4; i++) {
		put_lines(20);
		console_drain(a);
	}
	put_lines(20);
	ck_assert_uint_eq(write_call("x", 1), -ERESTART);
	/* its last words are printed, and no timer is left */
	console_fini(a);
	ck_assert_uint_eq(ring->out_prod, ring->out_cons);
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0);
	ring = connect(a, MFN(1));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("console_io");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, console_io_write);
	tcase_add_test(tc, console_io_errors);
	tcase_add_test(tc, first_domain);
	tcase_add_test(tc, ring_and_call_are_apart);
	tcase_add_test(tc, console_io_continues);
	tcase_add_test(tc, console_io_of_two);
	tcase_add_test(tc, flood_of_the_ring);
	tcase_add_test(tc, the_other_is_not_held);
	tcase_add_test(tc, flood_of_calls);
	tcase_add_test(tc, one_sleeps_and_another_prints);
	tcase_add_test(tc, held_at_the_end);
	return suite_run();
}
