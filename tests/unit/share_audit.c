/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/* The audit finds what it is for, says it with the invariant's number, and changes nothing. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_share.h"

static struct share_dom *a, *b, *other;
static uint32_t f, zero;
static char said[4096];

static void setup(void)
{
	fake_share_create(&page_fns_portable);
	a = share_dom_create(share, 1, 1000);
	b = share_dom_create(share, 1, 1000);
	other = share_dom_create(share, 2, 1000);
	ck_assert(a && b && other);
	for (uint64_t c = 10; c < 40; c++) {
		fake_offer(a, c);
		fake_offer(other, c);
	}
	f = fake_offer(a, 10);
	fake_offer(b, 10);
	zero = fake_offer(b, 0);
}

static void teardown(void)
{
	fake_audit(share);
	fake_dom_end(a);
	fake_dom_end(b);
	fake_dom_end(other);
	fake_share_destroy();
}

static void note(void *ctx, const char *msg)
{
	ck_assert_ptr_eq(ctx, &machine);
	if (strlen(said) + strlen(msg) + 2 < sizeof(said)) {
		strcat(said, msg);
		strcat(said, "\n");
	}
}

static uint64_t audit(uint64_t *cross_group)
{
	said[0] = '\0';
	return share_audit(share, note, &machine, cross_group);
}

START_TEST(clean)
{
	uint64_t cross = 7;

	ck_assert_uint_eq(audit(&cross), 0);
	ck_assert_uint_eq(cross, 0);
	ck_assert_uint_eq(share_audit(share, NULL, NULL, NULL), 0);
	ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(count_off_by_one)
{
	machine.records[f].count++;
	ck_assert_uint_eq(audit(NULL), 1);
	ck_assert(strstr(said, "I12 frame "));
	ck_assert(strstr(said, "count less all mappings 1, should be 0"));
	machine.records[f].count--;
}
END_TEST

START_TEST(holders_off_by_one)
{
	machine.records[f].holders++;
	ck_assert_uint_eq(audit(NULL), 1);
	ck_assert(strstr(said, "holders less all holds 1, should be 0"));
	machine.records[f].holders--;
}
END_TEST

/* SH33: a shared page changed. */
START_TEST(content_changed)
{
	uint8_t *page = fake_page(&machine, f);

	page[4095] ^= 1;
	ck_assert_uint_ge(audit(NULL), 1);
	ck_assert(strstr(said, "I11 frame "));
	ck_assert(strstr(said, "stored hash"));
	page[4095] ^= 1;
	page = fake_page(&machine, zero);
	page[0] = 1;
	ck_assert_uint_ge(audit(NULL), 1);
	page[0] = 0;
}
END_TEST

START_TEST(hash_changed)
{
	machine.records[f].hash ^= 1ULL << 60;
	ck_assert_uint_ge(audit(NULL), 2);
	ck_assert(strstr(said, "index entries"));
	machine.records[f].hash ^= 1ULL << 60;
}
END_TEST

/* I13: two domains hold it; one frame is meant. */
START_TEST(group_changed)
{
	uint64_t cross;

	machine.records[f].group = 2;
	ck_assert_uint_ge(audit(&cross), 1);
	ck_assert_uint_eq(cross, 1);
	ck_assert(strstr(said, "I13 frame "));
	machine.records[f].group = 1;
}
END_TEST

START_TEST(equal_pages)
{
	uint8_t *page = fake_page(&machine, f), *twin;
	static uint8_t saved[SHARE_PAGE_BYTES];
	uint32_t g = fake_offer(a, 11);
	uint64_t hash = machine.records[g].hash;

	/* The same bytes and hash; the index entry does not fit, but shows it. */
	twin = fake_page(&machine, g);
	memcpy(saved, twin, sizeof(saved));
	memcpy(twin, page, sizeof(saved));
	machine.records[g].hash = machine.records[f].hash;
	ck_assert_uint_ge(audit(NULL), 1);
	memcpy(twin, saved, sizeof(saved));
	machine.records[g].hash = hash;
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("share/audit");
	TCase *tc = tcase_create("all");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, clean);
	tcase_add_test(tc, count_off_by_one);
	tcase_add_test(tc, holders_off_by_one);
	tcase_add_test(tc, content_changed);
	tcase_add_test(tc, hash_changed);
	tcase_add_test(tc, group_changed);
	tcase_add_test(tc, equal_pages);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed != 0;
}
