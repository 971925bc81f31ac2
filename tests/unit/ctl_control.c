// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c hv/ctl/control.c hv/ctl/sessions.c hv/ctl/commands.c hv/ctl/figures.c hv/ctl/snapshot.c hv/ctl/follow.c hv/ctl/create.c hv/ctl/starting.c hv/ctl/domlist.c hv/ctl/config.c hv/ctl/first.c hv/lib/printable.c
/*
 * The control channel, byte by byte: each mistake's one line, and clients that
 * do not read, do not end, or ask for ever.
 */
#include <check.h>

#include "unit/control_client.h"

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
	{ "quit\n", "ok quit watch=off console=off\n" },
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
	{ "start\n", "error EINVAL start usage: start NAME|domain name=NAME kernel=MODULE memory=SIZE ...\n" },
	{ "start   \n", "error EINVAL start usage: start NAME|domain name=NAME kernel=MODULE memory=SIZE ...\n" },
	{ "start y\n", "error ESRCH start the domain list has no y\n" },
	{ "start z\n", "error ESRCH start the domain list has no z\n" },
	{ "start z0\n", "error ESRCH start the domain list has no z0\n" },
	{ "start z3\n", "error ESRCH start the domain list has no z3\n" },
	{ "start r\n", "error EBUSY start r comes again by itself (repeat=)\n" },
	{ "start w\n", "error EBUSY start w waits for memory\n" },
	{ "start dom0\n", "error EPERM start the first domain is started once\n" },
	{ "start domain\n", "error EINVAL start domain list line 1: name= is missing\n" },
	{ "start web name=x\n", "error EINVAL start domain list line 1: web is not a \"domain\" line\n" },
	{ "start domain name=x kernel=none memory=4M\n", "error EINVAL start domain list line 1: kernel=none names no module that was loaded\n" },
	{ "start domain name=x kernel=fake memory=4M color=1\n", "error EINVAL start domain list line 1: color=1 is not known\n" },
	{ "start domain name=x kernel=fake memory=4M repeat=1\n", "error EINVAL start repeat= is for the domain list\n" },
	{ "start domain name=x kernel=fake memory=4M count=1025\n", "error EINVAL start count=1025 is more than 1024\n" },
	{ "start domain name=a kernel=fake memory=4M\n", "error EEXIST start there is a domain a\n" },
	{ "start domain name=z1 kernel=fake memory=4M\n", "error EEXIST start the domain list has z\n" },
	{ "start domain name=z kernel=fake memory=4M count=5\n", "error EEXIST start the domain list has z\n" },
	{ "start domain name=\"x kernel=fake\n", "error EINVAL start domain list line 1: a quote does not end, a word is too long, or there is a NUL\n" },
	{ "start #\n", "error ESRCH start the domain list has no #\n" },
	{ "start # x\n", "error EINVAL start there is no domain in the line\n" },
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
	control_start(true, false);
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
	tcase_add_test(tc, client_stops_reading);
	tcase_add_test(tc, a_look_is_bounded);
	tcase_add_test(tc, many_lines);
	tcase_add_loop_test(tc, any_lines, 0, 4);
	tcase_add_test(tc, no_port_no_channel);
	tcase_add_test(tc, says_bye);
	return suite_run();
}
