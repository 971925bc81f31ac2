// SPDX-License-Identifier: MIT
/*
 * Large areas of vmalloc: tables that were made once, most of them zero or the
 * same in every guest (4 MiB that the accounting of per-CPU memory never uses).
 *
 * Each page has two entries, the area's and the linear map's, and is offered
 * with both; an offer that misses one is refused.  As with reserved pages,
 * nobody holds the frame's number: the areas are looked at in a thread, so no
 * code that reads an entry for its frame (vmalloc_to_page) is half-way.  Only
 * pages with a writable entry in the linear map are taken: that is how a share
 * is known later.
 *
 * Areas whose pages lose and get back their linear entries when they are freed
 * (VM_FLUSH_RESET_PERMS: what holds programs, of modules and of BPF) are left
 * out: the hold would end with the last entry, and the one that comes then
 * names a frame that the guest no longer has.
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
 * May the area's pages be shared?  The answer is good until this thread sleeps:
 * one CPU has one guest's areas.
 */
static bool is_plain_area(unsigned long va)
{
	static struct vm_struct *(*area_of)(const void *va);
	const struct vm_struct *area;

	if (!area_of)
		area_of = (void *)hyper_symbol("find_vm_area");
	area = area_of ? area_of((void *)va) : NULL;
	return area && !(area->flags & VM_FLUSH_RESET_PERMS);
}

/* How many pages in a row from va on. */
static unsigned long area_pages(unsigned long va)
{
	unsigned long n = 0, pfn;

	while (va + n * PAGE_SIZE < VMALLOC_END && own_page(va + n * PAGE_SIZE, &pfn))
		n++;
	return n;
}

/* It may be shared already: then it is looked at once it broke. */
static bool take(unsigned long pfn)
{
	if (table_is_shared(pfn))
		return table_kind(pfn) == KIND_VMALLOC;
	return (hyper_entry_of(pfn) & _PAGE_RW) && table_take(pfn, KIND_VMALLOC);
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
static unsigned long walk(struct quiet_list *l)
{
	unsigned long va = VMALLOC_START, n, all = 0;

	while (va < VMALLOC_END) {
		n = area_pages(va);
		if (n >= AREA_MIN && is_plain_area(va)) {
			all += n;
			if (l)
				add_area(l, va, n);
		}
		va = n ? va + n * PAGE_SIZE : next_va(va);
		cond_resched();
	}
	return all;
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
