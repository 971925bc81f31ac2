// SPDX-License-Identifier: MIT
/*
 * Reserved pages of the kernel: data, bss, and tables that were made at boot
 * (hashes of dentries and inodes, bitmaps, logs).  Most of them are never
 * written again, and hold the same in every guest.
 *
 * What the module must rule out is that somebody holds the frame's number:
 * nobody maps reserved pages anew, and those whose frames were told to the
 * hypervisor or to another domain are left out here, or have a reference that
 * the hypervisor knows (LX2).  Left out: per-CPU areas, the first task's stack,
 * the rings of console and store, start_info.  Only pages with a writable entry
 * are taken: that is how a share is known later.  A domain with hardware has
 * buffers that devices write: there is no such kind then.
 *
 * The map of memory (struct page) has entries of its own, and is offered with
 * both.  What it says of memory that was given back stays as it is.
 *
 * A table that was made a little later, of pages that are not marked as
 * reserved, is as good where Linux never frees it, and says by a symbol where
 * it is: a page by itself does not tell that it is no page table.
 */
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/printk.h>
#include <linux/sched.h>

#include <asm/xen/hypervisor.h>
#include <asm/xen/page.h>
#include <xen/xen.h>

#include "pasture.h"

static struct quiet_list pages;

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

/* 64 pages that are all zero until the guest first opens a connection. */
#define PERTURB_PAGES	((sizeof(u32) << CONFIG_INET_TABLE_PERTURB_ORDER) / PAGE_SIZE)

/* Of a table that was allocated page by page; another is of another kind. */
static bool is_table_page(unsigned long pfn)
{
	struct page *page = pfn_to_online_page(pfn);
	unsigned long mfn;

	return page && pfn < hyper_pfns && table_kind(pfn) == KIND_NONE && page_count(page) == 1 &&
	       !PageCompound(page) && !PageSlab(page) && !PageLRU(page) && !PageTable(page) &&
	       hyper_frame_of(pfn, &mfn) && (hyper_entry_of(pfn) & _PAGE_RW);
}

/* name: a pointer to a table of the linear map. */
static void claim_table(const char *name, unsigned long count)
{
	void *const *table = (void *const *)hyper_symbol(name);
	unsigned long pfn, end;

	if (!table || !PAGE_ALIGNED(*table) || !virt_addr_valid(*table))
		return;
	pfn = PHYS_PFN(__pa(*table));
	for (end = pfn + count; pfn < end; pfn++)
		if (is_table_page(pfn))
			table_claim(pfn, KIND_RESERVED);
}

static unsigned long count_claimed(void)
{
	unsigned long pfn, n = 0;

	for (pfn = 0; pfn < hyper_pfns; pfn++)
		n += table_kind(pfn) == KIND_RESERVED;
	return n;
}

static void list_memory_map(void)
{
	unsigned long va = (unsigned long)pfn_to_page(0) & PAGE_MASK, pfn;
	unsigned int level;
	pte_t *entry;

	for (; va < (unsigned long)pfn_to_page(hyper_pfns); va += PAGE_SIZE) {
		entry = lookup_address(va, &level);
		if (!entry || level != PG_LEVEL_4K || !pte_present(*entry))
			continue;
		pfn = pte_pfn(*entry);
		if (pfn >= hyper_pfns || table_kind(pfn) != KIND_RESERVED)
			continue;
		quiet_add(&pages, pfn, va);
		table_drop(pfn);
	}
}

static void list_claimed(void)
{
	unsigned long pfn, mapped;

	list_memory_map();
	mapped = pages.count;
	for (pfn = 0; pfn < hyper_pfns; pfn++)
		if (table_kind(pfn) == KIND_RESERVED)
			quiet_add(&pages, pfn, 0);
	while (mapped--)
		table_claim(pages.page[mapped].pfn, KIND_RESERVED);
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
	claim_table("table_perturb", PERTURB_PAGES);
	if (!leave_out_all()) {
		pr_info("cannot tell which reserved pages are whose: they are not shared\n");
		drop_claimed();
		return 0;
	}
	if (quiet_alloc(&pages, KIND_RESERVED, count_claimed()))
		return -ENOMEM;
	list_claimed();
	return 0;
}

void reserved_fini(void)
{
	quiet_free(&pages);
}

void reserved_round(void)
{
	quiet_round(&pages);
}
