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
#include <linux/printk.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include "pasture.h"

#define AREA_MIN	16
#define LIST_EPOCHS	16

static struct quiet_list pages;
static unsigned int epochs;	/* since the list was made */
/* Linux's areas in use; NULL: cannot be had, or are not shared. */
static struct list_head *areas;
static spinlock_t *areas_lock;

/*
 * The page is vmalloc's own, and no process maps it: of one that is just going
 * away the hypervisor does not count the entries any more.
 */
bool vmalloc_is_own(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);

	return page && !PageReserved(page) && !PageSlab(page) && !PageLRU(page) && !PageTable(page) &&
	       page_count(page) == 1 && !page_mapped(page);
}

/* The page that va leads to, if it is vmalloc's own. */
static bool own_page(unsigned long va, unsigned long *pfn)
{
	unsigned int level;
	unsigned long mfn;
	pte_t *entry = lookup_address(va, &level);

	if (!entry || level != PG_LEVEL_4K || !pte_present(*entry))
		return false;
	*pfn = pte_pfn(*entry);
	return *pfn < hyper_pfns && hyper_frame_of(*pfn, &mfn) && vmalloc_is_own(*pfn);
}

/*
 * Large, made of pages of its own, and one that keeps its linear entries for
 * good where that matters; areas_lock.  The p2m list's, of 1 GiB, and those of
 * per-CPU memory have pages that Linux does not note there.  With several CPUs
 * such an area may be freed a moment later.
 */
static bool is_wanted(const struct vmap_area *a)
{
	const struct vm_struct *area = a->vm;

	return area && area->pages && area->nr_pages >= AREA_MIN &&
	       (hyper_last_breaks || (num_possible_cpus() == 1 && !(area->flags & VM_FLUSH_RESET_PERMS)));
}

/*
 * The next such area from *va on, by Linux's own list, which is in order;
 * false: there is none.  It may go meanwhile: what counts are its entries.
 */
static bool next_area(unsigned long *va, unsigned long *end)
{
	const struct vmap_area *a;
	bool found = false;

	spin_lock(areas_lock);
	list_for_each_entry(a, areas, list) {
		found = a->va_start >= *va && is_wanted(a);
		if (!found)
			continue;
		*va = a->va_start;
		*end = a->va_end;
		break;
	}
	spin_unlock(areas_lock);
	return found;
}

/* It may be shared already: then it is looked at once it broke. */
static bool take(unsigned long pfn)
{
	if (table_is_shared(pfn))
		return table_kind(pfn) == KIND_VMALLOC;
	return table_take(pfn, KIND_VMALLOC);
}

static void add_area(struct quiet_list *l, unsigned long va, unsigned long end)
{
	unsigned long pfn;

	for (; va < end; va += PAGE_SIZE)
		if (own_page(va, &pfn) && take(pfn))
			quiet_add(l, pfn, va);
}

static unsigned long count_pages(void)
{
	unsigned long va, end, n = 0;

	for (va = 0; next_area(&va, &end); va = end)
		n += PFN_DOWN(end - va);
	return n;
}

static void list_make(void)
{
	unsigned long va, end;

	quiet_free(&pages);
	epochs = 0;
	if (quiet_alloc(&pages, KIND_VMALLOC, count_pages()))
		return;
	for (va = 0; next_area(&va, &end); va = end) {
		add_area(&pages, va, end);
		cond_resched();
	}
}

void vmalloc_init(void)
{
	if (!param_vmalloc)
		return;
	areas_lock = (void *)hyper_symbol("vmap_area_lock");
	areas = (void *)hyper_symbol("vmap_area_list");
	if (!areas_lock || !areas)
		pr_info("cannot find the areas of vmalloc: they are not shared\n");
}

void vmalloc_round(void)
{
	if (!areas_lock || !areas)
		return;
	if (!pages.page || (table_in_epoch() && ++epochs == LIST_EPOCHS))
		list_make();
	quiet_round(&pages);
}

void vmalloc_fini(void)
{
	quiet_free(&pages);
}
