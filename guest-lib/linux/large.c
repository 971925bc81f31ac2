// SPDX-License-Identifier: MIT
/*
 * Large blocks of the kernel's: tables that were allocated as one piece after
 * boot, 2 MiB of them the tracer's lists of functions and names, which are the
 * same in every guest and stay so.
 *
 * Offered are pages that are known, by their structures alone, to be part of a
 * block of BLOCK_MIN pages or more.  No page table is such, nor a stack, nor a
 * buffer that is granted page by page, whose frames' numbers others hold:
 *   compound  the head says how large the block is, and has one reference;
 *   plain     a row of pages without a reference, aligned, none of them on the
 *             allocator's lists.  The first page of a plain block has a
 *             reference and looks like any other page: it is left.
 * Pages without a reference may also be free ones on their way, on a CPU's
 * list, say: then they are nobody's (free.c).  One entry, the linear map's;
 * what is mapped elsewhere the hypervisor refuses, and what processes map is
 * left: an entry in a table that nobody counts any more would not be seen.
 * The last pages of a smaller block look like those of a plain one where all
 * that follows in the row is on its way to the allocator.  They are shared as
 * well, and are as safe: whatever their use, a write breaks the share first.
 *
 * A domain with hardware has buffers that devices write: there is no such kind
 * then, as with reserved pages.  Blocks come and go, so the list is made anew
 * every LIST_EPOCHS, and each page is asked again, with interrupts off, before
 * it is offered (quiet.c).
 */
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include <xen/xen.h>

#include "pasture.h"

#define BLOCK_MIN	16u
#define BLOCK_ORDER	4
#define LIST_EPOCHS	4

static struct quiet_list pages;
static unsigned int epochs;	/* since the list was made */

static bool is_plain_kernel(struct page *page)
{
	return !PageReserved(page) && !PageSlab(page) && !PageLRU(page) && !PageTable(page) &&
	       !PageBuddy(page) && !page->mapping && !page_mapped(page);
}

static bool is_compound(struct page *page)
{
	struct page *head = compound_head(page);

	return compound_order(head) >= BLOCK_ORDER && page_count(head) == 1 && is_plain_kernel(head) &&
	       !PageHuge(head) && !page_mapped(page);
}

static bool is_tail(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && !PageCompound(page) && !page_count(page) && is_plain_kernel(page);
}

/* first: aligned.  Its first page is not looked at but for what it is not. */
static bool is_plain_block(unsigned long first)
{
	struct page *page = pfn_to_online_page(first);
	unsigned int i;

	if (!page || PageReserved(page) || PageCompound(page) || free_until(first) > first)
		return false;
	for (i = 1; i < BLOCK_MIN; i++)
		if (!is_tail(first + i))
			return false;
	return true;
}

bool large_is_one(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	unsigned long mfn;

	if (!page || !hyper_frame_of(pfn, &mfn))
		return false;
	if (PageCompound(page) ? !is_compound(page) :
	    page_count(page) || !is_tail(pfn) || !is_plain_block(round_down(pfn, BLOCK_MIN)))
		return false;
	return hyper_entry_of(pfn) & _PAGE_RW;	/* the costly one, last */
}

static unsigned long count_all(void)
{
	unsigned long pfn, n = 0;

	for (pfn = 0; pfn < hyper_pfns; pfn++) {
		if (pfn % 1024 == 0)
			cond_resched();
		n += large_is_one(pfn);
	}
	return n;
}

static void list_all(void)
{
	unsigned long pfn;

	for (pfn = 0; pfn < hyper_pfns; pfn++) {
		if (pfn % 1024 == 0)
			cond_resched();
		if (large_is_one(pfn) && table_take(pfn, KIND_LARGE))
			quiet_add(&pages, pfn, 0);
	}
}

static void list_make(void)
{
	quiet_free(&pages);
	if (!quiet_alloc(&pages, KIND_LARGE, count_all()))
		list_all();
	epochs = 0;
}

void large_round(void)
{
	if (!param_large || xen_initial_domain())
		return;
	if (!pages.page || (table_in_epoch() && ++epochs == LIST_EPOCHS))
		list_make();
	quiet_round(&pages);
}

void large_fini(void)
{
	quiet_free(&pages);
}
