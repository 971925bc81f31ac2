// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * The machine's audit in parts: what is done between them is no error, what is
 * wrong is found all the same; with small windows, too.  And the grants'
 * numbers (I16, and I14 of a grant).
 */
#include <check.h>
#include <port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/share.h"
#include "audit/audit.h"
#include "audit/audit_private.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "fake/fake_grants.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "sharing/sharing.h"
#include "unit/suite.h"

static void setup(void)
{
	g_start();
	fake_machine.slow = true;	/* each part is a stop */
}

/* The audit's errors and what it says. */
static uint64_t audit_says(char **text, void (*between)(void))
{
	struct audit_result a = { 0 };
	FILE *kept = stderr;
	size_t bytes;

	stderr = open_memstream(text, &bytes);
	while (audit_part(&a))
		if (between)
			between();
	fclose(stderr);
	stderr = kept;
	ck_assert_uint_ge(a.stops, 5);
	return a.errors;
}

static void expect_clean(void (*between)(void))
{
	char *text;

	ck_assert_msg(!audit_says(&text, between), "%s", text);
	free(text);
}

/* `rule` is found, and no other. */
static void expect(const char *rule, const char *what)
{
	char *text, *line, wanted[16];
	uint64_t errors = audit_says(&text, NULL);

	ck_assert_msg(errors, "%s: nothing was found", what);
	snprintf(wanted, sizeof(wanted), "audit: %s", rule);
	for (line = strstr(text, "audit: "); line;
	     line = strstr(line + 1, "audit: "))
		ck_assert_msg(!strncmp(line, wanted, strlen(wanted)),
			      "%s: not %s: %s", what, rule, text);
	free(text);
}

/* --- I16, I14 --- */

#define WRONG(field, value, rule, what) do {				\
	typeof(field) right = (field);					\
	(field) = (value);						\
	expect(rule, what);						\
	(field) = right;						\
} while (0)

START_TEST(i16)
{
	struct grant_table *gt = granter->grant;
	struct grant_active *act = &gt->used->active[0][9];
	struct grant_handle *h;
	uint32_t handle;

	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, GNTMAP_host_map, &handle), 0);
	h = grant_handle_get(user, handle);
	expect_clean(NULL);
	WRONG(act->pins[PIN_HOST_RW], 2, "I16", "a pin of nobody");
	WRONG(act->mfn, mfn_n(fake_mfn(granter, page + 1)), "I16", "another frame");
	WRONG(act->domid, 0x777, "I16", "another user");
	WRONG(gt->pinned_count, 2, "I16", "entries that are pinned");
	WRONG(h->ref, 10, "I16", "a handle of another entry");
	WRONG(h->pte, maddr_add(h->pte, 8), "I16", "a handle of another entry of a table");
	WRONG(user->grant->handle_used, 0, "I16", "handles in use");
	WRONG(user->grant->handle_free, 0, "I16", "the list of free handles");
	WRONG(*fake_pte(user, page), *fake_pte(user, page) & ~PTE_RW, "I16",
	      "an entry with other rights");
	ck_assert_int_eq(g_unmap(page, handle), 0);
	WRONG(act->pins[PIN_HOST_RO], 1, "I16", "a pin of what is not granted");
	WRONG(*fake_pte(user, page),
	      pte_make(fake_mfn(granter, page), PTE_P | PTE_US | PTE_AVL_GRANT), "I16",
	      "an entry of no handle's");
}
END_TEST

/* I2 */
START_TEST(free_frame)
{
	void *pages = palloc_hv(8);
	/*
	 * The first has the order of the block in its state, and the audit's
	 * own pages come from there.
	 */
	struct frame *f = mfn_to_frame(virt_to_mfn(pages)) + 255;

	palloc_hv_free(pages, 8);
	WRONG(f->type, 1, "I2", "a free frame with a type");
	WRONG(f->state, f->state + 1, "I2", "a free frame with a name");
	WRONG(f->state, f->state & ~FRAME_DIRTY, "I2", "a free frame that is not to be scrubbed");
}
END_TEST

/* A shared frame cannot be granted, nor a granted one be shared. */
START_TEST(i14_granted)
{
	struct grant_active *act = &granter->grant->used->active[0][9];
	uint32_t handle, right;
	char *text;
	mfn_t mfn;

	memset(fake_page(user, page + 1), 7, PAGE_SIZE);
	ck_assert_int_gt(FAKE_CALL(op_share, SHAREOP_single,
				   fake_va(page + 1)), 0);
	mfn = fake_mfn(user, page + 1);
	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(g_map(granter, 9, page, GNTMAP_host_map, &handle), 0);
	/*
	 * What names the frame keeps its name; the entry alone has the shared
	 * one.
	 */
	right = act->mfn;
	act->mfn = mfn_n(mfn);
	ck_assert_uint_gt(audit_says(&text, NULL), 0);
	ck_assert_msg(strstr(text, "audit: I14: "), "%s", text);
	free(text);
	act->mfn = right;
	ck_assert_int_eq(g_unmap(page, handle), 0);
}
END_TEST

/* --- others go on --- */

#define PLAYED	280u

static uint64_t seed = 7;
static uint32_t mapped;		/* a handle + 1 */
static uint64_t deaths, shares;

static uint64_t below(uint64_t n)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	return (seed >> 33) % n;
}

static void share_one(struct domain *d)
{
	uint64_t pfn = page + 2 + below(PLAYED);

	fake_run(d);
	if (!(*fake_pte(d, pfn) & PTE_P))
		return;
	if (*fake_pte(d, pfn) & PTE_RW)
		memset(fake_page(d, pfn), (int)below(9), PAGE_SIZE);
	shares += FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn)) > 0;
}

static void unmap_one(struct domain *d)
{
	fake_run(d);
	(void)FAKE_CALL(op_update_va_mapping,
			fake_va(page + 2 + below(PLAYED)), 0, 0);
}

static void grant_one(void)
{
	fake_run(user);
	if (mapped) {
		ck_assert_int_eq(g_unmap(page, mapped - 1), 0);
		mapped = 0;
	} else if (!g_map(granter, 9, page, GNTMAP_host_map, &mapped)) {
		mapped++;
	}
}

/* The one that maps dies, with what it maps, and another one comes. */
static void die(void)
{
	deaths++;
	fake_end(user);
	mapped = 0;
	user = fake_domain("g", 50);
	ck_assert_ptr_nonnull(user);
	g_grant(granter, 9, page, user, false);
}

static void act(void)
{
	unsigned int i;

	audit_units_max = 1 + below(below(16) ? 8000 : 400);

	for (i = 0; i < 6; i++)
		switch (below(40)) {
		case 0: die(); break;
		case 1: case 2: case 3: grant_one(); break;
		case 4: case 5: case 6: unmap_one(user); break;
		case 7: reclaim_flush_all(); break;
		case 8: case 9: case 10: share_one(granter); break;
		default: share_one(user); break;
		}
	reclaim_flush();
}

START_TEST(others_work_meanwhile)
{
	g_grant(granter, 9, page, user, false);
	for (unsigned int i = 0; i < 30; i++)
		expect_clean(act);
	ck_assert_uint_gt(deaths, 20);
	ck_assert_uint_gt(shares, 500);
	if (mapped)
		grant_one();
}
END_TEST

/* Found though others work: frames that are lost, and a count. */
START_TEST(found_meanwhile)
{
	mfn_t mfn = fake_mfn(granter, page + 1);
	uint64_t *state = &mfn_to_frame(mfn)->state;
	char *text;

	g_grant(granter, 9, page, user, false);
	*state += 1;
	ck_assert_uint_eq(audit_says(&text, act), 1);
	ck_assert_msg(strstr(text, "audit: I3: "), "%s", text);
	free(text);
	*state -= 1;
	if (mapped)
		grant_one();
}
END_TEST

/* A whole audit comes between the parts of another one, which begins again. */
static uint64_t wholes;

static void whole(void)
{
	uint64_t cross;

	if (wholes++ == 7)
		ck_assert_uint_eq(audit_machine(&cross), 0);
	if (wholes == 13)
		act();
}

START_TEST(one_between)
{
	g_grant(granter, 9, page, user, false);
	expect_clean(whole);
	ck_assert_uint_ge(wholes, 13);
	if (mapped)
		grant_one();
}
END_TEST

/* Memory for the counts of 256 frames only, and as much for others. */
static void *taken[512];
static unsigned int orders[512], takes;

static void take_memory(void)
{
	unsigned int order = PALLOC_MAX_ORDER;
	void *left = palloc_hv(1);

	for (takes = 0; takes < ARRAY_COUNT(taken);)
		if ((taken[takes] = palloc_hv(order)))
			orders[takes++] = order;
		else if (!order--)
			break;
	ck_assert_uint_lt(takes, ARRAY_COUNT(taken));
	palloc_hv_free(left, 1);
	/* It is promised to somebody, or that would be an error, too. */
	domain_set_overcommit(true);
	ck_assert(domain_promise_raise(user, mfn_n(frame_max_mfn)));
}

static void give_memory(void)
{
	domain_promise_lower(user, mfn_n(frame_max_mfn));
	domain_set_overcommit(false);
	while (takes--)
		palloc_hv_free(taken[takes], orders[takes]);
}

static void some_is_left(void)
{
	void *p = palloc_hv(0);

	ck_assert_ptr_nonnull(p);
	palloc_hv_free(p, 0);
}

START_TEST(short_of_memory)
{
	pte_t *pte = fake_pte(user, page + 1);
	uint64_t *type;

	take_memory();
	expect_clean(some_is_left);
	type = &mfn_to_frame(pte_mfn(*pte))->type;
	WRONG(*type, *type + 1, "I4", "uses");
	type = &mfn_to_frame(user->vcpu[0]->kernel_l4)->state;
	WRONG(*type, *type + 1, "I3", "references");
	WRONG(*pte, *pte | PTE_PWT, "I5", "an entry");
	type = &mfn_to_frame(virt_to_mfn(granter->grant->frames[0]))->state;
	WRONG(*type, *type + 1, "I3", "a page of the heap");
	give_memory();
}
END_TEST

/*
 * With 200 guests most of an audit was walks for windows in which the guest has
 * nothing: what it costs goes with the windows in use, not with domains times
 * memory.
 */
START_TEST(windows_in_use)
{
	uint64_t windows = mfn_n(frame_max_mfn) / 256;
	struct audit_result a = { 0 };

	audit_units_max = 8192;
	take_memory();
	while (audit_part(&a))
		;
	ck_assert_uint_eq(a.errors, 0);
	give_memory();
	ck_assert_uint_lt(a.stops, 4 * windows);
}
END_TEST

static uint64_t stops_of_one(void)
{
	struct audit_result a = { 0 };

	while (audit_part(&a))
		;
	ck_assert_uint_eq(a.errors, 0);
	return a.stops;
}

/*
 * 97 guests had come, worked and gone on sharing: no more than 16 free pages
 * were in a row, so windows were a sixteenth and the audit took minutes.
 */
START_TEST(memory_in_pieces)
{
	static void *piece[FAKE_FRAMES];
	unsigned int pieces = 0, i;
	uint64_t stops;

	audit_units_max = 8192;
	stops = stops_of_one();
	ck_assert_uint_lt(stops, 2 * mfn_n(frame_max_mfn) / TALLY_GROUP);
	while ((piece[pieces] = palloc_hv(0)))
		pieces++;
	for (i = 0; i < pieces; i++)
		if (mfn_n(virt_to_mfn(piece[i])) % 2)
			palloc_hv_free(piece[i], 0);
	domain_set_overcommit(true);
	ck_assert(domain_promise_raise(user, mfn_n(frame_max_mfn)));
	ck_assert_uint_eq(stops_of_one(), stops);
	domain_promise_lower(user, mfn_n(frame_max_mfn));
	domain_set_overcommit(false);
	for (i = 0; i < pieces; i++)
		if (mfn_n(virt_to_mfn(piece[i])) % 2 == 0)
			palloc_hv_free(piece[i], 0);
}
END_TEST

/* What is wrong in the last window, and beyond all memory, is found as well. */
START_TEST(far_away)
{
	pte_t *pte = fake_pte(user, page + 1);
	uint64_t flags = *pte & (PTE_P | PTE_US | PTE_A);

	take_memory();
	WRONG(*pte, pte_make(mfn_add(frame_max_mfn, -1), flags), "I", "the last frame");
	WRONG(*pte, pte_make(mfn_add(frame_max_mfn, 5000), flags), "I", "no frame");
	give_memory();
}
END_TEST

/*
 * A guest that audits and an operator who does: both end, the operator first.
 */
START_TEST(operator_first)
{
	struct audit_result guest = { 0 }, operator = { .first = true };
	unsigned int parts = 0, limit = 10000;

	ck_assert(audit_part(&guest));
	while (audit_part(&operator)) {
		ck_assert(audit_part(&guest));
		ck_assert_uint_lt(++parts, limit);
	}
	ck_assert_uint_eq(operator.errors, 0);
	while (audit_part(&guest))
		ck_assert_uint_lt(++parts, limit);
	ck_assert_uint_eq(guest.errors, 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("parts");

	tcase_add_checked_fixture(tc, setup, g_end);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, i16);
	tcase_add_test(tc, free_frame);
	tcase_add_test(tc, i14_granted);
	tcase_add_test(tc, others_work_meanwhile);
	tcase_add_test(tc, found_meanwhile);
	tcase_add_test(tc, one_between);
	tcase_add_test(tc, short_of_memory);
	tcase_add_test(tc, windows_in_use);
	tcase_add_test(tc, memory_in_pieces);
	tcase_add_test(tc, far_away);
	tcase_add_test(tc, operator_first);
	return suite_run();
}
