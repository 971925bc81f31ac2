/* links: hv/debug/log.c hv/debug/outbuf.c hv/lib/printable.c hv/lib/fmt.c */
/* SPDX-License-Identifier: MIT */
/*
 * The log in front of a serial line that may take nothing: nobody waits, what
 * is lost is said where it is missing, our own lines and a panic's have room of
 * their own (CP10); and what of a guest's text reaches the terminal.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <port.h>

#include "debug/log.h"
#include "debug/outbuf.h"
#include "lib/printable.h"
#include "unit/suite.h"
#include "x86/init.h"
#include "x86/spinlock.h"

static char out[1 << 20];	/* what the terminal got */
static size_t out_bytes, taken_most;
static uint64_t cycles, ns, asked;
static bool locked;
uint32_t panic_cpu;

size_t uart_put(enum uart_port port, const char *bytes, size_t count)
{
	size_t n = MIN(MIN(count, (size_t)16), taken_most);

	/*
	 * Nobody touches the device under LOCK_LOG; a panic asks for no lock.
	 */
	ck_assert(!locked || panic_cpu);
	asked++;
	taken_most -= n;
	memcpy(out + out_bytes, bytes, n);
	out_bytes += n;
	out[out_bytes] = '\0';
	return n;
}

uint64_t tsc_read(void)
{
	return cycles += 1 << 28;
}

uint64_t now_ns(void)
{
	return ns;
}

void spin_lock(struct spinlock *l)
{
	ck_assert(!locked);
	locked = true;
}

void spin_unlock(struct spinlock *l)
{
	locked = false;
}

static void terminal_reads(bool reads)
{
	taken_most = reads ? SIZE_MAX / 2 : 0;
}

static unsigned int count(const char *what)
{
	unsigned int n = 0;

	for (const char *p = out; (p = strstr(p, what)); p++)
		n++;
	return n;
}

static void setup(void)
{
	ns = 1;
	panic_cpu = 0;
	terminal_reads(true);
	log_drain();
	out_bytes = 0;
	out[0] = '\0';
	log_start_async();
}

START_TEST(lines_go_out_at_once)
{
	log_guest(1, "a", "hello", 5);
	log_stat("@end frames_lost=%d", 0);
	ck_assert_str_eq(out, "(d1 a) hello\n@end frames_lost=0\n");
	ck_assert(!log_pump());
}
END_TEST

START_TEST(nobody_waits)
{
	terminal_reads(false);
	asked = 0;
	log_info("one");
	ck_assert_uint_eq(asked, 1);	/* asked once, and left */
	ck_assert(log_pump());
	terminal_reads(true);
	ck_assert(!log_pump());
	ck_assert_str_eq(out, "pasture: one\n");
}
END_TEST

static void flood(void)
{
	for (int i = 0; i < 4000; i++)
		log_guest(2, "flood", "0123456789012345678901234567890123456789", 40);
}

START_TEST(what_is_lost_is_said)
{
	terminal_reads(false);
	ck_assert(log_has_room());
	flood();
	log_stat("@dom id=2 state=dead");	/* has room of its own */
	terminal_reads(true);
	while (log_pump())
		;
	log_guest(2, "flood", "after", 5);
	ck_assert_uint_eq(count("@dom id=2 state=dead\n"), 1);
	ck_assert_uint_eq(count("are lost here\n"), 1);
	ck_assert_ptr_nonnull(strstr(out, "(d2 flood) after\n"));
	ck_assert(strstr(out, "are lost here") < strstr(out, "after\n"));
	/* Each line is there, or counted. */
	unsigned int there = count("0123456789\n"), lost = 0;

	ck_assert_int_eq(sscanf(strstr(out, "did not read: "),
				"did not read: %u lines", &lost), 1);
	ck_assert_uint_eq(there + lost, 4000);
}
END_TEST

START_TEST(guests_wait_for_who_reads_only)
{
	terminal_reads(false);
	log_pump();		/* nothing waits: "moved" is now */
	flood();
	ck_assert(!log_has_room());
	ns += 2000000000;
	ck_assert(log_has_room());	/* nobody reads: they go on */
	taken_most = 16;
	log_pump();
	ck_assert(!log_has_room());	/* slow, but it reads */
}
END_TEST

START_TEST(a_panic_has_room_and_takes_no_lock)
{
	terminal_reads(false);
	flood();
	for (int i = 0; i < 8000; i++)
		log_stat("own own own own own own own");
	locked = true;		/* whoever holds it stands still */
	panic_cpu = 1;
	log_stat("pasture: panic on CPU 0: why");
	locked = false;
	panic_cpu = 0;
	terminal_reads(true);
	log_drain();
	ck_assert_uint_eq(count("panic on CPU 0: why\n"), 1);
}
END_TEST

START_TEST(a_drain_ends)
{
	terminal_reads(false);
	log_stat("@end");
	log_drain();		/* comes back */
	ck_assert_uint_eq(out_bytes, 0);
	ck_assert(log_pump());
}
END_TEST

static const struct {
	const char *text, *shown;
} texts[] = {
	{ "plain\ttab", "plain\ttab" },
	{ "\033[2J\a\b\177\r", ".[2J...." },
	{ "\x9b" "31m\x9d", ".31m." },		/* C1 as bytes */
	{ "\xc2\x9b" "31m\xc2\x9d", "..31m.." },	/* and in UTF-8 */
	{ "gr\xc3\xbc\xc3\x9f" "e \xe6\x97\xa5", "gr\xc3\xbc\xc3\x9f" "e \xe6\x97\xa5" },
	{ "\xe2\x80\xae\xe2\x81\xa6\xd8\x9c\xe2\x80\x8f", "..........." },
	{ "\xe2\x80\xa8\xef\xbb\xbf\xf3\xa0\x80\xa0", ".........." },
	{ "\xff\xfe\xc0\x9b\xe0\x82\x9b\xed\xa0\x80", ".........." },
	{ "\xf0\x9f\x98\x80\xf4\x90\x80\x80", "\xf0\x9f\x98\x80...." },
	{ "cut \xe6\x97", "cut .." },
};

START_TEST(what_may_be_shown)
{
	char text[64];

	strcpy(text, texts[_i].text);
	printable(text, strlen(text));
	ck_assert_str_eq(text, texts[_i].shown);
}
END_TEST

START_TEST(every_line_is_sieved)
{
	log_guest(1, "a\x9b", "\xc2\x9d", 2);
	log_info("%s", "x\n\x9by");
	log_stat("@x %s", "\033");
	ck_assert_str_eq(out, "(d1 a.) ..\npasture: x..y\n@x .\n");
}
END_TEST

START_TEST(unfinished)
{
	ck_assert_uint_eq(printable_utf8_unfinished("ab", 2), 0);
	ck_assert_uint_eq(printable_utf8_unfinished("a\xe6\x97", 3), 2);
	ck_assert_uint_eq(printable_utf8_unfinished("a\xe6\x97\xa5", 4), 0);
	ck_assert_uint_eq(printable_utf8_unfinished("\xf0", 1), 1);
	ck_assert_uint_eq(printable_utf8_unfinished("\x80\x80\x80\x80", 4), 0);
	ck_assert_uint_eq(printable_utf8_unfinished("", 0), 0);
}
END_TEST

/* --- what is kept of it, for who reads the log --- */

/* All lines from *at on, in pieces of so many bytes. */
static size_t read_all(uint32_t *at, char *to, uint32_t most)
{
	size_t done = 0;
	uint32_t n;

	while ((n = log_read(at, to + done, most)))
		done += n;
	to[done] = '\0';
	return done;
}

/* Also what has gone out; where a reader stopped, it goes on. */
START_TEST(read_again)
{
	static char text[1 << 16], more[1 << 16];
	uint32_t at = 0, end;

	log_info("first line");
	read_all(&at, text, 7);
	ck_assert_ptr_nonnull(strstr(text, "pasture: first line\n"));
	end = at;
	ck_assert_uint_eq(log_read(&at, text, 10), 0);
	ck_assert_uint_eq(at, end);
	log_info("second line");
	read_all(&at, more, sizeof(more) - 1);
	ck_assert_str_eq(more, "pasture: second line\n");
	/* From a place that is not there yet: as from the first one kept. */
	at = end + 1000000;
	read_all(&at, more, sizeof(more) - 1);
	ck_assert_ptr_nonnull(strstr(more, "pasture: first line\n"));
	at = 0;
	ck_assert_uint_eq(log_read(&at, text, 0), 0);
}
END_TEST

/* What was overwritten is passed by, and no byte of it is shown. */
START_TEST(read_what_is_kept)
{
	static char text[1 << 20];
	uint32_t at = 0, first, n = 0;
	char *line;

	taken_most = ~(size_t)0;
	for (unsigned int i = 0; i < 20000; i++)
		log_info("line %u of many", i);
	ck_assert_uint_gt(read_all(&at, text, 4096), 1000);
	line = strchr(text, '\n') + 1;	/* the first may be a part of one */
	ck_assert_int_eq(sscanf(line, "pasture: line %u of many", &first), 1);
	ck_assert_uint_gt(first, 0);
	for (; *line; line = strchr(line, '\n') + 1) {
		uint32_t number;

		ck_assert_int_eq(sscanf(line, "pasture: line %u of many", &number), 1);
		ck_assert_uint_eq(number, first + n++);
	}
	ck_assert_uint_eq(first + n, 20000);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("log");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, lines_go_out_at_once);
	tcase_add_test(tc, nobody_waits);
	tcase_add_test(tc, what_is_lost_is_said);
	tcase_add_test(tc, guests_wait_for_who_reads_only);
	tcase_add_test(tc, a_panic_has_room_and_takes_no_lock);
	tcase_add_test(tc, a_drain_ends);
	tcase_add_loop_test(tc, what_may_be_shown, 0, ARRAY_COUNT(texts));
	tcase_add_test(tc, every_line_is_sieved);
	tcase_add_test(tc, unfinished);
	tcase_add_test(tc, read_again);
	tcase_add_test(tc, read_what_is_kept);
	return suite_run();
}
