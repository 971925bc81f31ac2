// SPDX-License-Identifier: MIT
/*
 * Large areas of vmalloc: tables that were made once, most of them zero or the
 * same in every guest (4 MiB that the accounting of per-CPU memory never uses).
 *
 * Each page has two entries, the area's and the linear map's, and is offered
 * with both; an offer that misses one is refused.  As with reserved pages,
 * nobody holds the frame's number: the areas are looked at in a thread, so no
 * code that reads an entry for its frame (vmalloc_to_page) is half-way.
 *
 * Areas that hold programs (2 MiB that BPF fills bit by bit) are read-only in
 * both; who patches one maps the page writable elsewhere, which breaks the
 * share.  When such an area is freed its pages lose their linear entries, and
 * get them back: they are left alone unless the hypervisor says that it breaks
 * the share before the last one goes (SHARE_INFO_LAST_BREAKS).
 *
 * An area of fewer than AREA_MIN pages is left alone: stacks are such, and
 * there is little in them.  So are pages that are not vmalloc's own (mapped
 * there from elsewhere, of devices, of grants): their count is not 1, or they
 * are reserved, or their frame is not the guest's.
 *
 * Areas come and go, so the list is made anew every LIST_EPOCHS.  A page whose
 * area is gone stays in it until then: the offer names an entry that does not
 * lead to it, and is refused.
 */
#include <linux/cpumask.h>
#include <linux/pgtable.h>
#include <linux/sched.h>
#include <linux/vmalloc.h>

#include "pasture.h"

#define AREA_MIN	16
#define LIST_EPOCHS	16

static struct quiet_list pages;
static unsigned int epochs;	/* since the list was made */

/* The page that va leads to, if it is vmalloc's own. */
static bool own_page(unsigned long va, unsigned long *pfn)
{
	unsigned int level;
	unsigned long mfn;
	struct page *page;
	pte_t *entry = lookup_address(va, &level);

	if (!entry || level != PG_LEVEL_4K || !pte_present(*entry))
		return false;
	*pfn = pte_pfn(*entry);
	if (!pfn_valid(*pfn) || *pfn >= hyper_pfns || !hyper_frame_of(*pfn, &mfn))
		return false;
	page = pfn_to_page(*pfn);
	return !PageReserved(page) && !PageSlab(page) && !PageLRU(page) && !PageTable(page) &&
	       page_count(page) == 1 && !page_mapped(page);
}

/*
 * True of an area that keeps its linear entries for good, too.  With one CPU
 * the answer is good until this thread sleeps, for nobody frees the area
 * meanwhile; with several there is none.
 */
static bool may_share_area(unsigned long va)
{
	static struct vm_struct *(*area_of)(const void *va);
	const struct vm_struct *area;

	if (hyper_last_breaks)
		return true;
	if (num_possible_cpus() > 1)
		return false;
	if (!area_of)
		area_of = (void *)hyper_symbol("find_vm_area");
	area = area_of ? area_of((void *)va) : NULL;
	return area && !(area->flags & VM_FLUSH_RESET_PERMS);
}

/* How many pages in a row from va on. */
static unsigned long area_pages(unsigned long va, unsigned long end)
{
	unsigned long n = 0, pfn;

	while (va + n * PAGE_SIZE < end && own_page(va + n * PAGE_SIZE, &pfn))
		n++;
	return n;
}

/* It may be shared already: then it is looked at once it broke. */
static bool take(unsigned long pfn)
{
	if (table_is_shared(pfn))
		return table_kind(pfn) == KIND_VMALLOC;
	return table_take(pfn, KIND_VMALLOC);
}

static void add_area(struct quiet_list *l, unsigned long va, unsigned long n)
{
	unsigned long pfn;

	for (; n; n--, va += PAGE_SIZE)
		if (own_page(va, &pfn) && take(pfn))
			quiet_add(l, pfn, va);
}

/*
 * Where the next entry may be: a table that is not there has none.  Without
 * one, lookup_address() tells the level above that of the entry that is empty,
 * and none of the highest: an empty entry of 2 MiB says PG_LEVEL_1G, and what
 * lies beside it in that GiB is looked at too.
 */
static unsigned long next_va(unsigned long va)
{
	unsigned long size = PAGE_SIZE;
	unsigned int level;

	if (!lookup_address(va, &level))
		size = page_level_size(level > PG_LEVEL_4K ? level - 1 : PG_LEVEL_512G);
	return (va & ~(size - 1)) + size;
}

/* Pages of large areas; with a list, they are added to it. */
static unsigned long walk_range(struct quiet_list *l, unsigned long va, unsigned long end)
{
	unsigned long n, all = 0;

	while (va < end) {
		n = area_pages(va, end);
		if (n >= AREA_MIN && may_share_area(va)) {
			all += n;
			if (l)
				add_area(l, va, n);
		}
		va = n ? va + n * PAGE_SIZE : next_va(va);
		cond_resched();
	}
	return all;
}

static unsigned long walk(struct quiet_list *l)
{
	return walk_range(l, VMALLOC_START, VMALLOC_END) + walk_range(l, MODULES_VADDR, MODULES_END);
}

static void list_make(void)
{
	quiet_free(&pages);
	if (!quiet_alloc(&pages, KIND_VMALLOC, walk(NULL)))
		walk(&pages);
	epochs = 0;
}

void vmalloc_round(void)
{
	if (!param_vmalloc)
		return;
	if (!pages.page || (table_in_epoch() && ++epochs == LIST_EPOCHS))
		list_make();
	quiet_round(&pages);
}

void vmalloc_fini(void)
{
	quiet_free(&pages);
}
