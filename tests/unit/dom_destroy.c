/* SPDX-License-Identifier: MIT */
// links: @machine
/*
 * The end of domains on the host machine: DD2, DD3, DD5, DD7, DD8, DD9 (DD6 and
 * orphans: dom_heappages).
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <xen/sched.h>

#include "abi/share.h"
#include "dom/above.h"
#include "dom/die.h"
#include "dom/reclaim.h"
#include "fake/fake_machine.h"
#include "fake/fake_pirq.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "unit/suite.h"

static struct domain *d;

static void setup(void)
{
	fake_machine_start();
	d = fake_domain("g", 1024);
	ck_assert_ptr_nonnull(d);
}

static void teardown(void)
{
	fake_machine.on_flush = NULL;
	fake_check();
	ck_assert_uint_eq(domain_count(), 0);
}

static long share(uint64_t pfn)
{
	return FAKE_CALL(op_share, SHAREOP_single, fake_va(pfn));
}

/*
 * DD2: every page that can be shared is; not a zombie, and the other sharer
 * keeps what it has.
 */
START_TEST(all_shared)
{
	struct domain *other = fake_domain("g", 1024);
	uint64_t pfn, kept = fake_free_pfn(other);

	memset(fake_page(other, kept), 3, PAGE_SIZE);
	ck_assert_int_gt(share(kept), 0);
	fake_run(d);
	for (pfn = fake_free_pfn(d); pfn < FAKE_PAGES - 8; pfn++) {
		memset(fake_page(d, pfn), pfn % 7, PAGE_SIZE);
		ck_assert_int_gt(share(pfn), 0);
	}
	fake_end(d);
	for (unsigned int i = 0; i < PAGE_SIZE; i++)
		ck_assert_uint_eq(fake_page(other, kept)[i], 3);
	fake_check();
	fake_end(other);
}
END_TEST

/* PIRQ4: devices are quiet before a page goes, and once. */
START_TEST(devices_first)
{
	unsigned int before = fake_pirq_ends;
	uint64_t pages = d->pages.total;

	fake_end(d);
	ck_assert_uint_eq(fake_pirq_ends, before + 1);
	ck_assert_uint_eq(fake_pirq_end_pages, pages);
}
END_TEST

static void kill_it(void)
{
	domain_shutdown(d, SHUTDOWN_crash);
}

/*
 * DD3, DD9: killed in the middle of a call, at each flush in turn, and once
 * more.
 */
START_TEST(killed_in_calls)
{
	uint64_t pfn = fake_free_pfn(d);

	fake_machine.on_flush = kill_it;
	(void)share(pfn);
	fake_machine.on_flush = NULL;
	ck_assert_int_eq(d->state, DOM_DYING);
	(void)FAKE_CALL(op_update_va_mapping, fake_va(pfn + 1), 0, UVMF_INVLPG);
	kill_it();
	ck_assert_uint_eq(domain_shutdown_code(d), SHUTDOWN_crash);
	domain_shutdown(d, SHUTDOWN_poweroff);	/* the first reason counts */
	ck_assert_uint_eq(domain_shutdown_code(d), SHUTDOWN_crash);
	fake_end(d);
}
END_TEST

/*
 * A table page of 512 entries for one shared frame, hooked in nowhere but
 * pinned.
 */
static void map_often(struct domain *x, mfn_t frame, uint64_t table_pfn)
{
	mfn_t table = fake_mfn(x, table_pfn);
	pte_t *e = mfn_to_virt(table);

	for (unsigned int i = 0; i < PT_SLOTS; i++)
		e[i] = pte_make(frame, PTE_P | PTE_US);
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(table_pfn),
				   pte_make(table, PTE_P | PTE_US), 0), 0);
	spin_lock(&x->mm);
	ck_assert_int_eq(pttree_get(x, table, 1), 0);
	ck_assert_int_eq(pagetype_set_pinned(mfn_to_frame(table)), 0);
	spin_unlock(&x->mm);
}

/* Steps that the end of a domain with so many tables of mappings takes. */
static unsigned int steps_for(unsigned int tables)
{
	struct domain *x = fake_domain("g", 1024);
	uint64_t pfn = fake_free_pfn(x);
	unsigned int steps = 0, before = fake_machine.gone;
	mfn_t frame;

	ck_assert_int_gt(share(pfn), 0);
	frame = fake_mfn(x, pfn);
	for (unsigned int i = 0; i < tables; i++)
		map_often(x, frame, pfn + 1 + i);
	fake_run(NULL);
	domain_shutdown(x, SHUTDOWN_poweroff);
	for (; fake_machine.gone == before; steps++)
		ck_assert(reaper_step());
	/* fake_end() does not know: it is gone. */
	fake_forget(x);
	return steps;
}

/*
 * DD5, DD14: two more steps for each table of 512 mappings of one frame, one to
 * empty it and one to unpin it: linear, and never two tables in a step, however
 * many are pinned.
 */
START_TEST(many_mappings)
{
	unsigned int none, ten, hundred;

	fake_end(d);
	none = steps_for(0);
	ten = steps_for(10);
	hundred = steps_for(100);
	/*
	 * Some steps less or more for the pages that are passed by in between.
	 */
	ck_assert_msg(ten - none >= 18 && ten - none <= 22, "%u", ten - none);
	ck_assert_msg(hundred - none >= 190 && hundred - none <= 210, "%u",
		      hundred - none);
}
END_TEST

/*
 * DD7: ids do not come back soon, and a new domain has nothing of an old one.
 */
START_TEST(new_domain)
{
	domid_hv_t id = d->id;
	mfn_t held;

	ck_assert_int_gt(share(fake_free_pfn(d)), 0);
	held = fake_mfn(d, fake_free_pfn(d));
	fake_end(d);
	d = fake_domain("g", 1024);
	ck_assert_uint_ne(d->id, id);
	ck_assert_int_ne(FAKE_CALL(op_update_va_mapping,
		fake_va(fake_free_pfn(d)), pte_make(held, PTE_P), 0), 0);
	ck_assert_ptr_null(domain_find(id));
	fake_end(d);
}
END_TEST

/* DD8: who looked it up keeps the struct, and nothing else. */
START_TEST(looked_up)
{
	struct domain *found = domain_find(d->id);
	unsigned int before = fake_machine.gone;

	ck_assert_ptr_eq(found, d);
	fake_run(NULL);
	domain_shutdown(d, SHUTDOWN_poweroff);
	for (unsigned int i = 0; i < 10000; i++)
		(void)reaper_step();
	ck_assert_uint_eq(fake_machine.gone, before);
	ck_assert_uint_eq(found->pages.total, 0);
	domain_put(found);
	/* What was set aside for it goes in parts. */
	for (unsigned int i = 0; i < 100; i++)
		(void)reaper_step();
	ck_assert_uint_eq(fake_machine.gone, before + 1);
	fake_forget(d);
}
END_TEST

static void steps(unsigned int n)
{
	while (n--)
		(void)reaper_step();
}

/*
 * I18, END4: a page that others use has its owner's name while a call may have
 * looked him up by it.
 */
START_TEST(looked_up_with_a_page)
{
	struct frame *f = mfn_to_frame(fake_mfn(d, fake_free_pfn(d)));
	struct domain *found = domain_find(d->id);
	unsigned int before = fake_machine.gone;

	ck_assert_int_eq(frame_get(f, d->id), 0);
	fake_run(NULL);
	domain_shutdown(d, SHUTDOWN_poweroff);
	steps(10000);
	ck_assert_uint_eq(frame_state_owner(frame_state(f)), d->id);
	domain_put(found);
	steps(100);
	ck_assert_uint_eq(fake_machine.gone, before + 1);
	fake_forget(d);
	ck_assert_uint_eq(frame_state_owner(frame_state(f)), DOMID_ORPHAN);
	frame_put(f);
	reclaim_flush_all();
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("destroy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, all_shared);
	tcase_add_test(tc, devices_first);
	tcase_add_test(tc, killed_in_calls);
	tcase_add_test(tc, many_mappings);
	tcase_add_test(tc, new_domain);
	tcase_add_test(tc, looked_up);
	tcase_add_test(tc, looked_up_with_a_page);
	return suite_run();
}
