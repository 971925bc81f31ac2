/* SPDX-License-Identifier: MIT */
/* Page tables of a new domain; ptbuild.h has the contract. */
#include <port.h>

#include "ctl/ptbuild.h"

#define TABLE_FLAGS	(PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

/* Bytes that one table of `level` maps. */
static uint64_t table_span(unsigned int level)
{
	return 1UL << (PAGE_SHIFT + 9 * level);
}

/* Distinct tables of `level` below va, counting from the first range. */
static uint64_t tables_before(const struct ptbuild_range *ranges,
			      unsigned int count, unsigned int level,
			      uint64_t va, bool all)
{
	uint64_t span = table_span(level), total = 0, last = ~0UL;
	unsigned int i;

	for (i = 0; i < count; i++) {
		uint64_t first = ranges[i].va / span;
		uint64_t end = (ranges[i].va + ranges[i].pages * PAGE_SIZE - 1)
			       / span + 1;

		if (!ranges[i].pages)
			continue;
		if (first == last)
			first++;	/* shared with the range before */
		if (!all && va / span < end)
			return total + (va / span > first ?
					va / span - first : 0) -
			       (va / span < first ? 1 : 0);
		total += end > first ? end - first : 0;
		last = end - 1;
	}
	return total;
}

uint64_t ptbuild_count(const struct ptbuild_range *ranges, unsigned int count)
{
	uint64_t total = 1;
	unsigned int level;

	for (level = 3; level >= 1; level--)
		total += tables_before(ranges, count, level, 0, true);
	return total;
}

/* The pfn of the table of `level` that va goes through. */
static pfn_t table_pfn(const struct ptbuild *b,
		       const struct ptbuild_range *ranges, unsigned int count,
		       unsigned int level, uint64_t va)
{
	pfn_t pfn = b->first_table;
	unsigned int l;

	if (level == 4)
		return pfn;
	pfn = pfn_add(pfn, 1);
	for (l = 3; l > level; l--)
		pfn = pfn_add(pfn, tables_before(ranges, count, l, 0, true));
	return pfn_add(pfn, tables_before(ranges, count, level, va, false));
}

static void set(const struct ptbuild *b, pfn_t table, unsigned int slot,
		pte_t e)
{
	pte_t *t = mfn_to_virt(ptbuild_mfn(b->p2m, table));

	t[slot] = e;
}

static void map_page(const struct ptbuild *b,
		     const struct ptbuild_range *ranges, unsigned int count,
		     uint64_t va, pfn_t pfn, bool first)
{
	bool is_table = pfn_n(pfn) - pfn_n(b->first_table) < b->table_count;
	uint64_t flags = TABLE_FLAGS & ~(is_table ? PTE_RW : 0);
	unsigned int level;

	set(b, table_pfn(b, ranges, count, 1, va), pt_slot(va, 1),
	    pte_make(ptbuild_mfn(b->p2m, pfn), flags));
	if (pt_slot(va, 1) && !first)
		return;		/* the upper entries are there */
	for (level = 2; level <= 4; level++)
		set(b, table_pfn(b, ranges, count, level, va),
		    pt_slot(va, level),
		    pte_make(ptbuild_mfn(b->p2m, table_pfn(b, ranges, count,
							   level - 1, va)),
			     TABLE_FLAGS));
}

void ptbuild_fill(const struct ptbuild *b, const struct ptbuild_range *ranges,
		  unsigned int count)
{
	unsigned int i;
	uint64_t page;

	for (i = 0; i < count; i++)
		for (page = 0; page < ranges[i].pages; page++)
			map_page(b, ranges, count,
				 ranges[i].va + page * PAGE_SIZE,
				 pfn_add(ranges[i].pfn, page), page == 0);
}
