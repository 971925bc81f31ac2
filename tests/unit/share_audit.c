/* SPDX-License-Identifier: MIT */
// links: share/*.c hash/*.c tests/port/port.c tests/fake/fake_share*.c tests/fake/fake_hash.c
/*
 * The audit finds what it is for, says it with the invariant's number, and
 * changes nothing.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_share.h"
#include "share/impl.h"
#include "unit/suite.h"

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

/* Some errors, and each line begins with `rule`. */
static void expect(const char *rule, const char *text)
{
	uint64_t errors = audit(NULL);

	ck_assert_uint_ge(errors, 1);
	ck_assert_msg(strstr(said, text), "no '%s' in: %s", text, said);
	for (const char *line = said; *line; line = strchr(line, '\n') + 1)
		ck_assert_msg(!strncmp(line, rule, 3), "not %s: %s", rule, said);
}

/* A number that is one too large, then one too small. */
#define OFF_BY_ONE(number, rule, text) do {				\
	(number)++;							\
	expect(rule, text);						\
	(number) -= 2;							\
	expect(rule, text);						\
	(number)++;							\
	ck_assert_uint_eq(audit(NULL), 0);				\
} while (0)

START_TEST(i12_record)
{
	struct share_record *r = &machine.records[f];

	OFF_BY_ONE(r->count, "I12", "count less all mappings");
	r->count++;
	ck_assert_uint_eq(audit(NULL), 1);
	ck_assert(strstr(said, "count less all mappings 1, should be 0"));
	r->count--;
	OFF_BY_ONE(r->holders, "I12", "holders less all holds");
	r->holders++;
	ck_assert_uint_eq(audit(NULL), 1);
	ck_assert(strstr(said, "holders less all holds 1, should be 0"));
	r->holders--;
}
END_TEST

START_TEST(i12_hold)
{
	struct hold *h = hold_find(a, f);
	uint32_t mappings = h->mappings;

	OFF_BY_ONE(h->mappings, "I12", "count less all mappings");
	h->mappings = 0;
	expect("I12", "mappings of a hold 0, should be 1");
	h->mappings = mappings;
}
END_TEST

/*
 * A frame that nobody holds, and the other way: a hold of a frame that is not
 * shared.
 */
START_TEST(i12_without_holds)
{
	uint64_t hash = machine.records[f].hash;
	struct lintab_cursor c;
	uint32_t lone = fake_offer(a, 50);
	struct hold *h = hold_find(a, lone);
	uint32_t mappings = h->mappings;
	uint64_t pfn = h->pfn;

	hold_remove(a, h);
	hold_count(a, lone, -(int64_t)mappings);
	expect("I12", "sum of counts");
	ck_assert(hold_prepare(a));
	hold_add(a, lone, pfn, mappings);
	hold_count(a, lone, mappings);
	ck_assert_uint_eq(audit(NULL), 0);
	index_remove(&a->group->index, hash, f);
	expect("I11", "index entries 0, should be 1");
	index_seek(&a->group->index, hash, &c);
	index_add(&a->group->index, &c, hash, f, &a->index_room);
}
END_TEST

/* SHARE2, SHARE3 and what else is a sum. */
START_TEST(i12_sums)
{
	struct share_group *g = a->group;

	OFF_BY_ONE(a->mappings, "I12", "mappings");
	OFF_BY_ONE(b->zero_mappings, "I12", "zero mappings");
	OFF_BY_ONE(a->holds.count, "I12", "held");
	OFF_BY_ONE(g->zero_frames, "I12", "zero frames");
	OFF_BY_ONE(g->index.table.count, "I11", "index entries");
	b->budget = share_dom_held(b) - 1;
	expect("I12", "held, more than its budget");
	b->budget = 1000;
}
END_TEST

/* SHARE3 */
START_TEST(i12_unshared)
{
	OFF_BY_ONE(b->unshared, "I12", "unshared");
	OFF_BY_ONE(a->group->unshared_gone, "I12", "unshared");
}
END_TEST

START_TEST(i12_over_cap)
{
	machine.records[f].count += SHARE_DOM_CAP;
	hold_find(a, f)->mappings += SHARE_DOM_CAP;
	hold_count(a, f, SHARE_DOM_CAP);
	expect("I12", "mappings of a hold 1048578, should be 1048576");
	machine.records[f].count -= SHARE_DOM_CAP;
	hold_find(a, f)->mappings -= SHARE_DOM_CAP;
	hold_count(a, f, -(int64_t)SHARE_DOM_CAP);
}
END_TEST

/*
 * A hold in a bucket that is not its own is not found by those who look for it.
 */
START_TEST(i12_astray)
{
	struct hold *h, *other, kept;
	struct lintab_cursor c;

	lintab_seek_bucket(&a->holds, 0, &c);
	h = lintab_next(a->holds.kind, &c);
	lintab_seek_bucket(&a->holds, 1, &c);
	other = lintab_next(a->holds.kind, &c);
	ck_assert(h && other);
	a->last.frame = 0;	/* the last search may have found one of them */
	kept = *h;
	*h = *other;
	*other = kept;
	expect("I12", "valid holds 0, should be 1");
	*other = *h;
	*h = kept;
}
END_TEST

/* SH33: a shared page changed. */
START_TEST(i11_content)
{
	uint8_t *page = fake_page(&machine, f);

	page[4095] ^= 1;
	expect("I11", "stored hash");
	page[4095] ^= 1;
	page = fake_page(&machine, zero);
	page[0] = 1;
	expect("I11", "stored hash");
	page[0] = 0;
}
END_TEST

START_TEST(i11_hash)
{
	machine.records[f].hash ^= 1ULL << 60;
	expect("I11", "index entries");
	machine.records[f].hash ^= 1ULL << 60;
	machine.records[f].hash ^= 1;	/* not in the index's part of it */
	expect("I11", "stored hash");
	machine.records[f].hash ^= 1;
}
END_TEST

/* What a search remembers is forgotten with each change. */
START_TEST(share5)
{
	struct hold *h = hold_find(a, f);

	ck_assert(h && a->last.hold == h);
	a->last.hold = NULL;
	expect("SHARE5", "last search");
	a->last.hold = h;
	ck_assert_uint_eq(audit(NULL), 0);
	for (uint32_t frame = 900; frame < 960; frame++) {
		ck_assert(hold_prepare(a));
		ck_assert(!hold_find(a, frame));
		hold_add(a, frame, frame, 1);
		ck_assert(hold_find(a, frame)->pfn == frame && hold_find(a, f));
	}
	for (uint32_t frame = 900; frame < 960; frame++) {
		hold_remove(a, hold_find(a, frame));
		ck_assert(!hold_find(a, frame) && hold_find(a, f));
	}
}
END_TEST

START_TEST(i11_twice)
{
	struct index *x = &a->group->index;
	uint64_t hash = machine.records[f].hash;
	struct lintab_cursor c;

	ck_assert(hold_prepare(a));
	index_seek(x, hash, &c);
	index_add(x, &c, hash, f, &a->index_room);
	audit(NULL);
	ck_assert(strstr(said, "index entries 2, should be 1"));
	index_remove(x, hash, f);
}
END_TEST

/* Two frames of one content, though the domain had room in the first. */
START_TEST(i11_equal_pages)
{
	struct hold *h = hold_find(a, f);
	uint32_t twin, mappings = h->mappings;

	h->mappings = SHARE_DOM_CAP;
	ck_assert_int_eq(fake_try_offer(a, 10, 1, &twin), SHARE_OK);
	hold_find(a, f)->mappings = mappings;
	ck_assert_uint_ne(twin, f);
	ck_assert_uint_eq(audit(NULL), 0);	/* it was said to be made */
	a->group->twins--;
	expect("I11", "equal pages 1, should be 0");
	a->group->twins++;
}
END_TEST

/* I13: two domains hold it; one frame is meant. */
START_TEST(i13_group)
{
	uint64_t cross;

	machine.records[f].group = 2;
	expect("I13", "its group is 2, should be 1");
	audit(&cross);
	ck_assert_uint_eq(cross, 1);
	machine.records[f].group = 1;
}
END_TEST

/* --- in parts --- */

static struct share_dom *busy[3];
static uint64_t reads, seed;
static bool growing;

static bool count_zero(const void *page)
{
	reads++;
	return page_fns_portable.is_zero(page);
}

static bool count_equal(const void *p, const void *q)
{
	reads++;
	return page_fns_portable.equal(p, q);
}

/* One of a domain's holds, or none. */
static bool any_hold(struct share_dom *d, uint32_t *frame, uint32_t *mappings)
{
	uint64_t from = (uint32_t)fake_random(&seed);

	return share_dom_next(d, &from, frame, mappings);
}

static void act(void)
{
	struct share_dom **d = &busy[fake_random(&seed) % 3];
	uint32_t frame, mappings;

	switch (fake_random(&seed) % (growing ? 10 : 6)) {
	case 0: case 1: case 2:
		if (any_hold(*d, &frame, &mappings))
			share_drop(*d, frame,
				   1 + fake_random(&seed) % mappings, true);
		break;
	case 3:
		if (any_hold(*d, &frame, &mappings) &&
		    share_take(*d, frame, mappings, NULL) == SHARE_OK)
			fake_share_ops.canonical_free(&machine, frame);
		break;
	case 4:
		if (any_hold(*d, &frame, &mappings))
			(void)share_hold(*d, frame);
		break;
	default:
		(void)fake_try_offer(*d, fake_random(&seed) % 800,
				     1 + fake_random(&seed) % 3, &frame);
	}
	if (fake_random(&seed) % 2048)
		return;
	fake_dom_end(*d);	/* and a group with its last */
	*d = share_dom_create(share, 3 + fake_random(&seed) % 2, 700);
	ck_assert_ptr_nonnull(*d);
}

static uint64_t audit_busily(unsigned int acts, unsigned int *parts)
{
	bool more = true;

	said[0] = '\0';
	*parts = 0;
	share_audit_begin(share, note, &machine);
	while (more) {
		for (unsigned int i = 0; i < acts; i++)
			act();
		reads = 0;
		more = share_audit_part(share);
		ck_assert_uint_le(reads, SHARE_AUDIT_PAGES);
		++*parts;
	}
	return share_audit_end(share, NULL);
}

static void busy_setup(void)
{
	static struct page_fns fns;
	uint8_t secret[SHARE_SECRET_BYTES];

	fns = page_fns_portable;
	fns.is_zero = count_zero;
	fns.equal = count_equal;
	fake_machine_init(&machine, 64, 2048);
	fake_secret(secret, 12);
	share = share_create_with(&fake_share_ops, &machine, machine.records,
				  secret, &fns);
	seed = 5;
	growing = true;
	for (unsigned int i = 0; i < 3; i++)
		busy[i] = share_dom_create(share, 3, 700);
	for (unsigned int i = 0; i < 5000; i++)
		act();
}

static void busy_teardown(void)
{
	for (unsigned int i = 0; i < 3; i++)
		fake_dom_end(busy[i]);
	fake_share_destroy();
}

/* Whatever happens between the parts, nothing wrong is said. */
START_TEST(others_work_meanwhile)
{
	unsigned int parts, most = 0;

	/* Long enough for the tables to grow and shrink under way. */
	for (unsigned int i = 0; i < 400; i++) {
		growing = i % 32 < 16;
		ck_assert_msg(audit_busily(i % 40, &parts) == 0, "%u: %s", i,
			      said);
		most = MAX(most, parts);
	}
	ck_assert_uint_ge(most, 25);
}
END_TEST

/* And what is wrong is found: a sum, a count, a frame's content. */
START_TEST(found_meanwhile)
{
	unsigned int parts;
	uint32_t frame, mappings;

	busy[0]->mappings++;
	ck_assert_uint_eq(audit_busily(0, &parts), 1);
	for (unsigned int i = 0; i < 50; i++) {
		while (!any_hold(busy[1], &frame, &mappings))
			act();
		/* The domains that act next do not have this one. */
		ck_assert_int_eq(share_hold(busy[1], frame), SHARE_OK);
		machine.records[frame].count++;
		ck_assert_uint_ge(audit_busily(0, &parts), 1);
		ck_assert(strstr(said, "count less all mappings"));
		machine.records[frame].count--;
	}
	busy[0]->mappings--;
}
END_TEST

/* Left in the middle, and begun again; holds are more than one part takes. */
START_TEST(abandoned)
{
	unsigned int parts = 0;

	share_audit_begin(share, note, &machine);
	ck_assert(share_audit_part(share));
	for (unsigned int i = 0; i < 100; i++)
		act();
	ck_assert_uint_eq(share_audit_end(share, NULL), 0);
	for (unsigned int i = 0; i < 3; i++) {
		fake_dom_end(busy[i]);
		busy[i] = share_dom_create(share, 3, 200);
	}
	for (uint64_t c = 1; c < 180; c++)
		for (unsigned int i = 0; i < 3; i++)
			(void)fake_offer(busy[i], c);
	share_audit_begin(share, note, &machine);
	while (share_audit_part(share))
		parts++;
	ck_assert_uint_eq(share_audit_end(share, NULL), 0);
	ck_assert_uint_ge(parts, 2 + 180 / 32 + 1);
}
END_TEST

#define HOLDERS	200u

/* Frames that very many hold: a part takes more of them, and misses none. */
START_TEST(many_holders)
{
	static struct share_dom *d[HOLDERS];
	unsigned int parts = 0;
	uint32_t frame = 0;

	for (unsigned int i = 0; i < HOLDERS; i++) {
		d[i] = share_dom_create(share, 5, 200);
		for (uint64_t c = 1; c <= 100; c++)
			frame = fake_offer(d[i], c);
	}
	share_audit_begin(share, note, &machine);
	while (share_audit_part(share))
		parts++;
	ck_assert_uint_eq(share_audit_end(share, NULL), 0);
	/* Holds: 2 * 20,000 / 3,200; and the index. */
	ck_assert_uint_le(parts, 60);
	group_record(d[0]->group, frame)->holders++;
	ck_assert_uint_eq(audit(NULL), 1);
	ck_assert_msg(strstr(said, "holders less all holds 1, should be 0"), "%s", said);
	group_record(d[0]->group, frame)->holders--;
	for (unsigned int i = 0; i < HOLDERS; i++)
		fake_dom_end(d[i]);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("corrupted"), *parts = suite_case("parts");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, clean);
	tcase_add_test(tc, i12_record);
	tcase_add_test(tc, i12_hold);
	tcase_add_test(tc, i12_without_holds);
	tcase_add_test(tc, i12_sums);
	tcase_add_test(tc, i12_unshared);
	tcase_add_test(tc, i12_over_cap);
	tcase_add_test(tc, i12_astray);
	tcase_add_test(tc, i11_content);
	tcase_add_test(tc, i11_hash);
	tcase_add_test(tc, share5);
	tcase_add_test(tc, i11_twice);
	tcase_add_test(tc, i11_equal_pages);
	tcase_add_test(tc, i13_group);
	tcase_set_timeout(parts, 60);
	tcase_add_checked_fixture(parts, busy_setup, busy_teardown);
	tcase_add_test(parts, others_work_meanwhile);
	tcase_add_test(parts, found_meanwhile);
	tcase_add_test(parts, abandoned);
	tcase_add_test(parts, many_holders);
	return suite_run();
}
