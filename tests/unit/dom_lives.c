// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_grants.c
/*
 * Births and deaths while another CPU looks the domain up by its number (DD8,
 * DD11), or lets go of its pages (DD12): at each lock that is taken, one after
 * another, and between all steps.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/sched.h>

#include "dom/above.h"
#include "dom/die.h"
#include "dom/domain.h"
#include "fake/fake_grants.h"
#include "lib/fmt.h"
#include "mm/above.h"
#include "mm/framepool.h"
#include "mm/pagetype.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "sharing/groups.h"
#include "unit/suite.h"

static void (*act)(void);		/* what the other CPU does */
static unsigned int acts;

static void on_lock(void)
{
	port_on_lock = NULL;
	acts++;
	act();
	port_on_lock = on_lock;
}

static void other_cpu(void (*fn)(void))
{
	act = fn;
	port_on_lock = fn ? on_lock : NULL;
}

static void setup(void)
{
	fake_machine_start();
}

static void teardown(void)
{
	other_cpu(NULL);
	fake_machine.on_flush = NULL;
	pttree_steps_max = 512;
	fake_check();
	ck_assert_uint_eq(domain_count(), 0);
}

/* --- look-ups --- */

static domid_hv_t wanted;
static unsigned int found;

/* What a guest may do with whom it names: it must all be there (FIND2). */
static void look_up(void)
{
	struct domain *d = domain_find(wanted);
	struct grant_pin pin = { .ref = 1, .kinds = GRANT_HOST, .writable = true };

	if (!d)
		return;
	found++;
	ck_assert_int_ne(d->state, DOM_BUILDING);
	ck_assert_int_ne(d->state, DOM_DEAD);
	ck_assert_int_ne(grant_pin(d, 1, true, NULL, &pin), GNTST_okay);
	ck_assert_uint_eq(d->shared_info->evtchn_pending[63], 0);
	ck_assert_ptr_eq(d->vcpu[0]->domain, d);
	domain_put(d);
}

/* DD11: it is found when it runs, and not before. */
START_TEST(looked_up_at_birth)
{
	struct domain *d = fake_domain("g", 50);

	wanted = d->id + 1;
	fake_end(d);
	found = acts = 0;
	other_cpu(look_up);
	d = fake_domain("g", 50);
	other_cpu(NULL);
	ck_assert_uint_eq(d->id, wanted);
	ck_assert_uint_gt(acts, 50);
	/* by domain_start(), as the last thing */
	ck_assert_uint_le(found, 1);
	found = 0;
	look_up();
	ck_assert_uint_eq(found, 1);
	/* FIND2: not by another number of the same slot. */
	ck_assert_ptr_null(domain_find(wanted + MAX_DOMAINS));
	fake_end(d);
}
END_TEST

/*
 * DD8: at each step of its end, at each lock; whoever has it does not stop the
 * others.
 */
START_TEST(looked_up_at_death)
{
	struct domain *d = fake_domain("g", 50);
	unsigned int before = fake_machine.gone;

	wanted = d->id;
	found = 0;
	fake_run(NULL);
	domain_shutdown(d, SHUTDOWN_poweroff);
	other_cpu(look_up);
	for (unsigned int i = 0; fake_machine.gone == before; i++) {
		ck_assert_uint_lt(i, 10000);
		ck_assert(reaper_step());
		look_up();
	}
	other_cpu(NULL);
	fake_forget(d);
	ck_assert_uint_gt(found, 20);
	ck_assert_ptr_null(domain_find(wanted));
}
END_TEST

/* DD8: looked up in the last moment, it stays whole for as long as that. */
START_TEST(held_at_death)
{
	struct domain *d = fake_domain("g", 50), *held = NULL;
	unsigned int before = fake_machine.gone, step;

	for (step = 0; step < 1000; step += 3) {
		wanted = d->id;
		fake_run(NULL);
		domain_shutdown(d, SHUTDOWN_poweroff);
		for (unsigned int i = 0; i < step; i++)
			(void)reaper_step();
		held = domain_find(wanted);
		if (!held)
			break;
		for (unsigned int i = 0; i < 200; i++)
			(void)reaper_step();
		ck_assert_uint_eq(fake_machine.gone, before);
		look_up();
		domain_put(held);
		while (fake_machine.gone == before)
			ck_assert(reaper_step());
		before = fake_machine.gone;
		fake_forget(d);
		d = fake_domain("g", 50);
	}
	ck_assert_uint_gt(step, 10);
	ck_assert_uint_lt(step, 1000);
	fake_forget(d);
}
END_TEST

/* The reaper of another CPU, for as long as it has anything to do. */
static void reap(void)
{
	for (unsigned int i = 0; i < 5000; i++)
		(void)reaper_step();
}

/*
 * Whose making failed is the reaper's as soon as it is DYING, and stays whole
 * until who made it has let go.
 */
START_TEST(abandoned)
{
	struct domain *others[2] = { fake_domain("", 50), fake_domain("", 50) };
	unsigned int before = fake_machine.gone;
	struct domain *d = domain_create("made", 10, 0, 1);

	ck_assert_ptr_nonnull(d);
	spin_lock(&d->mm);
	ck_assert_int_eq(tracebuf_open(d), 0); /* dying takes a lock then */
	spin_unlock(&d->mm);
	wanted = d->id;
	fake_run(NULL);
	for (unsigned int i = 0; i < 2; i++)	/* there is work to do */
		domain_shutdown(others[i], SHUTDOWN_poweroff);
	acts = 0;
	other_cpu(reap);
	domain_abandon(d);
	other_cpu(NULL);
	ck_assert_uint_gt(acts, 0);
	ck_assert_ptr_nonnull(domain_owner(wanted));
	reap();
	ck_assert_ptr_null(domain_find(wanted));
	ck_assert_uint_eq(fake_machine.gone, before + 3);
	fake_forget(others[0]);
	fake_forget(others[1]);
}
END_TEST

/*
 * A grant is pinned when its owner is to be taken off the table: he stays until
 * it is not.
 */
START_TEST(pinned_at_retirement)
{
	struct grant_pin pin = { .ref = 9, .kinds = GRANT_HOST };

	g_start();
	g_grant(granter, 9, page, user, false);
	ck_assert_int_eq(grant_pin(granter, user->id, false, NULL, &pin), GNTST_okay);
	ck_assert(!domain_retire(granter));
	ck_assert_int_eq(granter->state, DOM_RUNNING);
	ck_assert_ptr_eq(domain_owner(granter->id), granter);
	grant_unpin(&pin);
	g_end();
}
END_TEST

/* --- a death with work half done --- */

static void make_table(struct domain *d, uint64_t pfn, unsigned int level,
		       unsigned int slot, mfn_t leads_to)
{
	mfn_t table = fake_mfn(d, pfn);
	pte_t *e = mfn_to_virt(table);

	memset(e, 0, PAGE_SIZE);
	if (mfn_n(leads_to))
		e[slot] = pte_make(leads_to, PTE_P | PTE_US |
				   (level > 1 ? PTE_RW : 0));
	ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(pfn),
				   pte_make(table, PTE_P | PTE_US), 0), 0);
	spin_lock(&d->mm);
	ck_assert_int_eq(pttree_get(d, table, level), 0);
	spin_unlock(&d->mm);
}

/* The pfn of the last page on the list. */
static uint64_t last_on_list(struct domain *d)
{
	uint32_t mfn = d->pages.list;

	while (mfn_to_frame(MFN(mfn))->next)
		mfn = mfn_to_frame(MFN(mfn))->next;
	return pfn_n(m2p_get(&d->m2p, MFN(mfn)));
}

/*
 * DD13: the last table of the last level leads to one that nothing else uses:
 * letting go of that is more than a part, and the step that began it has seen
 * all pages.
 */
START_TEST(ends_half_way)
{
	for (unsigned int part = 1; part <= 512; part += 73) {
		struct domain *d = fake_domain("g", 50);
		uint64_t below = fake_free_pfn(d), last = last_on_list(d);

		pttree_steps_max = 512;
		make_table(d, below, 3, 0, MFN(0));
		make_table(d, last, 4, PT_SLOTS - 1, fake_mfn(d, below));
		ck_assert_int_eq(pagetype_set_pinned(
			mfn_to_frame(fake_mfn(d, last))), 0);
		spin_lock(&d->mm);
		pttree_put(d, fake_mfn(d, below));
		spin_unlock(&d->mm);
		pttree_steps_max = part;
		fake_end(d);
	}
}
END_TEST

/* --- pages whose last user is on the way out --- */

/*
 * DD12: a page whose count is just falling is passed by, and those behind it
 * are not forgotten.
 */
START_TEST(falling_count)
{
	struct domain *d = fake_domain("g", 50);
	unsigned int before = fake_machine.gone;
	uint64_t pfn = fake_free_pfn(d);
	struct frame *f = mfn_to_frame(fake_mfn(d, pfn));

	ck_assert_int_eq(g_update(pfn, 0), 0);
	fake_run(NULL);
	/*
	 * Its count is zero, and it is on the list: frame_owner_free() comes
	 * next, on another CPU.
	 */
	ck_assert(frame_test_and_clear_allocated(f));
	ck_assert_uint_eq(__atomic_sub_fetch(&f->state, 1, __ATOMIC_ACQ_REL) &
			  FRAME_REF_MASK, 0);
	domain_shutdown(d, SHUTDOWN_poweroff);
	for (unsigned int i = 0; i < 2000; i++)
		ck_assert(reaper_step());
	ck_assert_uint_eq(d->pages.total, 1);
	frame_owner_free(d->id, f);
	for (unsigned int i = 0; i < 2000 && fake_machine.gone == before; i++)
		ck_assert(reaper_step());
	ck_assert_uint_eq(fake_machine.gone, before + 1);
	fake_forget(d);
}
END_TEST

/*
 * DD15, FP1: with the last of its group a pool's slot is free again, for all
 * that came from the heap has gone back: more groups come and go than there are
 * slots.  GROUP1: nor are there as many names.
 */
START_TEST(more_groups_than_slots)
{
	char name[DOMAIN_NAME_MAX] = "";

	for (unsigned int i = 0; i < FRAME_POOLS + GROUPS_MAX + 20; i++) {
		struct domain *d;

		if (i > FRAME_POOLS)
			fmt_snprintf(name, sizeof(name), "group%u", i);
		d = fake_domain(name, 5);

		ck_assert_msg(d != NULL, "group %u", i);
		fake_end(d);
	}
}
END_TEST

/* --- in the order of numbers --- */

/* Domains come and go until the next one gets this number. */
static struct domain *domain_of(domid_hv_t id)
{
	struct domain *d = fake_domain("g", 5);

	while (d->id != id) {
		ck_assert_uint_lt(d->id, id);
		fake_end(d);
		d = fake_domain("g", 5);
	}
	return d;
}

static int next_number(unsigned int from)
{
	struct domain *d = domain_from_id((domid_hv_t)from);
	int id = d ? d->id : -1;

	if (d)
		domain_put(d);
	return id;
}

/* Slots are numbers modulo MAX_DOMAINS: another one's may come first. */
START_TEST(by_number)
{
	struct domain *a = domain_of(100), *b = domain_of(100 + MAX_DOMAINS - 10);
	struct domain *c = domain_of(b->id + 1);

	ck_assert_int_eq(next_number(0), 100);
	ck_assert_int_eq(next_number(80), 100);
	ck_assert_int_eq(next_number(100), 100);
	ck_assert_int_eq(next_number(101), b->id);
	ck_assert_int_eq(next_number(b->id), b->id);
	ck_assert_int_eq(next_number(b->id + 1u), c->id);
	ck_assert_int_eq(next_number(c->id + 1u), -1);
	fake_end(a);
	ck_assert_int_eq(next_number(80), b->id);
	fake_end(b);
	fake_end(c);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("lives");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	tcase_add_test(tc, looked_up_at_birth);
	tcase_add_test(tc, looked_up_at_death);
	tcase_add_test(tc, held_at_death);
	tcase_add_test(tc, abandoned);
	tcase_add_test(tc, pinned_at_retirement);
	tcase_add_test(tc, ends_half_way);
	tcase_add_test(tc, falling_count);
	tcase_add_test(tc, more_groups_than_slots);
	tcase_add_test(tc, by_number);
	return suite_run();
}
