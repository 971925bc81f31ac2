// SPDX-License-Identifier: MIT
// links: @machine
/*
 * Whole trees of page tables: validated and devalidated in parts, at any length
 * of a part (TREE1-TREE4; attacks PT8, PT9, PT20, PT22, PR1-PR4, DD4); linear
 * page tables (T2; LP1-LP7).
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "dom/reclaim.h"
#include "fake/fake_machine.h"
#include "mm/palloc.h"
#include "mm/pagetype.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/mmu.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "unit/suite.h"
#include "x86/pte.h"

#define RW (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)
#define RO (PTE_P | PTE_US | PTE_A)
#define L1S	5	/* L1 tables below the L2 of big_tree() */

static struct domain *d, *other;
static uint64_t spare;		/* pfn of a run of plain pages */

static void setup(void)
{
	fake_machine_start();
	other = fake_domain("g", 50);
	d = fake_domain("g", 50);
	spare = fake_free_pfn(d);
}

static void teardown(void)
{
	pttree_steps_max = 512;
	fake_machine.preempt = false;
	fake_check();
	fake_end(d);
	fake_end(other);
	fake_check();
}

static long map(uint64_t pfn, pte_t e)
{
	return FAKE_CALL(op_update_va_mapping, fake_va(pfn), e, 0);
}

static struct hypercall_args update_args(uint64_t ptr, uint64_t val)
{
	struct mmu_update *req = (void *)fake_page(d, spare);

	*req = (struct mmu_update){ ptr, val };
	return (struct hypercall_args){ .a = { fake_va(spare), 1, 0, DOMID_SELF } };
}

static long update(uint64_t ptr, uint64_t val)
{
	return fake_call(op_mmu_update, update_args(ptr, val));
}

static struct hypercall_args ext_args(unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op *op = (void *)fake_page(d, spare);

	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn };
	return (struct hypercall_args){ .a = { fake_va(spare), 1, 0, DOMID_SELF } };
}

static long ext(unsigned int cmd, uint64_t mfn)
{
	return fake_call(op_mmuext, ext_args(cmd, mfn));
}

static pte_t *table(mfn_t mfn)
{
	return mfn_to_virt(mfn);
}

static uint64_t slot_ptr(mfn_t mfn, unsigned int slot)
{
	return (mfn_n(mfn) << PAGE_SHIFT) + slot * 8;
}

/* An empty page that is mapped read-only, so that it may become a table. */
static mfn_t retire(uint64_t pfn)
{
	mfn_t mfn = fake_mfn(d, pfn);

	memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
	ck_assert_int_eq(map(pfn, pte_make(mfn, RO)), 0);
	return mfn;
}

static uint64_t type(mfn_t mfn)
{
	return mfn_to_frame(mfn)->type;
}

/* Top (L4), L3, L2, and L1S tables full of entries of one page. */
struct tree {
	mfn_t l4, l3, l2, l1[L1S], page;
	uint64_t pfn;	/* of l4; the others follow */
};

static struct tree big_tree(uint64_t pfn)
{
	struct tree t = { .pfn = pfn };
	unsigned int i, slot;

	t.l4 = retire(pfn);
	t.l3 = retire(pfn + 1);
	t.l2 = retire(pfn + 2);
	t.page = fake_mfn(d, pfn + 3);
	for (i = 0; i < L1S; i++) {
		t.l1[i] = retire(pfn + 4 + i);
		for (slot = 0; slot < PT_SLOTS; slot++)
			table(t.l1[i])[slot] = pte_make(t.page, RW);
		table(t.l2)[i * 100] = pte_make(t.l1[i], RW);
	}
	table(t.l3)[3] = pte_make(t.l2, RW);
	table(t.l4)[7] = pte_make(t.l3, RW);
	return t;
}

/* All of it may be written again. */
static void tree_released(const struct tree *t)
{
	unsigned int i;

	ck_assert_uint_eq(type_count(type(t->l4)), 0);
	ck_assert_int_eq(map(t->pfn, pte_make(t->l4, RW)), 0);
	ck_assert_int_eq(map(t->pfn + 1, pte_make(t->l3, RW)), 0);
	ck_assert_int_eq(map(t->pfn + 2, pte_make(t->l2, RW)), 0);
	for (i = 0; i < L1S; i++)
		ck_assert_int_eq(map(t->pfn + 4 + i, pte_make(t->l1[i], RW)), 0);
}

/* PR1, PR2: the result does not depend on how often the work is cut. */
static void pin_and_unpin(unsigned int steps, bool preempt)
{
	struct tree t;
	unsigned int before;

	pttree_steps_max = steps;
	fake_machine.preempt = preempt;
	t = big_tree(spare + 1);
	before = fake_machine.continued;
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), 0);
	ck_assert_uint_gt(fake_machine.continued, before);
	ck_assert_uint_eq(type_count(type(t.page)), L1S * PT_SLOTS + 1);
	fake_recount();
	/* PT22 */
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), -EINVAL);
	ck_assert_int_eq(ext(MMUEXT_NEW_USER_BASEPTR, mfn_n(t.l4)), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), 0);
	fake_recount();
	ck_assert_uint_eq(type_count(type(t.l4)), 1);
	ck_assert_int_eq(ext(MMUEXT_NEW_USER_BASEPTR, 0), 0);
	fake_recount();
	ck_assert_uint_eq(type_count(type(t.page)), 1);
	tree_released(&t);
}

START_TEST(in_parts)
{
	static const unsigned int lengths[] = { 1, 2, 7, 511, 512 };

	pin_and_unpin(lengths[_i], false);
	pin_and_unpin(lengths[_i], true);
}
END_TEST

/* PT9, PT20: one bad entry anywhere, and nothing of the tree stays counted. */
START_TEST(bad_leaf)
{
	struct tree t = big_tree(spare + 1);
	unsigned int at[] = { 0, 255, 511 }, i, k;

	pttree_steps_max = _i ? 13 : 512;
	for (i = 0; i < L1S; i++)
		for (k = 0; k < 3; k++) {
			table(t.l1[i])[at[k]] = pte_make(t.l2, RW);
			ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), -EBUSY);
			fake_recount();
			table(t.l1[i])[at[k]] = pte_make(fake_mfn(other, 5), RO);
			ck_assert_int_eq(ext(MMUEXT_NEW_BASEPTR, mfn_n(t.l4)), -EPERM);
			fake_recount();
			table(t.l1[i])[at[k]] = pte_make(t.page, RW);
		}
	table(t.l2)[511] = pte_make(t.page, RW | PTE_PSE);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), -EINVAL);
	tree_released(&t);
}
END_TEST

/* Upper entries: a subtree comes in, and goes, in parts. */
START_TEST(subtree_by_update)
{
	struct tree t = big_tree(spare + 1);

	pttree_steps_max = 100;
	table(t.l4)[7] = 0;
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), 0);
	ck_assert_int_eq(update(slot_ptr(t.l4, 9), pte_make(t.l3, RW)), 0);
	fake_recount();
	ck_assert_int_eq(update(slot_ptr(t.l4, 11), pte_make(t.l3, RW)), 0);
	ck_assert_int_eq(update(slot_ptr(t.l4, 9), 0), 0);
	fake_recount();
	ck_assert_uint_eq(type_count(type(t.l3)), 1);
	ck_assert_int_eq(update(slot_ptr(t.l4, 11), pte_make(t.l2, RW)), -EBUSY);
	ck_assert_int_eq(update(slot_ptr(t.l4, 11), 0), 0);
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), 0);
	tree_released(&t);
}
END_TEST

/* What one request lets go of, the next one of the batch may use. */
START_TEST(next_request_finds_it_free)
{
	struct tree t = big_tree(spare + 1);
	struct mmu_update *req = (void *)fake_page(d, spare);

	pttree_steps_max = 50;
	fake_machine.preempt = _i;
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), 0);
	req[0] = (struct mmu_update){ slot_ptr(t.l4, 7), 0 };
	req[1] = (struct mmu_update){ maddr_n(virt_to_maddr(fake_pte(d, t.pfn + 4))),
				      pte_make(t.l1[0], RW) };
	req[2] = (struct mmu_update){ maddr_n(virt_to_maddr(fake_pte(d, t.pfn + 2))),
				      pte_make(t.l2, RW) };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 3, 0,
				   DOMID_SELF), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), 0);
	tree_released(&t);
}
END_TEST

/* One part of the work of a call that is then forgotten; false: it ended. */
static bool call_once(hypercall_fn fn, struct hypercall_args args)
{
	long r = fn(&args);

	this_cpu()->pte_steps = 0;
	return r == -ERESTART;
}

static void settle(void)
{
	while (pttree_work_left(d))
		(void)pttree_settle(d);
}

/* PT8, TREE3: a pin that nobody comes back for; its tree is used otherwise. */
START_TEST(abandoned)
{
	struct tree t = big_tree(spare + 1), u = big_tree(spare + 20);

	pttree_steps_max = 100;
	ck_assert(call_once(op_mmuext, ext_args(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4))));
	settle();
	ck_assert_int_eq(d->vcpu[0]->pt_result.state, PT_VALIDATED);
	fake_recount();
	switch (_i) {
	case 0:	/* another tree */
		ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(u.l4)), 0);
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(u.l4)), 0);
		break;
	case 1:	/* a part of it, as its own level */
		ck_assert_int_eq(ext(MMUEXT_PIN_L2_TABLE, mfn_n(t.l2)), 0);
		fake_recount();
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l2)), 0);
		break;
	case 2:	/* the root, as something else */
		ck_assert_int_eq(ext(MMUEXT_PIN_L3_TABLE, mfn_n(t.l4)), -EBUSY);
		break;
	case 3:	/* an entry of another table */
		ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(u.l4)), 0);
		ck_assert_int_eq(update(slot_ptr(u.l4, 9), pte_make(t.l3, RW)), 0);
		fake_recount();
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(u.l4)), 0);
		break;
	case 4:
		/*
		 * a linear link to the root, which by then is no table any more
		 */
		ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(u.l4)), 0);
		ck_assert_int_lt(update(slot_ptr(u.l4, 9), pte_make(t.l4, RO)), 0);
		fake_recount();
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(u.l4)), 0);
		break;
	default: /* unpin what was never pinned */
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), -EINVAL);
		break;
	}
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), -EINVAL);
	fake_recount();
	tree_released(&t);
	tree_released(&u);
}
END_TEST

/*
 * PT23: a pin is cut, because earlier requests of its call used the part up,
 * and an interrupt handler changes an entry of that very tree: the result,
 * which nobody has come for, goes first, in one part, and with it the table
 * that is being changed.
 */
static void pin_cut(unsigned int cmd, mfn_t mfn)
{
	pttree_steps_max = 1;
	ck_assert(call_once(op_mmuext, ext_args(cmd, mfn_n(mfn))));
	pttree_steps_max = 512 * 16;
	settle();
	ck_assert_int_eq(d->vcpu[0]->pt_result.state, PT_VALIDATED);
	this_cpu()->pte_steps = 0;
}

/* An entry goes, comes in, names the root; in the root, and below it. */
START_TEST(abandoned_itself)
{
	struct tree t = big_tree(spare + 1);
	const struct {
		mfn_t table;
		unsigned int slot;
		pte_t value;
	} cases[] = {
		{ t.l4, 7, 0 }, { t.l4, 9, pte_make(t.l3, RW) },
		{ t.l4, 20, pte_make(t.l4, RO) }, { t.l3, 3, 0 },
		{ t.l3, 5, pte_make(t.l2, RW) }, { t.l2, 100, 0 },
	};

	pin_cut(MMUEXT_PIN_L4_TABLE, t.l4);
	/* It is no table then, and nobody writes it: a plain store. */
	ck_assert_int_eq(update(slot_ptr(cases[_i].table, cases[_i].slot),
				cases[_i].value), 0);
	ck_assert_int_eq(d->vcpu[0]->pt_result.state, PT_NONE);
	ck_assert_uint_eq(table(cases[_i].table)[cases[_i].slot],
			  cases[_i].value);
	fake_recount();
	tree_released(&t);
}
END_TEST

/* The last use of the changed table is a link from the abandoned tree. */
START_TEST(abandoned_linked)
{
	mfn_t root = retire(spare + 40), linked = retire(spare + 41);
	mfn_t l2 = retire(spare + 42);

	ck_assert_int_eq(ext(MMUEXT_PIN_L3_TABLE, mfn_n(linked)), 0);
	table(root)[5] = pte_make(linked, RO);
	pin_cut(MMUEXT_PIN_L3_TABLE, root);
	/* Not by an unpin, which would let go of the result itself. */
	ck_assert_int_eq(pagetype_clear_pinned(mfn_to_frame(linked)), 0);
	ck_assert(!pagetype_put(mfn_to_frame(linked)));
	frame_put(mfn_to_frame(linked));
	/* An entry that names the root keeps the result for a moment. */
	ck_assert_int_eq(update(slot_ptr(linked, 6),
				_i ? pte_make(root, RO) : pte_make(l2, RW)), 0);
	fake_recount();
	ck_assert_int_eq(map(spare + 41, pte_make(linked, RW)), 0);
}
END_TEST

static mfn_t old_base;
static bool old_was_whole;	/* when another base was loaded */

static void look_at_old_base(void)
{
	if (fake_machine.flushed & FAKE_FLUSH_CR3)
		old_was_whole = type(old_base) & TYPE_VALIDATED;
	fake_machine.flushed = 0;
}

/* I3: the CPU leaves a tree before the last use of it goes. */
START_TEST(base_loaded_first)
{
	mfn_t l4 = retire(spare + 1);

	old_base = d->vcpu[0]->kernel_l4;
	memcpy(table(l4), table(old_base), PAGE_SIZE);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(l4)), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(old_base)), 0);
	fake_machine.flushed = 0;
	fake_machine.on_flush = look_at_old_base;
	ck_assert_int_eq(ext(MMUEXT_NEW_BASEPTR, mfn_n(l4)), 0);
	fake_machine.on_flush = NULL;
	ck_assert(old_was_whole);
	ck_assert(!(type(old_base) & TYPE_VALIDATED));
	fake_recount();
}
END_TEST

static void two_vcpus(void)
{
	fake_end(d);
	fake_machine.vcpus = 2;
	d = fake_domain("g", 50);
	fake_machine.vcpus = 0;
	spare = fake_free_pfn(d);
	fake_run_vcpu(d, 1);
	ck_assert_int_eq(mmu_base_load(d->vcpu[1], d->vcpu[0]->kernel_l4), 0);
	fake_run(d);
}

static struct hypercall_args pin_args(uint64_t pfn, mfn_t l4)
{
	struct mmuext_op *op = (void *)fake_page(d, pfn);

	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfn_n(l4) };
	return (struct hypercall_args){ .a = { fake_va(pfn), 1, 0, DOMID_SELF } };
}

/*
 * PT24, TREE3: two vCPUs pin large trees at once, a part in turn: each gets its
 * own result, and soon (old rule: each let go of the other's, for ever).
 */
START_TEST(two_askers)
{
	struct hypercall_args args[2];
	bool more[2] = { true, true };
	unsigned int rounds;
	struct tree t[2];

	two_vcpus();
	for (unsigned int i = 0; i < 2; i++) {
		t[i] = big_tree(spare + 2 + 20 * i);
		args[i] = pin_args(spare + i, t[i].l4);
	}
	pttree_steps_max = 100;
	for (rounds = 0; more[0] || more[1]; rounds++) {
		ck_assert_uint_lt(rounds, 200);
		fake_run_vcpu(d, rounds % 2);
		if (more[rounds % 2])
			more[rounds % 2] = call_once(op_mmuext, args[rounds % 2]);
		(void)pttree_settle(d);
	}
	settle();
	fake_recount();
	for (unsigned int i = 0; i < 2; i++) {
		ck_assert_int_eq(d->vcpu[i]->pt_result.state, PT_NONE);
		ck_assert(type(t[i].l4) & TYPE_PINNED);
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t[i].l4)), 0);
		settle();
	}
	tree_released(&t[0]);
	tree_released(&t[1]);
}
END_TEST

/* TREE4: a domain dies with results that two vCPUs never came for. */
START_TEST(two_results_at_death)
{
	two_vcpus();
	for (uint32_t i = 0; i < 2; i++) {
		struct tree t = big_tree(spare + 1 + 20 * i);

		fake_run_vcpu(d, i);
		pttree_steps_max = 100;
		ck_assert(call_once(op_mmuext, ext_args(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4))));
		settle();
		ck_assert_int_eq(d->vcpu[i]->pt_result.state, PT_VALIDATED);
	}
	fake_recount();
}
END_TEST

/* TREE4: what a dying domain's validation has taken goes at once. */
START_TEST(death_undoes)
{
	struct tree t = big_tree(spare + 1);

	pttree_steps_max = 12;		/* to the first entries of the L3 */
	ck_assert(call_once(op_mmuext, ext_args(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4))));
	ck_assert_uint_gt(type_count(type(t.l3)), 0);
	d->state = DOM_DYING;
	ck_assert(!pttree_settle(d));
	d->state = DOM_RUNNING;
	ck_assert_int_eq(d->vcpu[0]->pt_result.state, PT_NONE);
	fake_recount();
	tree_released(&t);
}
END_TEST

/* A refusal that nobody asks for is no refusal of anything else. */
START_TEST(refusal_abandoned)
{
	struct tree t = big_tree(spare + 1);

	pttree_steps_max = 100;
	table(t.l1[4])[511] = pte_make(fake_mfn(other, 5), RO);
	ck_assert(call_once(op_mmuext, ext_args(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4))));
	settle();
	ck_assert_int_eq(d->vcpu[0]->pt_result.state, PT_REFUSED);
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(t.l1[0])), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l1[0])), 0);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), -EPERM);
	tree_released(&t);
}
END_TEST

/* DD4: the domain dies after `_i` parts of a pin, or of an unpin. */
static void die_half_way(unsigned int parts, bool unpin)
{
	struct domain *victim = fake_domain("g", 50);
	struct domain *keep = d;
	struct hypercall_args args;
	struct tree t;
	long r;

	d = victim;
	t = big_tree(spare + 1);
	if (unpin) {
		ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), 0);
		args = ext_args(MMUEXT_UNPIN_TABLE, mfn_n(t.l4));
		fake_machine.preempt = true;
	} else {
		args = ext_args(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4));
	}
	pttree_steps_max = 300;
	this_cpu()->pte_steps = 0;
	r = op_mmuext(&args);
	while (r == -ERESTART && parts-- && pttree_work_left(d))
		(void)pttree_settle(d);
	fake_machine.preempt = false;
	fake_end(victim);
	d = keep;
	fake_run(d);
	pttree_steps_max = 512;
}

START_TEST(death_half_way)
{
	uint64_t before = palloc_free_count();

	die_half_way(_i, false);
	die_half_way(_i, true);
	reclaim_flush_all();
	ck_assert_uint_eq(palloc_free_count(), before);
}
END_TEST

/* PR4: a forged count of what is left harms nobody. */
START_TEST(forged_continuation)
{
	struct tree t = big_tree(spare + 1);
	struct hypercall_args args = ext_args(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4));

	args.a[1] = 0x80000000;		/* nothing is left, says the guest */
	ck_assert_int_eq(fake_call(op_mmuext, args), 0);
	ck_assert_uint_eq(type_count(type(t.l4)), 0);
	args.a[1] = 0x80000001;
	ck_assert_int_eq(fake_call(op_mmuext, args), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), 0);
	tree_released(&t);
}
END_TEST

/* --- linear page tables --- */

START_TEST(LP1_self)
{
	struct tree t = big_tree(spare + 1);

	table(t.l4)[300] = pte_make(t.l4, RO);
	table(t.l3)[5] = pte_make(t.l3, RO);
	table(t.l2)[511] = pte_make(t.l2, RO);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), 0);
	fake_recount();
	ck_assert_uint_eq(type_linear(type(t.l4)), 0);
	/* A walk through it ends at no L1 table, and is not edited as one. */
	ck_assert(!ptcheck_walk(d, t.l4, 0xffff000000000000 | 300UL << 39 |
				7UL << 30 | 3UL << 21));
	ck_assert(ptcheck_walk(d, t.l4, 7UL << 39 | 3UL << 30));
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), 0);
	fake_recount();
	tree_released(&t);
}
END_TEST

START_TEST(LP1_self_writable)
{
	struct tree t = big_tree(spare + 1);

	table(t.l4)[300] = pte_make(t.l4, RW);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), -EINVAL);
	fake_recount();
	table(t.l4)[300] = 0;
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), 0);
	ck_assert_int_eq(update(slot_ptr(t.l4, 300), pte_make(t.l4, RW)), -EINVAL);
	ck_assert_int_eq(update(slot_ptr(t.l4, 300), pte_make(t.l4, RO)), 0);
	fake_recount();
	/* PT1: only the right to write changes. */
	ck_assert_int_eq(update(slot_ptr(t.l4, 300), pte_make(t.l4, RW)), -EINVAL);
	ck_assert_uint_eq(table(t.l4)[300] & PTE_RW, 0);
	ck_assert_int_eq(update(slot_ptr(t.l4, 300), 0), 0);
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), 0);
	tree_released(&t);
}
END_TEST

/* Three pinned, empty tables of one level. */
static void pin_three(mfn_t t[3], unsigned int level)
{
	for (unsigned int i = 0; i < 3; i++) {
		t[i] = retire(spare + 40 + i);
		ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_n(t[i])), 0);
	}
}

START_TEST(LP2_one_deep)
{
	unsigned int level = 2 + _i;
	mfn_t t[3];

	pin_three(t, level);
	ck_assert_int_eq(update(slot_ptr(t[0], 5), pte_make(t[1], RO)), 0);
	fake_recount();
	ck_assert_uint_eq(type_linear_out(type(t[0])), 1);
	ck_assert_uint_eq(type_linear_in(type(t[1])), 1);
	ck_assert_uint_eq(type_count(type(t[1])), 1);
	ck_assert_int_eq(update(slot_ptr(t[1], 5), pte_make(t[2], RO)), -EBUSY);
	ck_assert_int_eq(update(slot_ptr(t[1], 5), pte_make(t[0], RO)), -EBUSY);
	ck_assert_int_eq(update(slot_ptr(t[2], 5), pte_make(t[0], RO)), -EBUSY);
	ck_assert_int_eq(update(slot_ptr(t[2], 5), pte_make(t[1], RO)), 0);
	ck_assert_int_eq(update(slot_ptr(t[1], 6), pte_make(t[1], RO)), 0);
	fake_recount();
	ck_assert_int_eq(update(slot_ptr(t[0], 5), 0), 0);
	ck_assert_int_eq(update(slot_ptr(t[2], 5), 0), 0);
	ck_assert_int_eq(update(slot_ptr(t[1], 5), pte_make(t[0], RO)), 0);
	fake_recount();
}
END_TEST

/* LP3: interrupted in a table with linear entries, the counts are right. */
START_TEST(LP3_interrupted)
{
	struct tree t = big_tree(spare + 1);
	unsigned int steps, i;
	mfn_t o[3];

	pin_three(o, 2);
	for (i = 0; i < 300; i++)
		if (!table(t.l2)[i])
			table(t.l2)[i] = pte_make(o[i % 3], RO);
	for (steps = 1; steps < 600; steps += 50) {
		pttree_steps_max = steps;
		ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), 0);
		fake_recount();
		ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t.l4)), 0);
		fake_recount();
	}
	table(t.l2)[511] = pte_make(t.l4, RW);
	ck_assert_int_eq(ext(MMUEXT_PIN_L4_TABLE, mfn_n(t.l4)), -EBUSY);
	fake_recount();
	tree_released(&t);
}
END_TEST

/* LP4, LP5: through another level, into another domain. */
START_TEST(LP4_LP5_others)
{
	mfn_t t[3], l2 = retire(spare + 60);

	pin_three(t, 3);
	ck_assert_int_eq(ext(MMUEXT_PIN_L2_TABLE, mfn_n(l2)), 0);
	ck_assert_int_eq(update(slot_ptr(l2, 0), pte_make(t[0], RO)), -EBUSY);
	ck_assert_int_eq(update(slot_ptr(t[0], 0), pte_make(other->vcpu[0]->kernel_l4,
							    RO)), -EPERM);
	ck_assert_int_eq(update(slot_ptr(d->vcpu[0]->kernel_l4, 300),
				pte_make(other->vcpu[0]->kernel_l4, RO)), -EPERM);
	ck_assert_int_eq(update(slot_ptr(d->vcpu[0]->kernel_l4, 300),
				pte_make(l2, RO)), -EBUSY);
	fake_recount();
}
END_TEST

/* LP6: as many as the field holds, and no wrap. */
START_TEST(LP6_limit)
{
	struct frame *f;
	mfn_t t[3];

	pin_three(t, 2);
	ck_assert_int_eq(update(slot_ptr(t[0], 5), pte_make(t[1], RO)), 0);
	f = mfn_to_frame(t[1]);
	f->type += (TYPE_LINEAR_MAX - 1) << TYPE_LINEAR_SHIFT;
	ck_assert_int_eq(update(slot_ptr(t[0], 6), pte_make(t[1], RO)), -EBUSY);
	ck_assert_uint_eq(type_linear_in(f->type), TYPE_LINEAR_MAX);
	ck_assert_uint_eq(type_linear_out(type(t[0])), 1);
	f->type -= (TYPE_LINEAR_MAX - 1) << TYPE_LINEAR_SHIFT;
	fake_recount();
}
END_TEST

/*
 * LP7, seed 003 case 2: D is used by every directory as a page table, then
 * freed.  Another use is refused, with an error of its own, until the last link
 * has gone.
 */
START_TEST(LP7_freed_and_used_again)
{
	unsigned int level = 2 + _i;
	mfn_t t[3], page = fake_mfn(d, spare + 50);
	mfn_t l1 = retire(spare + 51);

	pin_three(t, level);
	if (level == 2) {	/* D maps something, which stays held with it */
		table(l1)[0] = pte_make(page, RW);
		ck_assert_int_eq(update(slot_ptr(t[2], 1), pte_make(l1, RW)), 0);
	}
	ck_assert_int_eq(update(slot_ptr(t[0], 5), pte_make(t[2], RO)), 0);
	ck_assert_int_eq(update(slot_ptr(t[1], 5), pte_make(t[2], RO)), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t[2])), 0);
	fake_recount();
	ck_assert_uint_eq(type_count(type(t[2])), 0);
	ck_assert_uint_eq(type_linear_in(type(t[2])), 2);
	if (level == 2)
		ck_assert_uint_eq(type_count(type(l1)), 1);
	ck_assert_int_eq(map(spare + 42, pte_make(t[2], RW)), -EMLINK);
	ck_assert_int_eq(ext(MMUEXT_PIN_L1_TABLE, mfn_n(t[2])), -EMLINK);
	ck_assert_int_eq(FAKE_CALL(op_share, 0, fake_va(spare + 42), 0, 0), -EBUSY);
	ck_assert_int_eq(update(slot_ptr(t[0], 5), 0), 0);
	ck_assert_int_eq(map(spare + 42, pte_make(t[2], RW)), -EMLINK);
	ck_assert_int_eq(update(slot_ptr(t[1], 5), 0), 0);
	fake_recount();
	if (level == 2)
		ck_assert_uint_eq(type_count(type(l1)), 0);
	ck_assert_int_eq(map(spare + 42, pte_make(t[2], RW)), 0);
}
END_TEST

/* The same, but it becomes a directory again while it is linked. */
START_TEST(LP7_back_again)
{
	mfn_t t[3];

	pin_three(t, 3);
	ck_assert_int_eq(update(slot_ptr(t[0], 5), pte_make(t[2], RO)), 0);
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t[2])), 0);
	ck_assert_int_eq(ext(MMUEXT_PIN_L3_TABLE, mfn_n(t[2])), 0);
	fake_recount();
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t[2])), 0);
	/* Its last user goes as a whole. */
	ck_assert_int_eq(ext(MMUEXT_UNPIN_TABLE, mfn_n(t[0])), 0);
	fake_recount();
	ck_assert_int_eq(map(spare + 42, pte_make(t[2], RW)), 0);
}
END_TEST

static TCase *tcase(const char *name)
{
	TCase *tc = suite_case(name);

	tcase_add_checked_fixture(tc, setup, teardown);
	return tc;
}

int main(void)
{
	TCase *parts = tcase("parts"), *linear = tcase("linear");

	tcase_add_loop_test(parts, in_parts, 0, 5);
	tcase_add_loop_test(parts, bad_leaf, 0, 2);
	tcase_add_test(parts, subtree_by_update);
	tcase_add_loop_test(parts, next_request_finds_it_free, 0, 2);
	tcase_add_loop_test(parts, abandoned, 0, 6);
	tcase_add_test(parts, refusal_abandoned);
	tcase_add_test(parts, base_loaded_first);
	tcase_add_test(parts, two_askers);
	tcase_add_test(parts, two_results_at_death);
	tcase_add_test(parts, death_undoes);
	tcase_add_loop_test(parts, abandoned_itself, 0, 6);
	tcase_add_loop_test(parts, abandoned_linked, 0, 2);
	tcase_add_loop_test(parts, death_half_way, 0, 16);
	tcase_add_test(parts, forged_continuation);
	tcase_add_test(linear, LP1_self);
	tcase_add_test(linear, LP1_self_writable);
	tcase_add_loop_test(linear, LP2_one_deep, 0, 3);
	tcase_add_test(linear, LP3_interrupted);
	tcase_add_test(linear, LP4_LP5_others);
	tcase_add_test(linear, LP6_limit);
	tcase_add_loop_test(linear, LP7_freed_and_used_again, 0, 3);
	tcase_add_test(linear, LP7_back_again);
	return suite_run();
}
