/* links: hv/dom/console.c hv/dom/privilege.c hv/dom/timer.c hv/lib/pheap.c hv/lib/str.c hv/lib/printable.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/*
 * Consoles: lines from the ring, rings whose indices are lies, input and who
 * gets it, and references that come back.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <port.h>

#include "unit/console_pair.h"
#include "unit/suite.h"

/* --- output --- */

START_TEST(lines_of_the_ring)
{
	console_drain(a);
	ck_assert(!told(a));
	puts_ring("one\ntwo\r\n\nthr");
	console_drain(a);
	ck_assert_str_eq(fake.log, "d1 one\nd1 two\nd1 \n");
	ck_assert_uint_eq(ring->out_cons, ring->out_prod);
	ck_assert(told(a));	/* there is room again */
	puts_ring("ee\n");
	console_drain(a);
	ck_assert_str_eq(fake.log, "d1 one\nd1 two\nd1 \nd1 three\n");
}
END_TEST

START_TEST(nothing_new_tells_nobody)
{
	puts_ring("x\n");
	console_drain(a);
	memset(a->shared_info, 0, sizeof(*a->shared_info));
	console_drain(a);
	ck_assert(!told(a));
}
END_TEST

START_TEST(ring_wraps)
{
	char line[101], want[8192] = "";

	for (int i = 0; i < 60; i++) {	/* 60 x 100 bytes, ring of 2048 */
		snprintf(line, sizeof(line), "%0*d\n", 99, i);
		puts_ring(line);
		if (i % 20 == 19)
			console_drain(a);
		snprintf(want + strlen(want), sizeof(want) - strlen(want),
			 "d1 %s", line);
	}
	ck_assert_str_eq(fake.log, want);
}
END_TEST

START_TEST(indices_wrap_at_32_bits)
{
	console_fini(a);
	ring->out_prod = ring->out_cons = 0xfffffffe;
	ring = connect(a, MFN(1));
	puts_ring("over\n");
	console_drain(a);
	ck_assert_str_eq(fake.log, "d1 over\n");
	ck_assert_uint_eq(ring->out_cons, 3);
}
END_TEST

START_TEST(long_line_is_cut)
{
	char text[601];
	size_t a_count = 0;

	memset(text, 'a', 600);
	text[600] = '\n';
	put(text, 601);
	console_drain(a);
	for (const char *p = fake.log; *p; p++)
		a_count += *p == 'a';
	ck_assert_uint_eq(a_count, 600);
	ck_assert_uint_eq(strcspn(fake.log, "\n"), 3 + 256);
}
END_TEST

START_TEST(controls_do_not_pass)
{
	puts_ring("a\033[2Jb\x7f\ac\td\r\n");
	console_drain(a);
	ck_assert_str_eq(fake.log, "d1 a.[2Jb..c\td\n");
}
END_TEST

START_TEST(unfinished_line_comes_out_later)
{
	puts_ring("login: ");
	console_drain(a);
	fake.now += 900000000;
	timer_run();
	ck_assert_str_eq(fake.log, "");
	fake.now += 100000000;	/* a second of silence */
	timer_run();
	ck_assert_str_eq(fake.log, "d1 login: \n");
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0);
	puts_ring("half");
	console_drain(a);
	/* the end flushes, too, and takes the timer along */
	console_fini(a);
	ck_assert_str_eq(fake.log, "d1 login: \nd1 half\n");
	ck_assert_uint_eq(timer_next_ns(), ~(uint64_t)0);
	ring = connect(a, MFN(1));
}
END_TEST

START_TEST(fini_takes_what_is_in_the_ring)
{
	puts_ring("last words\n");
	console_fini(a);
	ck_assert_str_eq(fake.log, "d1 last words\n");
	console_drain(a);	/* gone: no effect */
	ck_assert_int_eq(write_call("x\n", 2), 0);
	ck_assert_str_eq(fake.log, "d1 last words\n");
	ring = connect(a, MFN(1));
}
END_TEST

/* CONSOLE1, CONSOLE2: any value of the guest's index costs one ring at most. */
START_TEST(wild_producer)
{
	static const uint32_t wild[] = {
		2049, 4096, 0x7fffffff, 0x80000000, 0xffffffff, 12345678,
	};

	for (size_t i = 0; i < ARRAY_COUNT(wild); i++) {
		memset(ring->out, 'w', sizeof(ring->out));
		fake.log[0] = '\0';
		ring->out_prod = ring->out_cons + wild[i];
		console_drain(a);
		ck_assert_uint_eq(ring->out_cons, ring->out_prod);
		ck_assert_str_eq(fake.log, "");
	}
	puts_ring("sane\n");		/* and it goes on from there */
	console_drain(a);
	ck_assert_str_eq(fake.log, "d1 sane\n");
}
END_TEST

START_TEST(wild_consumer)
{
	puts_ring("one\n");
	ring->out_cons = 0xdeadbeef;	/* ours is kept elsewhere */
	console_drain(a);
	ck_assert_str_eq(fake.log, "d1 one\n");
	ck_assert_uint_eq(ring->out_cons, ring->out_prod);
}
END_TEST

START_TEST(whole_page_scribbled)
{
	uint64_t rnd = 7;

	for (int i = 0; i < 2000; i++) {
		uint8_t *page = (uint8_t *)ring;

		for (int k = 0; k < 64; k++) {
			rnd = rnd * 6364136223846793005UL + 1442695040888963407UL;
			page[sizeof(*ring) - 1 - (rnd >> 33) % 32] = rnd >> 50;
		}
		fake.log[0] = '\0';
		console_drain(a);
		fake.typed = "q\n";
		console_poll_input();
		ck_assert_uint_eq(ring->out_cons, ring->out_prod);
	}
	/* The other domain's got every line until its ring was full. */
	ck_assert_uint_eq(ring_b->in_prod, sizeof(ring_b->in));
}
END_TEST

START_TEST(init_needs_a_writable_page)
{
	struct frame *f = mfn_to_frame(MFN(3));
	struct domain *c = fake_domain(2);

	memset(f, 0, sizeof(*f));
	f->type = (uint64_t)CLASS_L1 << TYPE_CLASS_SHIFT | 1;
	ck_assert_int_eq(console_init(c, f, PORT), -EBUSY);
	ck_assert_uint_eq(f->state, 0);
	ck_assert_ptr_null(c->console);
	fake.alloc_fail_at = 1;
	ck_assert_int_eq(console_init(c, f, PORT), -ENOMEM);
}
END_TEST

/* --- input --- */

static void type(const char *text)
{
	fake.typed = text;
	console_poll_input();
}

START_TEST(lines_go_to_all)
{
	type("ls");
	ck_assert_uint_eq(ring->in_prod, 0);	/* whole lines only */
	type(" -l\r");
	ck_assert_int_eq(memcmp(ring->in, "ls -l\n", 6), 0);
	ck_assert_uint_eq(ring->in_prod, 6);
	ck_assert_uint_eq(ring_b->in_prod, 6);
	ck_assert(told(a));
	ck_assert(told(b));
}
END_TEST

START_TEST(focus)
{
	console_set_focus("dom2");
	type("x\n");
	ck_assert_uint_eq(ring->in_prod, 0);
	ck_assert_uint_eq(ring_b->in_prod, 2);
	console_set_focus("none");
	type("y\n");
	ck_assert_uint_eq(ring->in_prod, 0);
	ck_assert_uint_eq(ring_b->in_prod, 2);
}
END_TEST

START_TEST(backspace)
{
	type("\b\x7f" "ab\bc\n");
	ck_assert_int_eq(memcmp(ring->in, "ac\n", 3), 0);
}
END_TEST

/* A domain that the tools made: what is typed for it comes another way. */
START_TEST(served_console_is_passed_by)
{
	console_fini(a);
	ck_assert_int_eq(console_init_served(a), 0);
	memset(a->shared_info, 0, sizeof(*a->shared_info));
	type("ls\n");
	ck_assert_uint_eq(ring_b->in_prod, 3);
	ck_assert(!told(a));
	console_set_focus(a->name);
	type("ls\n");
	ck_assert_uint_eq(ring_b->in_prod, 3);
}
END_TEST

static char operator_saw[64];

static bool operator(const char *line)
{
	snprintf(operator_saw, sizeof(operator_saw), "%s", line);
	return strcmp(line, "snapshot") == 0;
}

START_TEST(operator_comes_first)
{
	console_operator_line = operator;
	type("snapshot\n");
	ck_assert_str_eq(operator_saw, "snapshot");
	ck_assert_uint_eq(ring->in_prod, 0);
	type("snapshots\n");
	ck_assert_str_eq(operator_saw, "snapshots");
	ck_assert_uint_eq(ring->in_prod, 10);
	console_set_focus("none");	/* commands work without focus */
	type("snapshot\n");
	ck_assert_str_eq(operator_saw, "snapshot");
}
END_TEST

START_TEST(full_input_ring_loses_the_rest)
{
	for (int i = 0; i < 300; i++)
		type("12345\n");
	ck_assert_uint_eq(ring->in_prod, sizeof(ring->in));
	ring->in_cons = ring->in_prod;
	type("new\n");
	ck_assert_int_eq(memcmp(ring->in, "new\n", 4), 0);
}
END_TEST

START_TEST(wild_input_consumer)
{
	type("a\n");
	ring->in_cons = 0x12345678;	/* ahead of what there is */
	type("b\n");
	ck_assert_uint_eq(ring->in_prod, 0x12345678 + 2);
	ck_assert_int_eq(ring->in[MASK_XENCONS_IDX(0x12345678, ring->in)], 'b');
}
END_TEST

START_TEST(endless_line)
{
	char flood[1024];

	memset(flood, 'z', sizeof(flood));
	flood[1023] = '\0';
	for (int i = 0; i < 8; i++)
		type(flood);
	type("\n");
	ck_assert_uint_eq(ring->in_prod, sizeof(ring->in)); /* not cut */
	ck_assert_int_eq(ring->in[255], 'z');
}
END_TEST

START_TEST(long_input_line_is_whole)
{
	char text[302];

	memset(text, 'B', 300);
	strcpy(text + 300, "\n");
	type(text);
	console_poll_input();	/* INPUT_BATCH */
	ck_assert_uint_eq(ring->in_prod, 301);
	ck_assert_int_eq(ring->in[299], 'B');
	ck_assert_int_eq(ring->in[300], '\n');
}
END_TEST

START_TEST(one_end_of_line)
{
	type("lf\r\ncr\r\n\n");
	ck_assert_uint_eq(ring->in_prod, 7);
	ck_assert_int_eq(memcmp(ring->in, "lf\ncr\n\n", 7), 0);
}
END_TEST

START_TEST(keys)
{
	console_set_raw(a);
	type("q");
	ck_assert_uint_eq(ring->in_prod, 1);
	ck_assert(told(a));
	type("\b\033[A\r");
	ck_assert_int_eq(memcmp(ring->in, "q\b\033[A\r", 6), 0);
	ck_assert_uint_eq(ring_b->in_prod, 4);	/* it takes lines */
}
END_TEST

static bool operator(const char *line);

START_TEST(operator_key)
{
	console_set_raw(a);
	console_operator_line = operator;
	type("\035focus dom2\r\n");
	type("x\n");
	ck_assert_uint_eq(ring->in_prod, 0);
	ck_assert_uint_eq(ring_b->in_prod, 2);
	type("\035focus nobody\n\035snapshot\n");	/* says so; no change */
	type("y\n");
	ck_assert_uint_eq(ring->in_prod, 0);
	ck_assert_uint_eq(ring_b->in_prod, 4);
	type("\035focus none\nz\n\035focus all\nk");
	ck_assert_uint_eq(ring_b->in_prod, 4);
	ck_assert_uint_eq(ring->in_prod, 1);
}
END_TEST

/*
 * The log is full: what a guest prints stays in its ring until there is room.
 */
START_TEST(waits_for_the_log)
{
	fake.log_full = true;
	puts_ring("one\n");
	console_drain(a);
	ck_assert_str_eq(fake.log, "");
	ck_assert_int_eq(write_call("two\n", 4), -ERESTART);
	fake.log_full = false;
	fake.now += 20000000;
	timer_run();
	ck_assert_str_eq(fake.log, "d1 one\n");
	ck_assert_uint_eq(fake.wakes, 1);
	ck_assert_int_eq(write_call("two\n", 4), 0);
	fake.log_full = true;
	puts_ring("last\n");
	console_fini(a);	/* does not wait */
	ck_assert_str_eq(fake.log, "d1 one\nd1 two\nd1 last\n");
	ring = connect(a, MFN(1));
}
END_TEST

START_TEST(characters_stay_whole)
{
	char text[260];

	memset(text, 'a', 255);
	strcpy(text + 255, "\xc3\xbc\n");
	puts_ring(text);
	console_drain(a);
	ck_assert_ptr_nonnull(strstr(fake.log, "a\nd1 \xc3\xbc\n"));
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("console");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, lines_of_the_ring);
	tcase_add_test(tc, nothing_new_tells_nobody);
	tcase_add_test(tc, ring_wraps);
	tcase_add_test(tc, indices_wrap_at_32_bits);
	tcase_add_test(tc, long_line_is_cut);
	tcase_add_test(tc, controls_do_not_pass);
	tcase_add_test(tc, unfinished_line_comes_out_later);
	tcase_add_test(tc, fini_takes_what_is_in_the_ring);
	tcase_add_test(tc, wild_producer);
	tcase_add_test(tc, wild_consumer);
	tcase_add_test(tc, whole_page_scribbled);
	tcase_add_test(tc, init_needs_a_writable_page);
	tcase_add_test(tc, lines_go_to_all);
	tcase_add_test(tc, focus);
	tcase_add_test(tc, backspace);
	tcase_add_test(tc, served_console_is_passed_by);
	tcase_add_test(tc, operator_comes_first);
	tcase_add_test(tc, full_input_ring_loses_the_rest);
	tcase_add_test(tc, wild_input_consumer);
	tcase_add_test(tc, endless_line);
	tcase_add_test(tc, long_input_line_is_whole);
	tcase_add_test(tc, one_end_of_line);
	tcase_add_test(tc, keys);
	tcase_add_test(tc, operator_key);
	tcase_add_test(tc, waits_for_the_log);
	tcase_add_test(tc, characters_stay_whole);
	return suite_run();
}
