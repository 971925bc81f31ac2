// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/control.c hv/ctl/commands.c hv/ctl/figures.c hv/ctl/snapshot.c hv/ctl/create.c hv/lib/printable.c
/*
 * The control channel, byte by byte: each command's answers, each mistake's
 * one line, and clients that do not read, do not end, or ask for ever.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "audit/audit.h"
#include "ctl/control.h"
#include "ctl/lives.h"
#include "ctl/snapshot.h"
#include "ctl/waiting.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/pause.h"
#include "dom/promise.h"
#include "dom/timer.h"
#include "fake/fake_machine.h"
#include "mm/palloc.h"
#include "abi/share.h"
#include "pv/above.h"
#include "unit/suite.h"
#include "x86/cpu.h"

#define SECOND 1000000000UL

/* --- the port, and what else the machine has not --- */

static bool is_there;
static const char *asked;	/* what uart_read() still gives, */
static size_t asked_left;	/* and how much of it */
static char said[1 << 20];	/* what the client has read */
static size_t said_bytes, taken_most;

bool uart_open(enum uart_port port)
{
	ck_assert_int_eq(port, UART_CONTROL);
	return is_there;
}

size_t uart_put(enum uart_port port, const char *bytes, size_t count)
{
	size_t n = MIN(MIN(count, (size_t)16), taken_most);

	ck_assert_int_eq(port, UART_CONTROL);
	ck_assert_uint_lt(said_bytes + n, sizeof(said));
	memcpy(said + said_bytes, bytes, n);
	said_bytes += n;
	said[said_bytes] = '\0';
	taken_most -= n;
	return n;
}

int uart_read(enum uart_port port)
{
	ck_assert_int_eq(port, UART_CONTROL);
	if (!asked_left)
		return -1;
	asked_left--;
	return (unsigned char)*asked++;
}

static struct timer *armed_last;
static unsigned int armed;

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	t->fn = fn;
	t->arg = arg;
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
	armed++;
	armed_last = t;
}

uint32_t lives_crashed(void) { return 3; }
uint32_t waiting_given_up(void) { return 2; }

/* --- the client --- */

static struct domain *a, *b;
static uint64_t free_before;

static struct domain *guest(const char *name, const char *group)
{
	struct domain *d = fake_domain(group, 100);

	strcpy(d->name, name);
	return d;
}

static void polls(unsigned int n)
{
	while (n--)
		control_poll();
}

static void hear_nothing(void)
{
	said_bytes = 0;
	said[0] = '\0';
}

static const char *ask_bytes(const char *text, size_t bytes)
{
	hear_nothing();
	asked = text;
	asked_left = bytes;
	polls(60);
	return said;
}

static const char *ask(const char *text)
{
	return ask_bytes(text, strlen(text));
}

static void setup(void)
{
	fake_machine_start();
	is_there = true;
	taken_most = SIZE_MAX;
	armed = 0;
	snapshot_init();
	control_start();
	ck_assert_uint_eq(armed, 1);
	free_before = palloc_free_count();
	a = guest("a", "one");
	b = guest("b", "");
	polls(1);
	ck_assert_str_eq(said, "hello pasture protocol=1\n");
}

static void teardown(void)
{
	uint64_t cross;

	if (a)
		fake_end(a);
	if (b)
		fake_end(b);
	fake_recount();
	ck_assert_uint_eq(audit_machine(&cross), 0);
	ck_assert_uint_eq(palloc_free_count(), free_before);
}

/* --- what is asked well --- */

static const struct {
	const char *line, *answer;
} good[] = {
	{ "version\n", "ok version protocol=1 tag=-\n" },
	{ "version x-1\n", "ok version protocol=1 tag=x-1\n" },
	{ "  version   y  \n", "ok version protocol=1 tag=y\n" },
	{ "version\ty\r\n", "ok version protocol=1 tag=y\n" },
	{ "version\r", "ok version protocol=1 tag=-\n" },
	{ "\n\r\n \n", "" },
	{ "version 1\nversion 2\n",
	  "ok version protocol=1 tag=1\nok version protocol=1 tag=2\n" },
	{ "vers\003", "hello pasture protocol=1\n" },
	{ "foo\003version\n", "hello pasture protocol=1\nok version protocol=1 tag=-\n" },
	{ "quit\n", "ok quit watch=off\n" },
	{ "watch off\n", "ok watch seconds=0\n" },
	{ "vers", "" },
};

START_TEST(good_lines)
{
	ck_assert_str_eq(ask(good[_i].line), good[_i].answer);
}
END_TEST

static const struct {
	const char *line, *answer;
} bad[] = {
	{ "foo\n", "error ENOSYS - no command is called foo; help lists them\n" },
	{ "LIST\n", "error ENOSYS - no command is called LIST; help lists them\n" },
	{ "lis\n", "error ENOSYS - no command is called lis; help lists them\n" },
	{ "list x\n", "error EINVAL list usage: list\n" },
	{ "stats 1\n", "error EINVAL stats usage: stats\n" },
	{ "help me\n", "error EINVAL help usage: help\n" },
	{ "quit now\n", "error EINVAL quit usage: quit\n" },
	{ "version a b\n", "error EINVAL version usage: version [TAG]\n" },
	{ "watch 0\n", "error EINVAL watch SECONDS is 1 to 3600, or off\n" },
	{ "watch -1\n", "error EINVAL watch SECONDS is 1 to 3600, or off\n" },
	{ "watch 3601\n", "error EINVAL watch SECONDS is 1 to 3600, or off\n" },
	{ "watch 1s\n", "error EINVAL watch SECONDS is 1 to 3600, or off\n" },
	{ "watch 18446744073709551617\n", "error EINVAL watch SECONDS is 1 to 3600, or off\n" },
	{ "watch 1 1\n", "error EINVAL watch usage: watch [SECONDS|off]\n" },
	{ "pause\n", "error EINVAL pause usage: pause NAME\n" },
	{ "pause a b\n", "error EINVAL pause usage: pause NAME\n" },
	{ "pause c\n", "error ESRCH pause no domain is called c\n" },
	{ "pause id=\n", "error ESRCH pause no domain is called id=\n" },
	{ "pause id=0\n", "error ESRCH pause no domain is called id=0\n" },
	{ "pause id=65537\n", "error ESRCH pause no domain is called id=65537\n" },
	{ "pause id=-1\n", "error ESRCH pause no domain is called id=-1\n" },
	{ "pause %s%n\n", "error ESRCH pause no domain is called %s%n\n" },
	{ "unpause a\n", "error EINVAL unpause a is not paused\n" },
	{ "unpause\n", "error EINVAL unpause usage: unpause NAME\n" },
	{ "unpause c\n", "error ESRCH unpause no domain is called c\n" },
	{ "destroy\n", "error EINVAL destroy usage: destroy NAME\n" },
	{ "destroy aa\n", "error ESRCH destroy no domain is called aa\n" },
	{ "snapshot 1\n", "error EINVAL snapshot usage: snapshot\n" },
	{ "limit a\n", "error EINVAL limit usage: limit NAME SIZE\n" },
	{ "limit a 1M x\n", "error EINVAL limit usage: limit NAME SIZE\n" },
	{ "limit a x\n", "error EINVAL limit SIZE is a number of bytes, as 64M\n" },
	{ "limit a 0\n", "error EINVAL limit SIZE is a number of bytes, as 64M\n" },
	{ "limit a 4095\n", "error EINVAL limit SIZE is a number of bytes, as 64M\n" },
	{ "limit a -4096\n", "error EINVAL limit SIZE is a number of bytes, as 64M\n" },
	{ "limit c 4096\n", "error ESRCH limit no domain is called c\n" },
	{ "a\001b\n", "error EINVAL - a line has printable ASCII and blanks only\n" },
	{ "quit\x7f\n", "error EINVAL - a line has printable ASCII and blanks only\n" },
	{ "\xc3\xa4\n", "error EINVAL - a line has printable ASCII and blanks only\n" },
	{ "\xff\nversion\n", "error EINVAL - a line has printable ASCII and blanks only\nok version protocol=1 tag=-\n" },
};

START_TEST(bad_lines)
{
	ck_assert_str_eq(ask(bad[_i].line), bad[_i].answer);
	ck_assert_str_eq(ask("version\n"), "ok version protocol=1 tag=-\n");
}
END_TEST

START_TEST(nul_is_a_bad_byte)
{
	ck_assert_str_eq(ask_bytes("quit\0quit\n", 10),
			 "error EINVAL - a line has printable ASCII and blanks only\n");
}
END_TEST

/* CONTROL4: the longest line is a line, and one byte more is not. */
START_TEST(long_lines)
{
	static char line[1 << 16];

	memset(line, 'x', sizeof(line));
	line[CONTROL_LINE_MAX - 1] = '\n';
	ck_assert_str_eq(ask_bytes(line, CONTROL_LINE_MAX),
			 "error ENOSYS - no command is called xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; help lists them\n");
	line[CONTROL_LINE_MAX - 1] = 'x';
	line[CONTROL_LINE_MAX] = '\n';
	ck_assert_str_eq(ask_bytes(line, CONTROL_LINE_MAX + 1),
			 "error E2BIG - a line has 2047 bytes at most\n");
	line[CONTROL_LINE_MAX] = 'x';
	memcpy(line + sizeof(line) - 9, "\nversion\n", 9);
	hear_nothing();
	asked = line;
	asked_left = sizeof(line);
	polls(300);
	ck_assert_str_eq(said, "error E2BIG - a line has 2047 bytes at most\nok version protocol=1 tag=-\n");
}
END_TEST

START_TEST(help_lists_all)
{
	ask("help\n");
	ck_assert_ptr_nonnull(strstr(said, "command destroy NAME\n"));
	ck_assert_ptr_nonnull(strstr(said, "command help\n"));
	ck_assert_ptr_nonnull(strstr(said, "\nok help n="));
}
END_TEST

/* --- figures --- */

START_TEST(lists_guests)
{
	char want[1000];

	a->account.ran_ns = 12345678;
	a->account.weight = 256;
	snprintf(want, sizeof(want),
		 "guest id=%u name=a group=one state=running vcpus=1 paused=0 pages=%u max=%u held=0 mappings=0 budget=100 offered=0 refused=0 zero=0 breaks=0 cpu_ms=12 weight=256 cap=0\n"
		 "guest id=%u name=b group=alone%u state=running vcpus=1 paused=0 pages=%u max=%u held=0 mappings=0 budget=100 offered=0 refused=0 zero=0 breaks=0 cpu_ms=0 weight=0 cap=0\n"
		 "ok list n=2\n", a->id, FAKE_PAGES, FAKE_PAGES, b->id, b->id,
		 FAKE_PAGES, FAKE_PAGES);
	ck_assert_str_eq(ask("list\n"), want);
}
END_TEST

START_TEST(machine_figures)
{
	char want[200];

	ask("stats\n");
	ck_assert_int_eq(strncmp(said, "machine t_ms=", 13), 0);
	snprintf(want, sizeof(want), " free=%lu ", palloc_free_count());
	ck_assert_ptr_nonnull(strstr(said, want));
	snprintf(want, sizeof(want), " domains=2 owned=%u given_up=2 crashed=3 ",
		 2 * FAKE_PAGES);
	ck_assert_ptr_nonnull(strstr(said, want));
	ck_assert_ptr_nonnull(strstr(said, "\nsharing pages_shared=0 "));
	ck_assert_ptr_nonnull(strstr(said, "\nrefused\naudit done=0\nok stats n=4\n"));
}
END_TEST

/* The audit, in slices that a timer gives it; the last one says so. */
START_TEST(audits)
{
	unsigned int done = 0;

	ck_assert_str_eq(ask("snapshot\nversion\n"), "");
	fake_machine.slow = true;	/* a slice has a few parts */
	for (; !said[0]; done++) {
		ck_assert_uint_lt(done, 10000);
		armed_last->fn(armed_last->arg);
		polls(1);
	}
	fake_machine.slow = false;
	ck_assert_uint_gt(done, 1);
	polls(2);
	ck_assert_int_eq(strncmp(said, "ok snapshot errors=0 cross_group=0 ", 35), 0);
	ck_assert_ptr_nonnull(strstr(said, "\nok version "));
	fake_machine.skip_ns = 5 * SECOND;
	ask("stats\n");
	ck_assert_ptr_nonnull(strstr(said, "\naudit done=1 age_ms=50"));
	ck_assert_ptr_nonnull(strstr(said, " errors=0 cross_group=0 "));
}
END_TEST

START_TEST(says_why_offers_were_refused)
{
	fake_run(a);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, 0x1000, 0, 0), -ENOENT);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, 0x2000, 0, 0), -ENOENT);
	/* Not an offer: it is not counted. */
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_unshare, fake_va(fake_free_pfn(a)), 1, 0), 0);
	ask("stats\n");
	ck_assert_ptr_nonnull(strstr(said, "\nrefused not-mapped=2\n"));
}
END_TEST

/* What an update says behind the machine's two lines. */
static const char *update(void)
{
	const char *p;

	hear_nothing();
	polls(20);
	ck_assert_str_eq(said, "");
	fake_machine.skip_ns = SECOND;
	polls(60);
	ck_assert_int_eq(strncmp(said, "update missed=0\nmachine ", 24), 0);
	p = strstr(said, "\naudit ");
	ck_assert_ptr_nonnull(p);
	return strchr(p + 1, '\n') + 1;
}

/* WATCH1 */
START_TEST(watch_says_what_changed)
{
	char want[200];
	uint16_t id = b->id;

	ask("watch\n");
	ck_assert_int_eq(strncmp(said, "ok watch seconds=1\nupdate missed=0\nmachine ", 43), 0);
	ck_assert_ptr_nonnull(strstr(said, " name=a group=one state=running "));
	ck_assert_ptr_nonnull(strstr(said, " name=b "));
	ck_assert_ptr_nonnull(strstr(said, "\nend n=2\n"));
	ck_assert_str_eq(update(), "end n=0\n");
	a->account.ran_ns = 7000000;
	b->account.cap = 50;
	snprintf(want, sizeof(want), "guest id=%u cpu_ms=7\nguest id=%u cap=50\nend n=2\n",
		 a->id, b->id);
	ck_assert_str_eq(update(), want);
	fake_end(b);
	snprintf(want, sizeof(want), "gone id=%u\nend n=1\n", id);
	ck_assert_str_eq(update(), want);
	ck_assert_str_eq(update(), "end n=0\n");
	b = guest("c", "");
	ck_assert_ptr_nonnull(strstr(update(), " name=c "));
	/* Another one with that place in the table is not taken for it. */
	ck_assert_str_eq(update(), "end n=0\n");
	b->id += MAX_DOMAINS;
	ck_assert_ptr_nonnull(strstr(update(), " name=c "));
	b->id -= MAX_DOMAINS;
	/* Anew: all of it is said again. */
	ask("watch 2\n");
	ck_assert_ptr_nonnull(strstr(said, " name=a "));
	ask("watch off\n");
	fake_machine.skip_ns = 10 * SECOND;
	ck_assert_str_eq(ask(""), "");
}
END_TEST

/* WATCH2: with room for one guest and a bit, all have their turn. */
START_TEST(watch_takes_turns)
{
	unsigned int i, k, had[4] = { 0 };
	struct domain *all[4] = { a, b };
	char line[30];

	for (i = 2; i < ARRAY_COUNT(all); i++)
		all[i] = guest("more", "");
	ask("watch\n");
	ck_assert_ptr_nonnull(strstr(said, "\nend n=4\n"));
	figures_update_bytes = 30;
	for (i = 0; i < 12; i++) {
		const char *text;

		for (k = 0; k < ARRAY_COUNT(all); k++)
			all[k]->account.ran_ns += 1000000;
		text = update();
		ck_assert_ptr_nonnull(strstr(text, "end n=2\n"));
		for (k = 0; k < ARRAY_COUNT(all); k++) {
			snprintf(line, sizeof(line), "guest id=%u ", all[k]->id);
			had[k] += strstr(text, line) != NULL;
		}
	}
	for (k = 0; k < ARRAY_COUNT(all); k++)
		ck_assert_uint_eq(had[k], 6);
	for (k = 2; k < ARRAY_COUNT(all); k++)
		fake_end(all[k]);
}
END_TEST

START_TEST(reset_and_quit_end_a_watch)
{
	ask("watch\n");
	ask(_i ? "quit\n" : "\003");
	fake_machine.skip_ns = 10 * SECOND;
	ck_assert_str_eq(ask(""), "");
}
END_TEST

/* CONTROL3 */
START_TEST(watch_that_nobody_reads)
{
	unsigned int i;

	ask("watch\n");
	taken_most = 0;
	for (i = 0; i < 1000; i++) {
		fake_machine.skip_ns = SECOND;
		polls(20);
	}
	hear_nothing();
	taken_most = SIZE_MAX;
	polls(200);
	/* What there was room for, whole lines, and one that tells the rest. */
	ck_assert_int_eq(strncmp(said, "update missed=0\n", 16), 0);
	ck_assert_int_eq(said[said_bytes - 1], '\n');
	fake_machine.skip_ns = SECOND;
	hear_nothing();
	polls(60);
	ck_assert_int_eq(strncmp(said, "update missed=9", 15), 0);
}
END_TEST

/* --- what changes guests --- */

START_TEST(limits_memory)
{
	char want[100];

	snprintf(want, sizeof(want), "ok limit id=%u max=1025\n", a->id);
	ck_assert_str_eq(ask("limit a 4100K\n"), want);
	ck_assert_uint_eq(a->pages.max, 1025);
	/* Less than it has: it keeps them, and gets no more. */
	snprintf(want, sizeof(want), "ok limit id=%u max=512\n", a->id);
	ck_assert_str_eq(ask("limit a 2M\n"), want);
	ck_assert_uint_ge(a->pages.max, FAKE_PAGES);
	ck_assert_uint_eq(a->pages.limit, 512);
	ck_assert_uint_eq(b->pages.limit, FAKE_PAGES);
	snprintf(want, sizeof(want), "error ENOMEM limit 262144 pages are more than can be promised: %lu are left\n",
		 domain_promise_left());
	ck_assert_str_eq(ask("limit a 1G\n"), want);
	ck_assert_ptr_nonnull(strstr(ask("limit a 17592186044415M\n"), "error ENOMEM limit "));
	ck_assert_uint_eq(a->pages.limit, 512);
}
END_TEST

START_TEST(pauses_and_goes_on)
{
	char want[100];

	snprintf(want, sizeof(want), "ok pause id=%u\n", a->id);
	ck_assert_str_eq(ask("pause a\n"), want);
	ck_assert_uint_eq(a->paused, 1);
	ck_assert_str_eq(ask("pause a\n"), want);
	ck_assert_uint_eq(a->paused, 2);
	ck_assert_ptr_nonnull(strstr(ask("list\n"), "name=a group=one state=paused vcpus=1 paused=2 "));
	snprintf(want, sizeof(want), "unpause id=%u\n", a->id);
	ck_assert_ptr_nonnull(strstr(ask(want), "ok unpause id="));
	ck_assert_uint_eq(a->paused, 1);
	a->paused = PAUSES_MAX;
	ck_assert_str_eq(ask("pause a\n"), "error E2BIG pause a is paused 255 times\n");
	a->paused = 1;
	ask("unpause a\n");
	ck_assert_uint_eq(a->paused, 0);
	ck_assert_uint_eq(b->paused, 0);
}
END_TEST

/* It is answered when no vCPU is on a CPU; and what comes then, after it. */
START_TEST(pause_waits)
{
	a->vcpu[0]->run = RUN_RUNNING;
	ck_assert_str_eq(ask("pause a\nversion\n"), "");
	ck_assert_uint_eq(a->paused, 1);
	a->vcpu[0]->run = RUN_PAUSED;
	polls(2);
	ck_assert_ptr_nonnull(strstr(said, "ok pause id="));
	ck_assert_ptr_nonnull(strstr(said, "\nok version "));
	ask("unpause a\n");
}
END_TEST

START_TEST(pause_of_one_that_dies)
{
	a->vcpu[0]->run = RUN_RUNNING;
	ck_assert_str_eq(ask("pause a\n"), "");
	fake_end(a);
	a = NULL;
	polls(2);
	ck_assert_ptr_nonnull(strstr(said, "ok pause id="));
}
END_TEST

static void reap(void)
{
	while (reaper_step() == MORE)
		;
}

START_TEST(destroys)
{
	unsigned int rebuilds = fake_machine.rebuilds;
	char want[100];

	snprintf(want, sizeof(want), "ok destroy id=%u state=gone\n", a->id);
	ck_assert_str_eq(ask("destroy a\nversion\n"), "");
	ck_assert(atomic_load(&a->destroyed));
	ck_assert_int_eq(a->state, DOM_DYING);
	ck_assert_ptr_eq(strstr(said, "version"), NULL);
	reap();
	fake_forget(a);
	a = NULL;
	hear_nothing();
	polls(2);
	strcat(want, "ok version protocol=1 tag=-\n");
	ck_assert_str_eq(said, want);
	ck_assert_str_eq(ask("destroy a\n"), "error ESRCH destroy no domain is called a\n");
	ck_assert_uint_eq(fake_machine.rebuilds, rebuilds);
}
END_TEST

/* Somebody keeps it: the client is told, and can go on. */
START_TEST(destroy_takes_long)
{
	struct domain *held = domain_find(a->id);
	char want[100];

	snprintf(want, sizeof(want), "ok destroy id=%u state=dying\n", a->id);
	ask("destroy a\n");
	ck_assert_str_eq(said, "");
	fake_machine.skip_ns = 11 * SECOND;
	polls(2);
	ck_assert_str_eq(said, want);
	ck_assert_ptr_nonnull(strstr(ask("list\n"), "name=a group=one state=dying "));
	/* Again: it is the same death. */
	ask("destroy a\n");
	domain_put(held);
	reap();
	fake_forget(a);
	a = NULL;
	polls(2);
	ck_assert_ptr_nonnull(strstr(said, "state=gone\n"));
}
END_TEST

/* --- clients --- */

/* CONTROL1, CONTROL2: nothing is read meanwhile, and no line is lost. */
START_TEST(client_stops_reading)
{
	static char want[1 << 16], lines[4000];
	unsigned int i;

	for (i = 0; i < 400; i++)
		strcat(lines, "list\n");
	strcpy(want, ask("list\n"));
	hear_nothing();
	taken_most = 0;
	asked = lines;
	asked_left = strlen(lines);
	polls(1000);
	ck_assert_uint_gt(asked_left, 1000);	/* it waits in the port */
	ck_assert_uint_eq(said_bytes, 0);
	for (i = 0; i < 100000 && (asked_left || i < 99000); i++) {
		taken_most = i % 3;
		polls(1);
		if (!asked_left)
			break;
	}
	taken_most = SIZE_MAX;
	polls(10000);
	ck_assert_uint_eq(asked_left, 0);
	ck_assert_uint_eq(said_bytes, 400 * strlen(want));
	for (i = 0; i < 400; i++)
		ck_assert_int_eq(strncmp(said + i * strlen(want), want, strlen(want)), 0);
}
END_TEST

/* A look is short, whatever waits in the port. */
START_TEST(a_look_is_bounded)
{
	static char lines[1 << 16];

	memset(lines, 'x', sizeof(lines));
	asked = lines;
	asked_left = sizeof(lines);
	polls(1);
	ck_assert_uint_ge(asked_left, sizeof(lines) - 256);
	for (size_t i = 0; i < sizeof(lines); i++)
		lines[i] = "x\n"[i % 2];
	hear_nothing();
	polls(1);
	ck_assert_uint_ge(asked_left, sizeof(lines) - 512);
	ck_assert_uint_le(said_bytes, 512);
	asked_left = 0;
	ask("\003");
}
END_TEST

static unsigned int lines_said(void)
{
	unsigned int n = 0;

	for (const char *p = said; (p = strchr(p, '\n')); p++)
		n++;
	return n;
}

/* All in one go, as fast as they are taken: an answer to each. */
START_TEST(many_lines)
{
	size_t bytes = 200000, answers = 0, i;
	char *lines = malloc(bytes);

	for (i = 0; i < bytes; i++)
		lines[i] = "x\n"[i % 2];
	asked = lines;
	asked_left = bytes;
	hear_nothing();
	for (i = 0; i < 10000000 && (asked_left || said_bytes); i++) {
		hear_nothing();
		polls(1);
		answers += lines_said();
	}
	ck_assert_uint_eq(answers, bytes / 2);
	free(lines);
}
END_TEST

/* Any bytes: as many ends of answers as lines that are not blank. */
START_TEST(any_lines)
{
	static const char *const words[] = {
		"list", "version", "pause", "unpause", "a", "b", "zz", "stats",
		"watch", "off", "id=1", "\xff", "-", "help", "3",
	};
	unsigned int i, n, left;
	char line[200];

	srand(_i + 1);
	for (i = 0; i < 5000; i++) {
		line[0] = '\0';
		for (n = 1 + rand() % 3; n--; strcat(line, " "))
			strcat(line, words[rand() % ARRAY_COUNT(words)]);
		strcat(line, "\n");
		hear_nothing();
		asked = line;
		asked_left = strlen(line);
		for (left = 1000; left && (!strstr(said, "ok ") && !strstr(said, "error ")); left--)
			polls(1);
		if (!left)
			ck_abort_msg("%s got %s", line, said);
	}
	polls(1000);
	while (a->paused)
		ck_assert_int_eq(pause_end(a), 0);
	while (b->paused)
		ck_assert_int_eq(pause_end(b), 0);
	ask("\003");
}
END_TEST

/* --- beginning and end --- */

START_TEST(no_port_no_channel)
{
	is_there = false;
	armed = 0;
	control_start();
	ck_assert_uint_eq(armed, 0);
}
END_TEST

START_TEST(says_bye)
{
	hear_nothing();
	control_end();
	ck_assert_str_eq(said, "bye\n");
	taken_most = 0;
	fake_machine.slow = true;
	control_end();		/* and comes back */
	fake_machine.slow = false;
	taken_most = SIZE_MAX;
	polls(10);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("lines");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, good_lines, 0, ARRAY_COUNT(good));
	tcase_add_loop_test(tc, bad_lines, 0, ARRAY_COUNT(bad));
	tcase_add_test(tc, nul_is_a_bad_byte);
	tcase_add_test(tc, long_lines);
	tcase_add_test(tc, help_lists_all);
	tcase_add_test(tc, lists_guests);
	tcase_add_test(tc, machine_figures);
	tcase_add_test(tc, audits);
	tcase_add_test(tc, says_why_offers_were_refused);
	tcase_add_test(tc, limits_memory);
	tcase_add_test(tc, watch_says_what_changed);
	tcase_add_test(tc, watch_takes_turns);
	tcase_add_loop_test(tc, reset_and_quit_end_a_watch, 0, 2);
	tcase_add_test(tc, watch_that_nobody_reads);
	tcase_add_test(tc, pauses_and_goes_on);
	tcase_add_test(tc, pause_waits);
	tcase_add_test(tc, pause_of_one_that_dies);
	tcase_add_test(tc, destroys);
	tcase_add_test(tc, destroy_takes_long);
	tcase_add_test(tc, client_stops_reading);
	tcase_add_test(tc, a_look_is_bounded);
	tcase_add_test(tc, many_lines);
	tcase_add_loop_test(tc, any_lines, 0, 4);
	tcase_add_test(tc, no_port_no_channel);
	tcase_add_test(tc, says_bye);
	return suite_run();
}
