// SPDX-License-Identifier: MIT
// links: @machine tests/fake/fake_breaks.c
/*
 * Foreign entries (FOR1-FOR6): what the first domain may map of another, what
 * that holds, and the end of either; its tables and its grant table for the
 * builder.
 */
#include <check.h>
#include <errno.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include <xen/memory.h>

#include "dom/above.h"
#include "dom/die.h"
#include "dom/grant.h"
#include "dom/pages.h"
#include "dom/reclaim.h"
#include "dom/tracebuf.h"
#include "fake/fake_breaks.h"
#include "mm/palloc.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/pttree.h"
#include "unit/suite.h"

#define SLOTS	256u	/* of a run of pages of the first domain's */

static struct domain *first;	/* d and peer are guests */
static uint64_t spare;		/* pfn of that run; the first has requests */

static void setup_first(void)
{
	setup();
	first = fake_domain_first("first", 0);
	spare = fake_free_pfn(first);
}

static void end_first(void)
{
	if (first)
		fake_end(first);
	first = NULL;
}

static void end_all(void)
{
	fake_machine.on_flush = NULL;
	fake_check();
	end_first();
	teardown();
}

/* --- short names --- */

static struct mmu_update *request(unsigned int i)
{
	return (struct mmu_update *)fake_page(first, spare) + i;
}

static uint64_t entry_at(uint64_t slot)
{
	return maddr_n(virt_to_maddr(fake_pte(first, spare + slot)));
}

/* One request of the first domain's in the name of `whom`. */
static long ask(uint64_t ptr, uint64_t val, uint64_t whom)
{
	long r;

	fake_run(first);
	*request(0) = (struct mmu_update){ ptr, val };
	r = FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0, whom);
	reclaim_flush();
	return r;
}

static long map_of(struct domain *whom, uint64_t slot, mfn_t mfn, uint64_t flags)
{
	return ask(entry_at(slot), pte_make(mfn, flags), whom->id);
}

static long unmap(uint64_t slot)
{
	return ask(entry_at(slot), 0, DOMID_SELF);
}

static uint32_t count(mfn_t mfn)
{
	return type_count(mfn_to_frame(mfn)->type);
}

/* --- the plain way --- */

START_TEST(maps_and_unmaps)
{
	mfn_t theirs = fake_mfn(d, p), own = fake_mfn(first, spare + 1);
	uint32_t ref = fake_ref(theirs), types = count(theirs), mine = fake_ref(own);

	strcpy((char *)fake_page(d, p), "over there");
	ck_assert_int_eq(map_of(d, 1, theirs, RW), 0);
	ck_assert_str_eq((char *)fake_page(first, spare + 1), "over there");
	ck_assert_uint_eq(*fake_pte(first, spare + 1),
			  pte_make(theirs, RW | PTE_AVL_FOREIGN));
	ck_assert_uint_eq(fake_ref(theirs), ref + 1);
	ck_assert_uint_eq(count(theirs), types + 1);
	ck_assert_uint_eq(fake_ref(own), mine - 1);
	ck_assert_int_eq(map_of(d, 2, theirs, RO), 0);
	ck_assert_uint_eq(fake_ref(theirs), ref + 2);
	ck_assert_uint_eq(count(theirs), types + 1);
	ck_assert_uint_eq(first->foreign_entries, 2);
	fake_check();
	ck_assert_int_eq(unmap(1), 0);
	ck_assert_int_eq(unmap(2), 0);
	ck_assert_uint_eq(fake_ref(theirs), ref);
	ck_assert_uint_eq(count(theirs), types);
	ck_assert_uint_eq(first->foreign_entries, 0);
}
END_TEST

/* As Linux maps: some at once, one of them bad, and then the rest. */
START_TEST(in_batches)
{
	uint32_t *done;
	unsigned int i;

	fake_run(first);
	done = (uint32_t *)(fake_page(first, spare) + PAGE_SIZE - 4);
	for (i = 0; i < 100; i++)
		*request(i) = (struct mmu_update){
			entry_at(1 + i) | (i & 1 ? MMU_PT_UPDATE_NO_TRANSLATE : 0),
			pte_make(fake_mfn(d, p + i), RW) };
	request(60)->val = pte_make(fake_mfn(peer, p), RW);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 100,
				   fake_va(spare) + PAGE_SIZE - 4, d->id), -EPERM);
	ck_assert_uint_eq(*done, 60);
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare) + 61 * sizeof(*request(0)),
				   39, fake_va(spare) + PAGE_SIZE - 4, d->id), 0);
	ck_assert_uint_eq(*done, 39);
	ck_assert_uint_eq(first->foreign_entries, 99);
	fake_check();
	for (i = 0; i < 100; i++)
		ck_assert_int_eq(FAKE_CALL(op_update_va_mapping, fake_va(spare + 1 + i),
					   0, 0), 0);
	ck_assert_uint_eq(first->foreign_entries, 0);
}
END_TEST

/* Same frame, one kind of use after the other; the CPU's bits stay. */
START_TEST(overwritten)
{
	mfn_t theirs = fake_mfn(d, p), next = fake_mfn(d, p + 1);
	mfn_t own = fake_mfn(first, spare + 1);
	uint32_t ref = fake_ref(theirs), types = count(theirs);

	ck_assert_int_eq(map_of(d, 1, theirs, RW), 0);
	ck_assert_int_eq(map_of(d, 1, theirs, RO), 0);
	ck_assert_uint_eq(count(theirs), types);
	ck_assert_uint_eq(fake_ref(theirs), ref + 1);
	*fake_pte(first, spare + 1) |= PTE_D;
	ck_assert_int_eq(ask(entry_at(1) | MMU_PT_UPDATE_PRESERVE_AD,
			     pte_make(next, RO), d->id), 0);
	ck_assert(*fake_pte(first, spare + 1) & PTE_D);
	ck_assert_uint_eq(fake_ref(theirs), ref);
	/* A guest's own words: what the mark says stays as it is. */
	ck_assert_int_eq(ask(entry_at(1), pte_make(next, RO & ~PTE_A), DOMID_SELF), 0);
	ck_assert_uint_eq(*fake_pte(first, spare + 1),
			  pte_make(next, (RO & ~PTE_A) | PTE_AVL_FOREIGN));
	ck_assert_int_eq(ask(entry_at(1), pte_make(next, RW), DOMID_SELF), -EPERM);
	ck_assert_int_eq(ask(entry_at(1), pte_make(own, RW | PTE_AVL_FOREIGN),
			     DOMID_SELF), 0);
	ck_assert_uint_eq(*fake_pte(first, spare + 1), pte_make(own, RW));
	ck_assert_uint_eq(first->foreign_entries, 0);
}
END_TEST

/* FOR4 */
static mfn_t watched;
static uint32_t watched_ref;
static unsigned int watched_flushes;

static void still_held(void)
{
	watched_flushes++;
	ck_assert_uint_eq(fake_ref(watched), watched_ref);
}

START_TEST(held_until_the_flush)
{
	watched = fake_mfn(d, p);
	ck_assert_int_eq(map_of(d, 1, watched, RW), 0);
	watched_ref = fake_ref(watched);
	watched_flushes = 0;
	fake_machine.flushed = 0;
	fake_machine.on_flush = still_held;
	ck_assert_int_eq(unmap(1), 0);
	fake_machine.on_flush = NULL;
	ck_assert_uint_eq(watched_flushes, 1);
	ck_assert_uint_eq(fake_machine.flushed, 1);
	ck_assert_uint_eq(fake_ref(watched), watched_ref - 1);
}
END_TEST

/* More entries than may wait go in one call. */
START_TEST(many_at_once)
{
	uint32_t ref = fake_ref(fake_mfn(d, p));
	unsigned int i;

	for (i = 1; i < SLOTS; i++)
		ck_assert_int_eq(map_of(d, i, fake_mfn(d, p), RW), 0);
	for (i = 1; i < SLOTS; i++)
		*request(i - 1) = (struct mmu_update){ entry_at(i), 0 };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), SLOTS - 1, 0,
				   DOMID_SELF), 0);
	reclaim_flush();
	ck_assert_uint_eq(fake_ref(fake_mfn(d, p)), ref);
}
END_TEST

/* --- what is refused --- */

START_TEST(refused)
{
	mfn_t theirs = fake_mfn(d, p), table = virt_to_mfn(fake_pte(d, p));
	mfn_t trace = fake_trace(d), info = virt_to_mfn(d->shared_info);

	ck_assert_int_eq(map_of(d, 1, fake_mfn(first, spare + 2), RW), -EPERM);
	ck_assert_int_eq(map_of(d, 1, fake_mfn(peer, p), RO), -EPERM);
	ck_assert_int_eq(map_of(d, 1, MFN(1UL << 30), RO), -EINVAL);
	ck_assert_int_eq(map_of(d, 1, theirs, RW | PTE_PCD), -EINVAL);
	ck_assert_int_eq(map_of(d, 1, theirs, RW | PTE_PSE), -EINVAL);
	/* a table and a descriptor page: for reading */
	ck_assert_int_eq(map_of(d, 1, table, RW), -EBUSY);
	ck_assert_int_eq(map_of(d, 1, table, RO), 0);
	ck_assert_int_eq(map_of(d, 1, d->vcpu[0]->kernel_l4, RW), -EBUSY);
	/* pages of the heap, as their owner may */
	ck_assert_int_eq(map_of(d, 1, trace, RW), -EPERM);
	ck_assert_int_eq(map_of(d, 1, trace, RO), 0);
	ck_assert_int_eq(map_of(d, 1, info, RW), 0);
	fake_check();
	/* no table is made of them */
	ck_assert_int_eq(ask(mfn_n(first->vcpu[0]->kernel_l4) << PAGE_SHIFT,
			     pte_make(theirs, RW), d->id), -EPERM);
	ck_assert_int_eq(unmap(1), 0);
}
END_TEST

START_TEST(who_may)
{
	uint64_t ptr = entry_at(1), val = pte_make(fake_mfn(d, p), RW);

	ck_assert_int_eq(ask(ptr, val, first->id), -ESRCH);
	ck_assert_int_eq(ask(ptr, val, 77), -ESRCH);
	ck_assert_int_eq(ask(ptr, val, DOMID_IO), -EPERM);
	ck_assert_int_eq(ask(ptr, val, DOMID_XEN), -EPERM);
	ck_assert_int_eq(ask(ptr, val, DOMID_ORPHAN), -ESRCH);
	/* whose tables: the caller's, by number + 1 */
	ck_assert_int_eq(ask(ptr, val, (first->id + 1U) << 16 | d->id), 0);
	ck_assert_int_eq(ask(ptr, val, (d->id + 1U) << 16 | d->id), -EPERM);
	ck_assert_int_eq(ask(ptr, val, 78U << 16 | d->id), -ESRCH);
	ck_assert_int_eq(unmap(1), 0);
}
END_TEST

/* A guest, in the first domain's name, another's, its own. */
START_TEST(guests_may_not)
{
	uint64_t ptr = maddr_n(virt_to_maddr(fake_pte(d, p)));
	struct mmu_update *req = (void *)fake_page(d, scratch);
	unsigned int cmd;

	fake_run(d);
	for (cmd = 0; cmd < 4; cmd++) {
		*req = (struct mmu_update){ ptr | cmd, pte_make(fake_mfn(peer, p), RO) };
		ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
					   first->id), -EPERM);
		ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
					   peer->id), -EPERM);
		ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
					   d->id), -ESRCH);
		ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
					   77), -ESRCH);
	}
	*req = (struct mmu_update){ ptr, *fake_pte(d, p) | PTE_AVL_FOREIGN };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(scratch), 1, 0,
				   DOMID_SELF), 0);
	ck_assert(!(*fake_pte(d, p) & PTE_AVL_FOREIGN));
}
END_TEST

/* FOR2: what is mapped cannot be shared, nor offered by who mapped it. */
START_TEST(not_shared_meanwhile)
{
	ck_assert_int_eq(map_of(d, 1, fake_mfn(d, p), RO), 0);
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_single, fake_va(spare + 1)),
			 -EPERM);
	fake_run(d);
	fill(d, p, 7);
	ck_assert_int_eq(offer(p, 0), SHARE_OTHER_MAPPING);
	ck_assert(writable(p));
	ck_assert_int_eq(unmap(1), 0);
	fake_run(d);
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
}
END_TEST

/* --- a share is broken first --- */

START_TEST(share_broken)
{
	bool write = _i;
	mfn_t old, now;

	fake_run(d);
	break_first();
	old = shared(p, 5, true);
	ck_assert_int_eq(map_of(d, 1, old, write ? RW : RO), 0);
	now = fake_mfn(first, spare + 1);
	ck_assert(!mfn_eq(now, old));
	while (pttree_settle(d))	/* as d's vCPU would */
		;
	ck_assert(mfn_eq(fake_mfn(d, p), now));
	ck_assert(filled(fake_page(d, p), 5));
	ck_assert(filled(fake_page(first, spare + 1), 5));
	ck_assert(mfn_eq(fake_mfn(peer, p), old));
	ck_assert_uint_eq(fake_kind(now), FRAME_OWNED);
	fake_check();
	ck_assert_int_eq(unmap(1), 0);
	ck_assert_int_eq(map_of(d, 1, old, RO), -EPERM);
}
END_TEST

/* K2: the owner's one vCPU runs on another CPU meanwhile. */
static bool seen_held;

static void see_held(void)
{
	if (!seen_held)	/* the first flush, before a name changes */
		ck_assert(mfn_eq(fake_mfn(d, p), watched));
	seen_held |= d->pending.renames.held;
}

START_TEST(owner_held)
{
	fake_run(d);
	break_first();
	watched = shared(p, 5, true);
	fake_run(first);
	d->cpu_mask = 2;
	seen_held = false;
	fake_machine.flushed = 0;
	fake_machine.on_flush = see_held;
	*request(0) = (struct mmu_update){ entry_at(1), pte_make(watched, RO) };
	ck_assert_int_eq(FAKE_CALL(op_mmu_update, fake_va(spare), 1, 0, d->id), 0);
	fake_machine.on_flush = NULL;
	ck_assert(seen_held && (fake_machine.flushed & 2));
	while (pttree_settle(d))
		;
	d->cpu_mask = 0;
	ck_assert_int_eq(unmap(1), 0);
}
END_TEST

/* One that breaks shares itself has its names as they are. */
START_TEST(share_refused)
{
	mfn_t old;

	fake_run(d);
	old = shared(p, 5, true);
	ck_assert_int_eq(map_of(d, 1, old, RW), -EBUSY);
	ck_assert_int_eq(map_of(d, 1, old, RO), -EBUSY);
	ck_assert(mfn_eq(fake_mfn(d, p), old));
}
END_TEST

/* --- the end of either --- */

/* The owner goes: its pages stay for who maps them, the heap's, too. */
START_TEST(owner_dies)
{
	mfn_t theirs = fake_mfn(peer, p), table = virt_to_mfn(fake_pte(peer, p));
	mfn_t info = virt_to_mfn(peer->shared_info);

	strcpy((char *)fake_page(peer, p), "last words");
	ck_assert_int_eq(map_of(peer, 1, theirs, RW), 0);
	ck_assert_int_eq(map_of(peer, 2, table, RO), 0);
	ck_assert_int_eq(map_of(peer, 3, info, RW), 0);
	fake_end(peer);
	ck_assert_uint_eq(reclaim_orphans(), 3);
	fake_check();
	ck_assert_str_eq((char *)fake_page(first, spare + 1), "last words");
	strcpy((char *)fake_page(first, spare + 3), "to nobody");
	ck_assert_int_eq(unmap(1), 0);
	ck_assert_int_eq(unmap(2), 0);
	ck_assert_int_eq(unmap(3), 0);
	ck_assert_uint_eq(reclaim_orphans(), 0);
	fake_check();
	peer = fake_domain("g", 200);
}
END_TEST

START_TEST(mapper_dies)
{
	mfn_t theirs = fake_mfn(d, p);
	uint32_t ref = fake_ref(theirs), info = fake_ref(virt_to_mfn(d->shared_info));

	ck_assert_int_eq(map_of(d, 1, theirs, RW), 0);
	ck_assert_int_eq(map_of(d, 2, theirs, RO), 0);
	ck_assert_int_eq(map_of(d, 3, virt_to_mfn(d->shared_info), RW), 0);
	end_first();
	ck_assert_uint_eq(fake_ref(theirs), ref);
	ck_assert_uint_eq(fake_ref(virt_to_mfn(d->shared_info)), info);
	fake_run(d);
	fill(d, p, 3);
	ck_assert_int_eq(offer(p, 0), SHARE_DONE);
}
END_TEST

/* Both, at once: the reaper's steps take turns. */
START_TEST(both_die)
{
	ck_assert_int_eq(map_of(peer, 1, fake_mfn(peer, p), RW), 0);
	ck_assert_int_eq(map_of(peer, 2, virt_to_mfn(peer->shared_info), RW), 0);
	fake_run(NULL);
	domain_end(first);
	domain_end(peer);
	while (reaper_step())
		;
	fake_forget(first);
	fake_forget(peer);
	first = NULL;
	ck_assert_uint_eq(reclaim_orphans(), 0);
	fake_check();
	peer = fake_domain("g", 200);
}
END_TEST

/* Of one that dies nothing more is mapped. */
START_TEST(not_of_the_dying)
{
	mfn_t theirs = fake_mfn(peer, p);

	domain_end(peer);
	ck_assert_int_eq(map_of(peer, 1, theirs, RO), -ESRCH);
	while (reaper_step())
		;
	fake_forget(peer);
	ck_assert_int_eq(map_of(d, 1, theirs, RO), -EPERM);
	peer = fake_domain("g", 200);
}
END_TEST

/* The table that has the entries is given up. */
START_TEST(table_dropped)
{
	mfn_t theirs = fake_mfn(d, p), table;
	struct mmuext_op *op;
	uint32_t ref = fake_ref(theirs);

	fake_run(first);
	table = fake_mfn(first, spare + 5);
	memset(fake_page(first, spare + 5), 0, PAGE_SIZE);
	ck_assert_int_eq(map(spare + 5, pte_make(table, RO)), 0);
	op = (void *)fake_page(first, spare);
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_n(table) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF), 0);
	ck_assert_int_eq(ask((mfn_n(table) << PAGE_SHIFT) + 8, pte_make(theirs, RW),
			     d->id), 0);
	ck_assert_uint_eq(fake_ref(theirs), ref + 1);
	fake_check();
	*op = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE, .arg1.mfn = mfn_n(table) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF), 0);
	reclaim_flush();
	ck_assert_uint_eq(fake_ref(theirs), ref);
	ck_assert_uint_eq(first->foreign_entries, 0);
	/* What is left in it is no entry: it names what is not first's own. */
	*op = (struct mmuext_op){ .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = mfn_n(table) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, DOMID_SELF), -EPERM);
}
END_TEST

/* --- its tables, as the builder makes them --- */

static long ext_of(struct domain *whom, unsigned int cmd, mfn_t mfn, mfn_t from)
{
	struct mmuext_op *op;

	fake_run(first);
	op = (void *)fake_page(first, spare);
	*op = (struct mmuext_op){ .cmd = cmd, .arg1.mfn = mfn_n(mfn),
				  .arg2.src_mfn = mfn_n(from) };
	return FAKE_CALL(op_mmuext, fake_va(spare), 1, 0, whom->id);
}

#define TREE	6	/* pages p + TREE ..: L4, L3, L2, L1s */
#define L1S	5

/*
 * A tree for d, written through foreign entries; d itself, which never runs,
 * maps none of its pages writable.
 */
static mfn_t tree_build(void)
{
	mfn_t page[3 + L1S];
	unsigned int i, slot;

	fake_run(d);
	for (i = 0; i < 3 + L1S; i++) {
		page[i] = fake_mfn(d, p + TREE + i);
		ck_assert_int_eq(map(p + TREE + i, pte_make(page[i], RO)), 0);
	}
	for (i = 0; i < 3 + L1S; i++) {
		ck_assert_int_eq(map_of(d, 1 + i, page[i], RW), 0);
		memset(fake_page(first, spare + 1 + i), 0, PAGE_SIZE);
	}
	((pte_t *)fake_page(first, spare + 1))[3] = pte_make(page[1], RW);
	((pte_t *)fake_page(first, spare + 2))[7] = pte_make(page[2], RW);
	for (i = 0; i < L1S; i++) {
		((pte_t *)fake_page(first, spare + 3))[i * 100] = pte_make(page[3 + i], RW);
		for (slot = 0; slot < PT_SLOTS; slot++)
			((pte_t *)fake_page(first, spare + 4 + i))[slot] =
				pte_make(fake_mfn(d, p + 1), RW);
	}
	return page[0];
}

static void tree_unmap(void)
{
	unsigned int i;

	for (i = 0; i < 3 + L1S; i++)
		ck_assert_int_eq(unmap(1 + i), 0);
}

/* In parts of any length; while one page is mapped writable, it is refused. */
START_TEST(pins)
{
	mfn_t root = tree_build();

	pttree_steps_max = _i ? 7 : 512;
	fake_machine.slow = _i;
	ck_assert_int_eq(ext_of(d, MMUEXT_PIN_L4_TABLE, root, MFN(0)), -EBUSY);
	fake_check();
	tree_unmap();
	ck_assert_int_eq(ext_of(d, MMUEXT_PIN_L4_TABLE, root, MFN(0)), 0);
	ck_assert(mfn_to_frame(root)->type & TYPE_PINNED);
	ck_assert_uint_eq(d->pending.outside.state, PT_NONE);
	fake_check();
	ck_assert_int_eq(map_of(d, 1, root, RW), -EBUSY);
	ck_assert_int_eq(ext_of(d, MMUEXT_PIN_L4_TABLE, root, MFN(0)), -EINVAL);
	ck_assert_int_eq(ext_of(peer, MMUEXT_UNPIN_TABLE, root, MFN(0)), -EPERM);
	ck_assert_int_eq(ext_of(d, MMUEXT_UNPIN_TABLE, root, MFN(0)), 0);
	ck_assert_uint_eq(count(root), 0);
	fake_machine.slow = false;
}
END_TEST

/* A bad entry: all is as it was. */
START_TEST(pin_refused)
{
	mfn_t root = tree_build();

	((pte_t *)fake_page(first, spare + 5))[9] = pte_make(fake_mfn(first, spare + 20), RO);
	tree_unmap();
	pttree_steps_max = 7;
	ck_assert_int_eq(ext_of(d, MMUEXT_PIN_L4_TABLE, root, MFN(0)), -EPERM);
	ck_assert_uint_eq(count(root), 0);
}
END_TEST

/* The domain dies while the first one waits for its tree. */
START_TEST(pin_of_the_dying)
{
	struct hypercall_args args = { .a = { fake_va(spare), 1, 0, d->id } };
	mfn_t root = tree_build();

	tree_unmap();
	pttree_steps_max = 7;
	fake_machine.preempt = true;
	*(struct mmuext_op *)fake_page(first, spare) = (struct mmuext_op){
		.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = mfn_n(root) };
	ck_assert_int_eq(op_mmuext(&args), -ERESTART);
	ck_assert(pttree_work_left(d));
	fake_machine.preempt = false;
	while (_i && pttree_settle(d))	/* d itself does it all; nobody asks */
		;
	ck_assert_int_eq(d->pending.outside.state, _i ? PT_VALIDATED : PT_NONE);
	domain_end(d);
	ck_assert_int_eq(op_mmuext(&args), -EINVAL);
	while (reaper_step())
		;
	fake_forget(d);
	fake_check();
	d = fake_domain("g", 200);
}
END_TEST

START_TEST(pages_written)
{
	mfn_t to = fake_mfn(d, p), from = fake_mfn(d, p + 1);

	fill(d, p, 3);
	fill(d, p + 1, 4);
	ck_assert_int_eq(ext_of(d, MMUEXT_COPY_PAGE, to, from), 0);
	ck_assert(filled(fake_page(d, p), 4));
	ck_assert_int_eq(ext_of(d, MMUEXT_CLEAR_PAGE, to, MFN(0)), 0);
	ck_assert_uint_eq(*(uint64_t *)fake_page(d, p), 0);
	ck_assert_int_eq(ext_of(d, MMUEXT_COPY_PAGE, to, fake_mfn(first, spare)), -EPERM);
	ck_assert_int_eq(ext_of(d, MMUEXT_CLEAR_PAGE, fake_mfn(first, spare), MFN(0)),
			 -EPERM);
	ck_assert_int_eq(ext_of(d, MMUEXT_CLEAR_PAGE, virt_to_mfn(fake_pte(d, p)), MFN(0)),
			 -EBUSY);
}
END_TEST

/* What is on the caller's own state has no other domain's name. */
START_TEST(ext_refused)
{
	mfn_t l4 = d->vcpu[0]->kernel_l4;
	struct mmuext_op *op;
	unsigned int cmd;

	for (cmd = MMUEXT_NEW_BASEPTR; cmd <= MMUEXT_FLUSH_CACHE_GLOBAL; cmd++)
		if (cmd != MMUEXT_CLEAR_PAGE && cmd != MMUEXT_COPY_PAGE)
			ck_assert_int_eq(ext_of(d, cmd, l4, MFN(0)),
					 cmd == MMUEXT_UNPIN_TABLE ? -EINVAL : -EPERM);
	ck_assert_int_eq(ext_of(d, 60, l4, MFN(0)), -ENOSYS);
	ck_assert_int_eq(ext_of(first, MMUEXT_CLEAR_PAGE, l4, MFN(0)), -ESRCH);
	/* a guest: of whatever, before any request is looked at */
	fake_run(d);
	op = (void *)fake_page(d, scratch);
	*op = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE,
				  .arg1.mfn = mfn_n(peer->vcpu[0]->kernel_l4) };
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0, peer->id), -EPERM);
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(scratch), 0, 0, first->id), -EPERM);
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0, d->id), -ESRCH);
	ck_assert_int_eq(FAKE_CALL(op_mmuext, fake_va(scratch), 1, 0, 77), -ESRCH);
}
END_TEST

/* MMU_MACHPHYS_UPDATE: in the owner's view, not in the caller's. */
START_TEST(names_its_pages)
{
	mfn_t theirs = fake_mfn(d, p);

	ck_assert_int_eq(ask((mfn_n(theirs) << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, 4711,
			     d->id), 0);
	ck_assert_uint_eq(pfn_n(m2p_get(&d->m2p, theirs)), 4711);
	ck_assert(pfn_eq(m2p_get(&first->m2p, theirs), INVALID_PFN));
	ck_assert_int_eq(ask((mfn_n(fake_mfn(first, spare)) << PAGE_SHIFT) |
			     MMU_MACHPHYS_UPDATE, 4711, d->id), -EPERM);
}
END_TEST

/* --- the grant table, as a resource --- */

static long acquire(struct xen_mem_acquire_resource in)
{
	struct xen_mem_acquire_resource *r;
	long rc;

	fake_run(first);
	r = (void *)fake_page(first, spare);
	*r = in;
	rc = FAKE_CALL(op_memory, XENMEM_acquire_resource, fake_va(spare));
	return rc ?: (long)r->nr_frames;
}

#define LIST	((void *)(fake_va(spare) + 512))

static struct xen_mem_acquire_resource grants_of(struct domain *whom, uint64_t frame,
						 uint32_t count)
{
	struct xen_mem_acquire_resource r = {
		.domid = whom->id, .type = XENMEM_resource_grant_table,
		.frame = frame, .nr_frames = count, .frame_list.p = LIST,
	};

	return r;
}

START_TEST(grant_table_acquired)
{
	uint64_t *list = (uint64_t *)(fake_page(first, spare) + 512);
	struct grant_entry_v1 *e;

	/* It grows as far as is asked for, and is the domain's all the same. */
	ck_assert_int_eq(acquire(grants_of(d, 30, 2)), 2);
	ck_assert_uint_eq(d->grant->frame_count, 32);
	ck_assert_uint_eq(list[1], mfn_n(virt_to_mfn(d->grant->frames[31])));
	ck_assert_int_eq(acquire(grants_of(d, 0, 1)), 1);
	ck_assert_int_eq(map_of(d, 1, MFN(list[0]), RW), 0);
	e = (void *)fake_page(first, spare + 1);
	e[0] = (struct grant_entry_v1){ GTF_permit_access, first->id, 5 };
	e = d->grant->frames[0];
	ck_assert_uint_eq(e[0].frame, 5);
	fake_check();
	ck_assert_int_eq(unmap(1), 0);
	ck_assert_int_eq(acquire(grants_of(d, 5, 0)), 0);
}
END_TEST

START_TEST(resource_size)
{
	struct xen_mem_acquire_resource r = grants_of(d, 0, 0);

	r.frame_list.p = NULL;
	ck_assert_int_eq(acquire(r), GRANT_FRAMES_MAX);
	r.nr_frames = 1;
	ck_assert_int_eq(acquire(r), -EINVAL);
	r.nr_frames = 0;
	r.id = XENMEM_resource_grant_table_id_status;
	ck_assert_int_eq(acquire(r), -EINVAL);		/* version 1 */
	ck_assert_int_eq(grant_set_version(d, 2), 0);
	ck_assert_int_eq(acquire(r), GRANT_STATUS_FRAMES_MAX);
	r = grants_of(d, 1, 1);
	r.id = XENMEM_resource_grant_table_id_status;
	ck_assert_int_eq(acquire(r), 1);
	ck_assert_uint_eq(((uint64_t *)fake_page(first, spare))[64],
			  mfn_n(virt_to_mfn(d->grant->status[1])));
}
END_TEST

START_TEST(resource_refused)
{
	struct xen_mem_acquire_resource r = grants_of(d, 0, 1);

	ck_assert_int_eq(acquire(grants_of(first, 0, 1)), -EPERM);
	ck_assert_int_eq(acquire(grants_of(d, 31, 2)), -EINVAL);
	ck_assert_int_eq(acquire(grants_of(d, 32, 1)), -EINVAL);
	ck_assert_int_eq(acquire(grants_of(d, ~0UL, 1)), -EINVAL);
	ck_assert_int_eq(acquire(grants_of(d, 1UL << 32, 1)), -EINVAL);
	r.pad = 1;
	ck_assert_int_eq(acquire(r), -EINVAL);
	r = grants_of(d, 0, 1);
	r.type = XENMEM_resource_ioreq_server;
	ck_assert_int_eq(acquire(r), -EINVAL);
	r = grants_of(d, 0, 1);
	r.id = 2;
	ck_assert_int_eq(acquire(r), -EINVAL);
	r = grants_of(d, 0, 1);
	r.domid = 77;
	ck_assert_int_eq(acquire(r), -ESRCH);
	r = grants_of(d, 0, 1);
	r.frame_list.p = (void *)8;
	ck_assert_int_eq(acquire(r), -EFAULT);
	fake_run(d);
	*(struct xen_mem_acquire_resource *)fake_page(d, scratch) = grants_of(peer, 0, 1);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_acquire_resource, fake_va(scratch)),
			 -EPERM);
	*(struct xen_mem_acquire_resource *)fake_page(d, scratch) = grants_of(d, 0, 1);
	ck_assert_int_eq(FAKE_CALL(op_memory, XENMEM_acquire_resource, fake_va(scratch)),
			 -EPERM);
}
END_TEST

int main(void)
{
	TCase *plain = suite_case("plain"), *build = suite_case("build"), *ends = suite_case("ends");

	tcase_add_checked_fixture(plain, setup_first, end_all);
	tcase_add_test(plain, maps_and_unmaps);
	tcase_add_test(plain, in_batches);
	tcase_add_test(plain, overwritten);
	tcase_add_test(plain, held_until_the_flush);
	tcase_add_test(plain, many_at_once);
	tcase_add_test(plain, refused);
	tcase_add_test(plain, who_may);
	tcase_add_test(plain, guests_may_not);
	tcase_add_test(plain, not_shared_meanwhile);
	tcase_add_loop_test(plain, share_broken, 0, 2);
	tcase_add_test(plain, owner_held);
	tcase_add_test(plain, share_refused);
	tcase_add_checked_fixture(build, setup_first, end_all);
	tcase_add_loop_test(build, pins, 0, 2);
	tcase_add_test(build, pin_refused);
	tcase_add_loop_test(build, pin_of_the_dying, 0, 2);
	tcase_add_test(build, pages_written);
	tcase_add_test(build, ext_refused);
	tcase_add_test(build, names_its_pages);
	tcase_add_test(build, grant_table_acquired);
	tcase_add_test(build, resource_size);
	tcase_add_test(build, resource_refused);
	tcase_add_checked_fixture(ends, setup_first, end_all);
	tcase_add_test(ends, owner_dies);
	tcase_add_test(ends, mapper_dies);
	tcase_add_test(ends, both_die);
	tcase_add_test(ends, not_of_the_dying);
	tcase_add_test(ends, table_dropped);
	return suite_run();
}
