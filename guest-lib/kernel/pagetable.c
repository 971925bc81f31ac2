/* SPDX-License-Identifier: MIT */
/*
 * Page tables.  They are read in place (every table page is mapped read-only at
 * its linear address, found through the M2P) and changed by hypercall only.
 *
 * A page becomes a table in this order: filled, made read-only, then hooked
 * into its parent.  At that moment the hypervisor checks it, and it may have no
 * writable mapping.
 */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/string.h>

#define TABLE_ENTRIES 512
#define PTE_TABLE (GL_PTE_KERNEL_RO | GL_PTE_WRITE)

static unsigned int index_at(uint64_t va, unsigned int level)
{
	return va >> (GL_PAGE_SHIFT + 9 * (level - 1)) & (TABLE_ENTRIES - 1);
}

static uint64_t *table_of(uint64_t entry)
{
	if (!(entry & GL_PTE_PRESENT))
		return NULL;
	return (uint64_t *)gl_pfn_to_virt(
		gl_mfn_to_pfn((entry & GL_PTE_FRAME) >> GL_PAGE_SHIFT));
}

/* The table of `level` that serves va; NULL if there is none. */
static uint64_t *table_at(uint64_t va, unsigned int level)
{
	uint64_t *table = (uint64_t *)gl_start_info->pt_base;

	for (unsigned int l = 4; table && l > level; l--)
		table = table_of(table[index_at(va, l)]);
	return table;
}

uint64_t *gl_l1_of(uint64_t va)
{
	return table_at(va, 1);
}

uint64_t gl_pte_read(uint64_t va)
{
	uint64_t *l1 = gl_l1_of(va);

	return l1 ? *(volatile uint64_t *)&l1[index_at(va, 1)] : 0;
}

static uint64_t entry_maddr(const uint64_t *table, unsigned int index)
{
	return (gl_virt_to_mfn((uint64_t)table) << GL_PAGE_SHIFT) + index * 8;
}

uint64_t gl_pte_maddr(uint64_t va)
{
	uint64_t *l1 = gl_l1_of(va);

	return l1 ? entry_maddr(l1, index_at(va, 1)) : 0;
}

static long make_read_only(uint64_t va)
{
	uint64_t pte = gl_virt_to_mfn(va) << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO;

	return hypercall_update_va_mapping(va, pte, UVMF_INVLPG | UVMF_ALL);
}

/* Hook a filled page in as va's table of `level`; the parent exists. */
static long hook(uint64_t va, unsigned int level, uint64_t table_va)
{
	uint64_t *parent = table_at(va, level + 1);
	struct mmu_update req = {
		.ptr = entry_maddr(parent, index_at(va, level + 1)) |
		       MMU_NORMAL_PT_UPDATE,
		.val = gl_virt_to_mfn(table_va) << GL_PAGE_SHIFT | PTE_TABLE,
	};
	long rc = make_read_only(table_va);

	if (rc)
		return rc;
	return hypercall_mmu_update(&req, 1, NULL, DOMID_SELF);
}

static long make_table(uint64_t va, unsigned int level)
{
	uint64_t table;
	long rc;

	if (table_at(va, level))
		return 0;
	table = gl_page_alloc();
	if (!table)
		return -XEN_ENOMEM;
	memset((void *)table, 0, GL_PAGE_BYTES);
	rc = hook(va, level, table);
	if (rc) {
		gl_map_page(table, gl_virt_to_mfn(table), GL_PTE_KERNEL);
		gl_page_free(table);
	}
	return rc;
}

/* All tables of va above `level`. */
static long make_tables_above(uint64_t va, unsigned int level)
{
	for (unsigned int l = 3; l > level; l--) {
		long rc = make_table(va, l);

		if (rc)
			return rc;
	}
	return 0;
}

long gl_l1_install(uint64_t va, uint64_t table_va)
{
	long rc = make_tables_above(va, 1);

	return rc ? rc : hook(va, 1, table_va);
}

long gl_map_page(uint64_t va, uint64_t mfn, uint64_t flags)
{
	long rc = make_tables_above(va, 0);

	if (rc)
		return rc;
	return hypercall_update_va_mapping(va, mfn << GL_PAGE_SHIFT | flags,
					   UVMF_INVLPG | UVMF_ALL);
}

long gl_unmap_page(uint64_t va)
{
	if (!gl_l1_of(va))
		return 0;
	return hypercall_update_va_mapping(va, 0, UVMF_INVLPG | UVMF_ALL);
}
