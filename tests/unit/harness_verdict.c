// links: bench/harness/verdict.c bench/harness/record.c bench/harness/machine.c bench/harness/qemu_args.c bench/harness/util.c
/* SPDX-License-Identifier: MIT */
/* What a boot test's console comes to: which guests are asked for a result. */
#include <check.h>
#include <string.h>

#include "harness/verdict.h"
#include "unit/suite.h"

static const struct boot_test test = { .name = "t", .expect = "SUCCESS", .timeout = 30 };

/* The result of a machine that ended well and printed these lines. */
static enum result of(const char *const *lines, const char *why)
{
	struct machine m = { .end = MACHINE_EXITED };
	struct verdict v;
	enum result r;

	verdict_init(&v, &test);
	for (; *lines; lines++)
		verdict_line(&v, *lines);
	r = verdict_give(&v, &m, false);
	if (why)
		ck_assert_str_eq(v.why, why);
	else
		ck_assert_ptr_null(v.why);
	verdict_fini(&v);
	return r;
}

#define OF(why, ...) of((const char *const[]){ __VA_ARGS__, NULL }, why)
#define MADE(id, name) "@dom id=" id " name=" name " group=alone state=created pages=256"

START_TEST(each_guest_says_so)
{
	ck_assert_int_eq(OF(NULL, MADE("1", "a"), "(d1 a) Test result: SUCCESS"), RESULT_SUCCESS);
	ck_assert_int_eq(OF("guest b gave no result", MADE("1", "a"), MADE("2", "b"),
			    "(d1 a) Test result: SUCCESS"), RESULT_ERROR);
	ck_assert_int_eq(OF("guest a crashed", MADE("1", "a"), "@dom id=1 name=a state=dead reason=crash"),
			 RESULT_CRASH);
	ck_assert_int_eq(OF("no guest was created", "anything"), RESULT_ERROR);
}
END_TEST

/* What the hypervisor makes for its own needs is no guest. */
START_TEST(parts_are_no_guests)
{
	ck_assert_int_eq(OF(NULL, MADE("1", "unpack") " part=unpacker", MADE("2", "dom0"),
			    "(d1 unpack) 60 MiB", "(d2 dom0) Test result: SUCCESS"), RESULT_SUCCESS);
	ck_assert_int_eq(OF("guest unpack gave no result", MADE("1", "unpack")), RESULT_ERROR);
	ck_assert_int_eq(OF("no guest was created", MADE("1", "unpack") " part=unpacker"), RESULT_ERROR);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("harness_verdict");

	tcase_add_test(tc, each_guest_says_so);
	tcase_add_test(tc, parts_are_no_guests);
	return suite_run();
}
