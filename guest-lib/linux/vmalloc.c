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
 * So are those of modules, and the 2 MiB that BPF programs are put into, nearly
 * all of them filler.  What is read-only there is patched as kernel text is: it
 * is mapped writable first, which breaks the share.  Its entries do not say
 * that it is shared; the frame that it got tells (`frames`).
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
#include <linux/xarray.h>

#include "pasture.h"

#define AREA_MIN	16
#define LIST_EPOCHS	16

static struct quiet_list pages;
static unsigned int epochs;	/* since the list was made */
/* Read-only pages: the frame that each got when it was offered, or nothing. */
static DEFINE_XARRAY(frames);

bool vmalloc_is_read_only(unsigned long pfn)
{
	return table_kind(pfn) == KIND_VMALLOC && xa_load(&frames, pfn);
}

bool vmalloc_is_current(unsigned long pfn)
{
	void *noted = xa_load(&frames, pfn);
	unsigned long mfn;

	return table_kind(pfn) == KIND_VMALLOC && noted && hyper_frame_of(pfn, &mfn) &&
	       xa_to_value(noted) == mfn && !(hyper_entry_of(pfn) & _PAGE_RW);
}

/* The slot was made by take(). */
void vmalloc_note(unsigned long pfn, unsigned long mfn)
{
	xa_store(&frames, pfn, xa_mk_value(mfn), GFP_KERNEL);
}

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
	if (!table_take(pfn, KIND_VMALLOC))
		return false;
	if (hyper_entry_of(pfn) & _PAGE_RW)
		xa_erase(&frames, pfn);
	else if (!xa_load(&frames, pfn) && xa_err(xa_store(&frames, pfn, xa_mk_value(0), GFP_KERNEL)))
		return false;
	return true;
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
static unsigned long walk(struct quiet_list *l, unsigned long va, unsigned long end)
{
	unsigned long n, all = 0;

	while (va < end) {
		n = area_pages(va, end);
		if (n >= AREA_MIN) {
			all += n;
			if (l)
				add_area(l, va, n);
		}
		va = n ? va + n * PAGE_SIZE : next_va(va);
		cond_resched();
	}
	return all;
}

static unsigned long walk_all(struct quiet_list *l)
{
	return walk(l, VMALLOC_START, VMALLOC_END) + walk(l, MODULES_VADDR, MODULES_END);
}

static void list_make(void)
{
	quiet_free(&pages);
	if (!quiet_alloc(&pages, KIND_VMALLOC, walk_all(NULL)))
		walk_all(&pages);
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
	xa_destroy(&frames);
}
