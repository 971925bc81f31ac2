/* links: tests/port/port.c hv/lib/str.c */
/* SPDX-License-Identifier: MIT */
/* Names of share groups, GROUP1 to GROUP3: more of them than places. */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include <port.h>

#include "sharing/groups.c"
#include "unit/suite.h"

static char text[DOMAIN_NAME_MAX];

static const char *name_of(unsigned int i)
{
	snprintf(text, sizeof(text), "g%u", i);
	return text;
}

/* All numbers are new: the table is as it was before the last test. */
static void setup(void)
{
	memset(groups, 0, sizeof(groups));
	last_number = 0;
}

static void fill(void)
{
	unsigned int i;

	for (i = 0; i < GROUPS_MAX; i++)
		if (groups_number(name_of(i)) != i + 1)
			ck_abort_msg("no place for %s", text);
}

START_TEST(what_nobody_has_goes_when_it_must)
{
	uint32_t number, i;

	fill();
	ck_assert_uint_eq(groups_number("g0"), 1);	/* asked for again */
	ck_assert_uint_eq(groups_number("more"), GROUPS_MAX + 1);
	/* GROUP2: g1 was asked for longest ago; GROUP3 */
	ck_assert(!groups_name(2, text));
	ck_assert(groups_name(1, text));
	ck_assert_str_eq(text, "g0");
	ck_assert(groups_name(GROUPS_MAX + 1, text));
	ck_assert_str_eq(text, "more");
	ck_assert_uint_eq(groups_number("g1"), GROUPS_MAX + 2);
	for (i = 0; i < 10 * GROUPS_MAX; i++) {
		number = groups_number(name_of(i + 5000));
		ck_assert(groups_name(number, text));
		ck_assert_str_eq(text, name_of(i + 5000));
	}
	ck_assert(!groups_name(0, text));
	ck_assert(!groups_name(number + 1, text));
}
END_TEST

START_TEST(what_a_domain_has_stays)
{
	uint32_t number, again, i;
	uint16_t id;

	id = groups_join("web", &number);
	ck_assert_uint_ne(id, 0);
	ck_assert_uint_eq(groups_join("web", &again), id);
	ck_assert_uint_eq(again, number);
	for (i = 0; i < 2 * GROUPS_MAX; i++)
		ck_assert_uint_ne(groups_number(name_of(i)), 0);
	groups_leave(id);
	for (i = 0; i < 2 * GROUPS_MAX; i++)
		ck_assert_uint_ne(groups_number(name_of(i)), 0);
	ck_assert_uint_eq(groups_join("web", &again), id);	/* GROUP1 */
	ck_assert_uint_eq(again, number);
	groups_leave(id);
	groups_leave(id);
	for (i = 0; i < GROUPS_MAX; i++)
		ck_assert_uint_ne(groups_number(name_of(i)), 0);
	ck_assert(!groups_name(number, text));
	ck_assert_uint_gt(groups_number("web"), number);
}
END_TEST

START_TEST(all_places_are_domains)
{
	uint32_t number, i;

	for (i = 0; i < GROUPS_MAX; i++)
		ck_assert_uint_eq(groups_join(name_of(i), &number), i + 1);
	ck_assert_uint_eq(groups_number("more"), 0);
	ck_assert_uint_eq(groups_join("more", &number), 0);
	ck_assert_uint_eq(groups_number("g7"), 8);
	groups_leave(8);
	ck_assert_uint_eq(groups_join("more", &number), 8);
	ck_assert_uint_eq(groups_number("g7"), 0);
}
END_TEST

/* GROUP3: rather none than one that somebody may have kept. */
START_TEST(no_number_comes_again)
{
	uint32_t number;

	ck_assert_uint_eq(groups_number("old"), 1);
	last_number = GROUP_NUMBER_LAST - 1;
	ck_assert_uint_eq(groups_number("last"), GROUP_NUMBER_LAST);
	ck_assert_uint_eq(groups_number("more"), 0);
	ck_assert_uint_eq(groups_join("more", &number), 0);
	ck_assert_uint_eq(groups_join("old", &number), 1);
	ck_assert_uint_eq(number, 1);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("sharing_groups");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, what_nobody_has_goes_when_it_must);
	tcase_add_test(tc, what_a_domain_has_stays);
	tcase_add_test(tc, all_places_are_domains);
	tcase_add_test(tc, no_number_comes_again);
	return suite_run();
}
