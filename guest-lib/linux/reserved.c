// SPDX-License-Identifier: MIT
/*
 * Reserved pages of the kernel: data, bss, and tables that were made at boot
 * (hashes of dentries and inodes, bitmaps, logs).  Most of them are never
 * written again, and hold the same in every guest.  A page is taken if it is
 * reserved, and is offered once its content has stayed the same from one round
 * to the next.
 *
 * Why it is safe to offer what may be written at any time: a write breaks the
 * share in the fault, in any context, and a write in the midst of the offer
 * comes before the comparison or after the whole.  What the module must rule
 * out is that somebody holds the frame's number: nobody maps reserved pages
 * anew, and those whose frames were told to the hypervisor or to another domain
 * are left out here, or have a reference that the hypervisor knows (LX2).  Left
 * out: per-CPU areas, the first task's stack, the rings of console and store,
 * start_info.  Only pages with a writable entry are taken: that is how a share
 * is known later.  A domain with hardware has buffers that devices write: there
 * is no such kind then.
 */
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>
#include <linux/xxhash.h>

#include <asm/xen/hypervisor.h>
#include <asm/xen/page.h>
#include <xen/xen.h>

#include "pasture.h"

/* Rounds that look for pages, after which only those that broke are tried. */
#define ROUNDS	4

struct candidate {
	u32 pfn;
	u32 sum;		/* of the round before; 0: there was none */
};

u64 reserved_volatile;

static struct candidate *candidates;
static unsigned long candidate_count;
static unsigned int rounds_left;

static void leave_out(unsigned long first, unsigned long bytes)
{
	unsigned long pfn;

	for (pfn = PFN_DOWN(first); pfn < PFN_UP(first + bytes) && pfn < hyper_pfns; pfn++)
		if (table_kind(pfn) == KIND_RESERVED)
			table_drop(pfn);
}

static void leave_out_frame(unsigned long mfn)
{
	leave_out(PFN_PHYS(mfn_to_pfn(mfn)), PAGE_SIZE);
}

/* False: cannot say where they are. */
static bool leave_out_percpu(void)
{
	unsigned long size = hyper_symbol("pcpu_unit_size");
	int cpu;

	if (!size)
		return false;
	for_each_possible_cpu(cpu)
		leave_out(__pa(per_cpu_offset(cpu)), *(int *)size);
	return true;
}

static bool leave_out_all(void)
{
	unsigned long stack = hyper_symbol("init_stack");

	if (!stack)
		return false;
	leave_out(__pa(stack), THREAD_SIZE);
	leave_out(__pa(xen_start_info), sizeof(*xen_start_info));
	leave_out_frame(xen_start_info->store_mfn);
	leave_out_frame(xen_start_info->console.domU.mfn);
	leave_out(__pa(empty_zero_page), PAGE_SIZE);
	return leave_out_percpu();
}

static void claim_all(void)
{
	unsigned long pfn, mfn;

	for (pfn = 0; pfn < hyper_pfns; pfn++)
		if (table_kind(pfn) == KIND_NONE && pfn_valid(pfn) &&
		    PageReserved(pfn_to_page(pfn)) && hyper_frame_of(pfn, &mfn) &&
		    (hyper_entry_of(pfn) & _PAGE_RW))
			table_claim(pfn, KIND_RESERVED);
}

static unsigned long count_claimed(void)
{
	unsigned long pfn, n = 0;

	for (pfn = 0; pfn < hyper_pfns; pfn++)
		n += table_kind(pfn) == KIND_RESERVED;
	return n;
}

static void list_claimed(void)
{
	struct candidate *c = candidates;
	unsigned long pfn;

	for (pfn = 0; pfn < hyper_pfns; pfn++)
		if (table_kind(pfn) == KIND_RESERVED)
			c++->pfn = pfn;
}

static void drop_claimed(void)
{
	unsigned long pfn;

	for (pfn = 0; pfn < hyper_pfns; pfn++)
		if (table_kind(pfn) == KIND_RESERVED)
			table_drop(pfn);
}

/* After image_init(), which claims its own. */
int reserved_init(void)
{
	if (!param_reserved)
		return 0;
	if (xen_initial_domain()) {
		pr_info("a domain with hardware: reserved pages are not shared\n");
		return 0;
	}
	claim_all();
	if (!leave_out_all()) {
		pr_info("cannot tell which reserved pages are whose: they are not shared\n");
		drop_claimed();
		return 0;
	}
	candidate_count = count_claimed();
	candidates = vzalloc(max(candidate_count, 1ul) * sizeof(*candidates));
	if (!candidates)
		return -ENOMEM;
	list_claimed();
	rounds_left = ROUNDS;
	return 0;
}

void reserved_fini(void)
{
	vfree(candidates);
}

/* Never 0. */
static u32 sum_of(unsigned long pfn)
{
	return (u32)xxh64(pfn_to_kaddr(pfn), PAGE_SIZE, 0) | 1;
}

/* Unchanged since the last round? */
static bool is_quiet(struct candidate *c)
{
	u32 before = c->sum;

	c->sum = sum_of(c->pfn);
	if (before && c->sum != before)
		reserved_volatile++;
	return c->sum == before;
}

/*
 * The first rounds look at all; later ones at those whose rest is over, of
 * which each was quiet once.
 */
void reserved_round(void)
{
	struct offer *o = &offer_batch;
	unsigned long i;

	if (rounds_left)
		rounds_left--;
	else if (!table_in_epoch())
		return;
	for (i = 0; i < candidate_count; i++) {
		struct candidate *c = &candidates[i];

		if (!table_may_offer(c->pfn) || !is_quiet(c) || !offer_add(o, c->pfn))
			continue;
		offer_now(o);
		cond_resched();
	}
	offer_now(o);
}
