// SPDX-License-Identifier: MIT
// links: @machine
/*
 * Fuzzes page tables: pins, base pointers, entries of all levels with frames of
 * every kind, linear links, pages given back, sharing, continuations cut at
 * random and calls that nobody comes back for, a domain's death at any time;
 * every other domain breaks its shares first (pv/ptbreak.c).  After each round
 * all counts equal a recount.
 *
 *	mmu SEED OPERATIONS
 */
#include <check.h>	/* before port.h: both define noreturn */
#include <errno.h>
#include <port.h>
#include <stdio.h>
#include <string.h>

#include <xen/memory.h>

#include "abi/share.h"
#include "fake/fake_machine.h"
#include "fuzz/fuzz.h"
#include "fuzz/meanwhile.h"
#include "mm/pagetype.h"
#include "offer/mode.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "sharing/sharing.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

#define PLAYED	24u		/* pages that become tables, and pages again */
#define LIST	(PLAYED + 2)	/* and from here two pages with the p2m list, */
#define ALIASES	(PLAYED + 8)	/* second names of played pages */
#define ROUND	500u
#define RO	(PTE_P | PTE_US | PTE_A)
#define RW	(RO | PTE_RW | PTE_D)

static struct domain *d, *other;
static uint64_t base;		/* pfn of the first; base - 1 holds arguments */
static uint64_t calls, refused, deaths, breaks;

static uint64_t some_pfn(void)
{
	return base + fuzz_below(PLAYED);
}

static mfn_t some_mfn(void)
{
	switch (fuzz_below(24)) {
	case 0: return fake_mfn(other, base);
	case 1: return virt_to_mfn(d->shared_info);
	case 2: return MFN(fuzz_below(mfn_n(frame_max_mfn) + 10));
	case 3: return d->vcpu[0]->kernel_l4;
	case 4: return MFN(~0UL >> fuzz_below(40));
	default: return fake_mfn(d, some_pfn());
	}
}

static pte_t some_entry(void)
{
	static const uint64_t odd[] = { PTE_PSE, PTE_PCD, PTE_NX, 1UL << 62,
					PTE_G, PTE_AVL_SHARED };
	pte_t e = pte_make(some_mfn(), fuzz_below(3) ? RO : RW);

	if (!fuzz_below(6))
		return 0;
	return fuzz_below(20) ? e : e | odd[fuzz_below(ARRAY_COUNT(odd))];
}

static struct hypercall_args args_of(const void *request, size_t bytes)
{
	memcpy(fake_page(d, base - 1), request, bytes);
	return (struct hypercall_args){
		.a = { fake_va(base - 1), 1, 0, DOMID_SELF } };
}

/* All that is half-way; now and then the audit looks in between. */
static void settle(void)
{
	uint64_t cross;

	while (pttree_work_left(d)) {
		if (d->pending.renames.count && !fuzz_below(200))
			ck_assert_uint_eq(audit_machine(&cross), 0);
		audit_meanwhile();
		(void)pttree_settle(d);
	}
	this_cpu()->pte_steps = 0;
}

/* Make the call; now and then only one part of it. */
static void call(hypercall_fn fn, struct hypercall_args args)
{
	long r;

	pttree_steps_max = fuzz_below(4) ? 512 : 1 + fuzz_below(700);
	if (pttree_steps_max > 512)
		pttree_steps_max = 512;
	fake_machine.preempt = !fuzz_below(4);
	if (fuzz_below(8)) {
		r = fake_call(fn, args);
	} else {
		r = fn(&args);
		settle();
	}
	fake_machine.preempt = false;
	calls++;
	refused += r < 0;
}

static void do_ext(void)
{
	static const unsigned int cmds[] = {
		MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE,
		MMUEXT_PIN_L4_TABLE, MMUEXT_UNPIN_TABLE, MMUEXT_UNPIN_TABLE,
		MMUEXT_NEW_USER_BASEPTR, MMUEXT_CLEAR_PAGE, MMUEXT_COPY_PAGE,
	};
	struct mmuext_op op = { .cmd = cmds[fuzz_below(ARRAY_COUNT(cmds))],
				.arg1.mfn = mfn_n(some_mfn()) };

	op.arg2.src_mfn = mfn_n(some_mfn());
	if (op.cmd == MMUEXT_NEW_USER_BASEPTR && fuzz_below(2))
		op.arg1.mfn = 0;
	call(op_mmuext, args_of(&op, sizeof(op)));
}

static void do_update(void)
{
	struct mmu_update req = { .val = some_entry() };
	mfn_t mfn = some_mfn();

	/* In the loaded tree, the half that maps nothing of ours. */
	req.ptr = (mfn_n(mfn) << PAGE_SHIFT) +
		  (mfn_eq(mfn, d->vcpu[0]->kernel_l4) ? 256 + fuzz_below(255) :
						  fuzz_below(512)) * 8;
	if (!fuzz_below(10))
		req.ptr += fuzz_below(8);
	call(op_mmu_update, args_of(&req, sizeof(req)));
}

static void do_map(void)
{
	uint64_t pfn = some_pfn();
	mfn_t mfn = fake_mfn(d, pfn);

	call(op_update_va_mapping, (struct hypercall_args){
		.a = { fake_va(pfn), pte_make(mfn, fuzz_below(2) ? RW : RO), 0 } });
}

/* A second name for a page. */
static void do_alias(void)
{
	uint64_t e = pte_make(fake_mfn(d, some_pfn()), fuzz_below(3) ? RO : RW);

	call(op_update_va_mapping, (struct hypercall_args){
		.a = { fake_va(base + ALIASES + fuzz_below(8)),
		       fuzz_below(3) ? e : 0, 0 } });
}

/*
 * What a kernel does before a page becomes a table: fill it, take away the
 * right to write.
 */
static void do_fill(void)
{
	uint64_t pfn = some_pfn();
	unsigned int n = fuzz_below(3) ? fuzz_below(8) : 512, i;
	pte_t *p;

	if (!(*fake_pte(d, pfn) & PTE_RW))
		return;
	p = (pte_t *)fake_page(d, pfn);
	memset(p, 0, PAGE_SIZE);
	for (i = 0; i < n; i++)
		p[fuzz_below(512)] = some_entry();
}

static void do_share(void)
{
	call(op_share, (struct hypercall_args){
		.a = { SHAREOP_single, fake_va(some_pfn()), 0, 0 } });
}

static void do_unshare(void)
{
	struct shareop_entry e = { .pte = { fake_va(some_pfn()) }, .nr_ptes = 1 };

	memcpy(fake_page(d, base - 1), &e, sizeof(e));
	call(op_share, (struct hypercall_args){
		.a = { SHAREOP_unshare, fake_va(base - 1), 1, 0 } });
}

/* The other domain gets the same bytes, and shares them. */
static void do_share_both(void)
{
	uint64_t pfn = some_pfn(), at = base + fuzz_below(PLAYED);
	bool known = *fake_pte(d, pfn) & PTE_P;

	if (!(*fake_pte(other, at) & PTE_RW) || !known)
		return;
	memcpy(fake_page(other, at), fake_page(d, pfn), PAGE_SIZE);
	fake_run(other);
	(void)FAKE_CALL(op_share, SHAREOP_single, fake_va(at));
	fake_run(d);
	call(op_share, (struct hypercall_args){
		.a = { SHAREOP_single, fake_va(pfn), 0, 0 } });
	if (fuzz_below(2))
		return;
	call(op_update_va_mapping, (struct hypercall_args){
		.a = { fake_va(base + ALIASES + fuzz_below(8)),
		       pte_make(fake_mfn(d, pfn), RO), 0 } });
}

static void do_other_unshares(void)
{
	uint64_t at = base + fuzz_below(PLAYED);
	pte_t e = *fake_pte(other, at);

	fake_run(other);
	/*
	 * Where it is the last holder it has the page again; else it takes a
	 * new one.
	 */
	if ((e & PTE_AVL_SHARED) &&
	    FAKE_CALL(op_update_va_mapping, fake_va(at),
		      pte_make(pte_mfn(e), RW))) {
		struct shareop_entry s = { .pte = { fake_va(at) }, .nr_ptes = 1 };

		memcpy(fake_page(other, base - 1), &s, sizeof(s));
		(void)FAKE_CALL(op_share, SHAREOP_unshare, fake_va(base - 1),
				1);
	}
	fake_run(d);
}

/* Outputs of hypercalls, or a guest's own writes; several before it goes on. */
static bool do_write(void)
{
	unsigned int n = 1 + fuzz_below(3);
	uint64_t before = d->pending.renames.count;

	pttree_steps_max = 1 + fuzz_below(512);
	while (n--)
		(void)!clear_guest(fake_va(base + fuzz_below(ALIASES + 8)) +
				   8 * fuzz_below(512), 8);
	breaks += d->pending.renames.count > before;
	if (d->pending.renames.count && !fuzz_below(20))
		return true;	/* it dies half-way */
	settle();
	return false;
}

static void domain_new(void)
{
	struct shareop_mode m = {
		.version = SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST,
		.p2m = fake_va(base + LIST), .p2m_entries = 1024,
	};

	d = fake_domain("g", 100);
	if (!fuzz_below(2))
		return;
	memcpy(fake_page(d, base - 1), &m, sizeof(m));
	ck_assert_int_eq(FAKE_CALL(op_share, SHAREOP_mode, fake_va(base - 1),
				   sizeof(m)), 0);
}

static void do_death(void)
{
	fake_end(d);
	domain_new();
	deaths++;
}

static void one_round(unsigned int n)
{
	while (n-- && fuzz_more()) {
		audit_meanwhile();
		switch (fuzz_below(19)) {
		case 0: case 1: case 2: do_ext(); break;
		case 3: case 4: case 5: do_update(); break;
		case 6: case 7: do_map(); break;
		case 16: case 17: do_alias(); break;
		case 8: case 9: do_fill(); break;
		case 10: do_share(); break;
		case 11: case 12: do_share_both(); break;
		case 13: do_other_unshares(); break;
		case 14: case 15:
			if (do_write())
				do_death();
			break;
		default: do_unshare(); break;
		}
	}
	fake_recount();
	if (!fuzz_below(10))
		do_death();
}

const uint64_t fuzz_default_operations = 1000000;

void fuzz_target(void)
{
	fake_machine_start();
	other = fake_domain("g", 100);
	base = fake_free_pfn(other) + 1;
	fuzz_ready();
	domain_new();
	while (fuzz_more())
		one_round(ROUND);
	fake_end(d);
	fake_end(other);
	fake_check();
	fuzz_met(fuzz_operations < 20000 || audits, "an audit from its begin to its end");
	printf("%lu operations, %lu calls, %lu refused, %lu deaths, %lu breaks in parts, %lu audits: clean\n",
	       (unsigned long)fuzz_operations, (unsigned long)calls,
	       (unsigned long)refused, (unsigned long)deaths,
	       (unsigned long)breaks, (unsigned long)audits);
}
