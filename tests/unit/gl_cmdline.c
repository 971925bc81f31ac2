/* links: guest-lib/kernel/cmdline.c */
/* SPDX-License-Identifier: MIT */
/* Words of the guest's command line, up to its last byte. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <gl/start.h>

#include "unit/suite.h"

struct start_info *gl_start_info;

static void set_line(const char *line)
{
	memset(gl_start_info->cmd_line, 0, MAX_GUEST_CMDLINE);
	memcpy(gl_start_info->cmd_line, line, strlen(line));
}

static void setup(void)
{
	gl_start_info = calloc(1, sizeof(*gl_start_info));
}

static void teardown(void)
{
	free(gl_start_info);
}

START_TEST(words)
{
	char text[8];

	set_line("seed=7 writes=20 xseed=9 name=webserver empty= n=12x");
	ck_assert_uint_eq(gl_cmdline_u64("seed", 1), 7);
	ck_assert_uint_eq(gl_cmdline_u64("writes", 1), 20);
	ck_assert_uint_eq(gl_cmdline_u64("eed", 1), 1);
	ck_assert_uint_eq(gl_cmdline_u64("empty", 5), 5);
	ck_assert_uint_eq(gl_cmdline_u64("n", 5), 5);
	ck_assert(gl_cmdline_text("name", text, sizeof(text)));
	ck_assert_str_eq(text, "webserv");
	ck_assert(!gl_cmdline_text("none", text, sizeof(text)));
	set_line("a=1 a=2");
	ck_assert_uint_eq(gl_cmdline_u64("a", 0), 2);
}
END_TEST

/* No NUL at the end: nothing beyond it is read. */
START_TEST(full_line)
{
	char *line = (char *)gl_start_info->cmd_line;
	char text[8];

	memset(line, ' ', MAX_GUEST_CMDLINE);
	memcpy(line + MAX_GUEST_CMDLINE - 5, "ab=12", 5);
	ck_assert_uint_eq(gl_cmdline_u64("ab", 0), 12);
	memcpy(line + MAX_GUEST_CMDLINE - 5, "   ab", 5);
	ck_assert(!gl_cmdline_text("ab", text, sizeof(text)));
	memcpy(line + MAX_GUEST_CMDLINE - 5, "  ab=", 5);
	ck_assert(gl_cmdline_text("ab", text, sizeof(text)));
	ck_assert_str_eq(text, "");
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("cmdline");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, words);
	tcase_add_test(tc, full_line);
	return suite_run();
}
