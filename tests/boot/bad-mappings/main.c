/* SPDX-License-Identifier: MIT */
/*
 * Page tables and descriptor tables as a hostile kernel would like them: every
 * step is refused with the exact error, and what was refused leaves no count
 * behind (PT1-PT4, PT9-PT14, PT16, PT17, PT19, PT22, LP1, LP2, LP8, SH7).
 */
#include <gl/trap.h>

#include "scan.h"

#define NX_LOW		(1UL << 62)
#define PWT		0x08UL
#define PCD		0x10UL
#define PAT		0x80UL		/* L1; PS above */
#define GLOBAL		0x100UL

static uint64_t l4_va, l4_mfn;

/* A table of ours, read-only: `level`'s entry that serves va. */
static uint64_t table_of(uint64_t va, unsigned int level)
{
	uint64_t table = l4_va;

	for (unsigned int l = 4; l > level; l--) {
		uint64_t e = ((uint64_t *)table)[va >> (3 + 9 * l) & 511];

		table = gl_pfn_to_virt(gl_mfn_to_pfn(
			(e & GL_PTE_FRAME) >> GL_PAGE_SHIFT));
	}
	return table;
}

static uint64_t entry_at(uint64_t va, unsigned int level)
{
	return (gl_virt_to_mfn(table_of(va, level)) << GL_PAGE_SHIFT) +
	       (va >> (3 + 9 * level) & 511) * 8;
}

static uint64_t entry_value(uint64_t va, unsigned int level)
{
	return ((uint64_t *)table_of(va, level))[va >> (3 + 9 * level) & 511];
}

#define SELF_VA (0xffff000000000000UL | 300UL << 39 | 300UL << 30 | 300UL << 21 | 300UL << 12)

/* PT14; LP1: it may map itself read-only, and be seen there. */
static void test_top(void)
{
	uint64_t at = l4_mfn << GL_PAGE_SHIFT;
	static uint64_t before[PAGE_WORDS];
	uint64_t seen = 0;

	memcpy(before, (void *)l4_va, GL_PAGE_BYTES);
	for (unsigned int slot = 256; slot < 272; slot++) {
		gl_test_equal(pte_set(at + slot * 8, 0), -XEN_EINVAL);
		gl_test_equal(pte_set(at + slot * 8, before[0]), -XEN_EINVAL);
	}
	gl_test_equal(pte_set(at + 300 * 8, at | GL_PTE_KERNEL), -XEN_EINVAL);
	gl_test_equal(pte_set(at + 300 * 8, at | GL_PTE_KERNEL_RO), 0);
	/* Four times slot 300 leads to the table itself. */
	gl_test_check(gl_probe_read(SELF_VA + 300 * 8, &seen) &&
		      (seen & GL_PTE_FRAME) == at);
	gl_test_check(!gl_probe_write(SELF_VA + 8, 0));
	gl_test_equal(hypercall_update_va_mapping(SELF_VA, 0, 0), -XEN_EINVAL);
	gl_test_equal(pte_set(at + 300 * 8, 0), 0);
	gl_test_equal(ext_op(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
	/* A level is left out, or comes twice (LP2, PT4). */
	gl_test_equal(pte_set(at + 300 * 8, entry_value(l4_va, 2)), -XEN_EBUSY);
	gl_test_equal(pte_set(at + 300 * 8, entry_value(l4_va, 3)), -XEN_EBUSY);
	gl_test_check(!memcmp((void *)l4_va, before, 256 * 8));
	gl_test_check(!memcmp((uint64_t *)l4_va + 272, before + 272, 240 * 8));
}

#define SELF_PATH(i3, i2, i1) (0xffff000000000000UL | 300UL << 39 | \
	(uint64_t)(i3) << 30 | (uint64_t)(i2) << 21 | (uint64_t)(i1) << 12)

/* A frame number of the hypervisor's own is of no use. */
static void refused_frame(uint64_t va, uint64_t entry)
{
	uint64_t frame = entry & GL_PTE_FRAME;

	if (!(entry & GL_PTE_PRESENT))
		return;
	gl_test_equal(pte_set(entry_at(va, 1), frame | GL_PTE_KERNEL_RO),
		      -XEN_EPERM);
}

/*
 * LP8: through itself the top shows where the M2P's view and our first tables
 * are, and no more.
 */
static void test_seen_through_top(uint64_t va)
{
	uint64_t at = l4_mfn << GL_PAGE_SHIFT, entry;

	gl_test_equal(pte_set(at + 300 * 8, at | GL_PTE_KERNEL_RO), 0);
	for (unsigned int slot = 0; slot < 512; slot++) {
		gl_test_check(gl_probe_read(SELF_PATH(300, 300, 256) + slot * 8,
					    &entry));
		gl_test_check(!(entry & GL_PTE_WRITE) || slot == 511);
		refused_frame(va, entry);
	}
	gl_test_check(!gl_probe_write(SELF_PATH(300, 300, 256), 0));
	/* The descriptor tables' area, and all that is the hypervisor's. */
	gl_test_check(!gl_probe_read(SELF_PATH(300, 256, 511), &entry));
	for (unsigned int slot = 257; slot < 272; slot++) {
		refused_frame(va, ((uint64_t *)l4_va)[slot]);
		gl_test_check(!gl_probe_read(SELF_PATH(300, 300, slot), &entry));
	}
	gl_test_equal(pte_set(at + 300 * 8, 0), 0);
	gl_test_equal(ext_op(MMUEXT_TLB_FLUSH_LOCAL, 0, 0), 0);
}

/* PT1, PT2, PT16, PT17: bits that may not be set, at each level. */
static void test_bits(uint64_t va)
{
	static const uint64_t l1_bad[] = { PWT, PCD, PAT, NX_LOW, PWT | PCD,
		1UL << 50, 1UL << 45, 1UL << 51 };
	static const uint64_t upper_bad[] = { PWT, PCD, PAT, GLOBAL, NX_LOW,
		1UL << 50, 1UL << 45 };

	for (unsigned int i = 0; i < sizeof(l1_bad) / 8; i++) {
		uint64_t e = entry_value(va, 1) ^ l1_bad[i];

		gl_test_equal(hypercall_update_va_mapping(va, e, 0),
			      -XEN_EINVAL);
		gl_test_equal(pte_set(entry_at(va, 1), e), -XEN_EINVAL);
		gl_test_equal(pte_set(entry_at(va, 1) |
				      MMU_PT_UPDATE_PRESERVE_AD, e),
			      -XEN_EINVAL);
	}
	for (unsigned int level = 2; level <= 4; level++)
		for (unsigned int i = 0; i < sizeof(upper_bad) / 8; i++) {
			uint64_t e = entry_value(va, level);

			gl_test_equal(pte_set(entry_at(va, level),
					      e ^ upper_bad[i]), -XEN_EINVAL);
			gl_test_check(((entry_value(va, level) ^ e) &
				       ~(GL_PTE_ACCESSED | GL_PTE_DIRTY)) == 0);
		}
	/* G would survive a change of address space. */
	gl_test_equal(hypercall_update_va_mapping(va, entry_value(va, 1) |
						  GLOBAL, 0), 0);
	gl_test_check(!(gl_pte_read(va) & GLOBAL));
}

/* PT13, PT10 */
static void test_pointers(uint64_t va)
{
	uint64_t at = entry_at(va, 1), e = entry_value(va, 1);

	gl_test_equal(pte_set(at | 4, e), -XEN_EINVAL);
	gl_test_equal(pte_set(at | 6, e), -XEN_EINVAL);
	gl_test_equal(pte_set(at | 3, e), 0);
	gl_test_equal(pte_set(at | 7, e), -XEN_EINVAL);
	/* An ordinary page of ours takes any word, as it would from us. */
	gl_test_equal(pte_set(gl_virt_to_mfn(va) << GL_PAGE_SHIFT, 4711), 0);
	gl_test_equal(*(volatile uint64_t *)va, 4711);
}

/* PT4: a table writable, by each of its names. */
static void test_writable_tables(void)
{
	for (unsigned int level = 1; level <= 4; level++) {
		uint64_t table = table_of(l4_va, level);
		uint64_t mfn = gl_virt_to_mfn(table);

		gl_test_equal(unprotect(table), -XEN_EBUSY);
		gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL), -XEN_EBUSY);
		gl_test_equal(pte_set(gl_pte_maddr(table),
				      gl_pte_read(table) | GL_PTE_WRITE),
			      -XEN_EBUSY);
		gl_test_equal(ext_op(MMUEXT_CLEAR_PAGE, mfn, 0), -XEN_EBUSY);
		gl_test_equal(ext_op(MMUEXT_COPY_PAGE, mfn, mfn), -XEN_EBUSY);
		/*
		 * A store to an L1 is done for us, checked as a hypercall is.
		 */
		gl_test_check(!gl_probe_write(table, level > 1 ? 0 :
				mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL));
		gl_test_equal(gl_probe_write(table, *(uint64_t *)table),
			      level == 1);
	}
}

static void fill_table(uint64_t va, unsigned int slot, uint64_t entry)
{
	memset((void *)va, 0, GL_PAGE_BYTES);
	((uint64_t *)va)[slot] = entry;
}

/*
 * PT9: tables with one bad entry, at each end and in the middle; no count is
 * left.
 */
static void test_bad_tables(uint64_t va)
{
	static const unsigned int slots[] = { 0, 255, 511 };
	uint64_t mfn = gl_virt_to_mfn(va);
	uint64_t good = gl_virt_to_mfn(must_alloc()) << GL_PAGE_SHIFT;
	const uint64_t bad[] = {
		1UL << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO,	/* not ours */
		l4_mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL,	/* a table */
		mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL,		/* itself */
		good | GL_PTE_KERNEL | PCD,
		good | GL_PTE_KERNEL | NX_LOW,
		1UL << 50 | GL_PTE_KERNEL,
	};

	for (unsigned int n = 0; n < 60; n++)
		for (unsigned int i = 0; i < 6; i++) {
			fill_table(va, slots[n % 3], bad[i]);
			/* Good entries around it are let go again. */
			((uint64_t *)va)[(slots[n % 3] + 256) % 512] =
				good | GL_PTE_KERNEL;
			gl_test_equal(protect(va), 0);
			gl_test_check(ext_op(MMUEXT_PIN_L1_TABLE, mfn, 0) < 0);
			gl_test_check(ext_op(MMUEXT_PIN_L2_TABLE, mfn, 0) < 0);
			gl_test_check(ext_op(MMUEXT_PIN_L3_TABLE, mfn, 0) < 0);
			gl_test_check(ext_op(MMUEXT_PIN_L4_TABLE, mfn, 0) < 0);
			gl_test_equal(unprotect(va), 0);
		}
	/* Both pages have one mapping still: they can be shared. */
	memset((void *)va, 0x11, GL_PAGE_BYTES);
	must_share(va);
	gl_test_equal(unshare(va), SHARE_DONE);
	audit("bad tables");
}

/* PT22, PT4 */
static void test_pins(uint64_t va)
{
	uint64_t mfn = gl_virt_to_mfn(va);

	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), -XEN_EINVAL);
	for (unsigned int level = 0; level < 4; level++)
		gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE + level, mfn, 0),
			      -XEN_EBUSY);
	gl_test_equal(protect(va), 0);
	for (unsigned int level = 0; level < 4; level++) {
		gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE + level, mfn, 0), 0);
		gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE + level, mfn, 0),
			      -XEN_EINVAL);
		gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE + (level + 1) % 4,
				     mfn, 0), -XEN_EBUSY);
		gl_test_equal(unprotect(va), -XEN_EBUSY);
		gl_test_equal(offer(va), -XEN_EBUSY);
		gl_test_equal(raw_call(__HYPERVISOR_set_gdt, (uint64_t)&mfn, 1,
				       0, 0, 0), -XEN_EBUSY);
		gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
		gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), -XEN_EINVAL);
	}
	gl_test_equal(unprotect(va), 0);
	audit("pins");
}

/*
 * PT14: a new top table brings hypervisor slots of its own: they are replaced.
 */
static void test_forged_top(uint64_t va)
{
	uint64_t mfn = gl_virt_to_mfn(va), *l4 = (uint64_t *)va;

	memcpy(l4, (void *)l4_va, GL_PAGE_BYTES);
	for (unsigned int slot = 256; slot < 272; slot++)
		l4[slot] = l4[0];
	gl_test_equal(protect(va), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L4_TABLE, mfn, 0), 0);
	gl_test_check(!memcmp(&l4[256], (uint64_t *)l4_va + 256, 16 * 8));
	gl_test_equal(ext_op(MMUEXT_NEW_BASEPTR, mfn, 0), 0);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
	gl_test_equal(unprotect(va), -XEN_EBUSY);	/* it is loaded */
	gl_test_equal(ext_op(MMUEXT_NEW_BASEPTR, l4_mfn, 0), 0);
	gl_test_equal(unprotect(va), 0);
	/* The same as user table; and out again. */
	gl_test_equal(protect(va), 0);
	gl_test_equal(ext_op(MMUEXT_NEW_USER_BASEPTR, mfn, 0), 0);
	gl_test_equal(unprotect(va), -XEN_EBUSY);
	gl_test_equal(ext_op(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0);
	gl_test_equal(unprotect(va), 0);
}

static long set_gdt(uint64_t va, unsigned int entries)
{
	uint64_t mfns[14];

	for (unsigned int i = 0; i < 14; i++)
		mfns[i] = gl_virt_to_mfn(va);
	return raw_call(__HYPERVISOR_set_gdt, (uint64_t)mfns, entries, 0, 0, 0);
}

/* PT19 */
static void test_gdt(uint64_t va)
{
	static const uint64_t bad[] = {
		0x00008e000008e000UL,	/* interrupt gate */
		0x0000ec0000080000UL,	/* call gate, DPL 3 */
		0x0000890000000067UL,	/* TSS */
		0x0000820000000fffUL,	/* LDT */
		0x00af9e000000ffffUL,	/* conforming code */
		0x00ef9a000000ffffUL,	/* L and D */
	};
	uint64_t mfn = gl_virt_to_mfn(va), *desc = (uint64_t *)va;
	uint64_t at = mfn << GL_PAGE_SHIFT;

	for (unsigned int i = 0; i < 6; i++) {
		/* Even beyond the number of entries that is named. */
		fill_table(va, i == 3 ? 511 : 2, bad[i]);
		gl_test_equal(set_gdt(va, 1), -XEN_EBUSY);	/* writable */
		gl_test_equal(protect(va), 0);
		gl_test_equal(set_gdt(va, 1), -XEN_EINVAL);
		gl_test_equal(set_gdt(va, 7168), -XEN_EINVAL);
		gl_test_equal(unprotect(va), 0);
	}
	fill_table(va, 2, 0x00af9a000000ffffUL);	/* code, DPL 0 */
	gl_test_equal(protect(va), 0);
	gl_test_equal(set_gdt(va, 7168), 0);
	gl_test_equal(desc[2], 0x00affb000000ffffUL);
	gl_test_equal(unprotect(va), -XEN_EBUSY);
	gl_test_equal(offer(va), -XEN_EBUSY);
	gl_test_equal(pte_set(at, bad[0]), -XEN_EBUSY);
	gl_test_equal(ext_op(MMUEXT_CLEAR_PAGE, mfn, 0), -XEN_EBUSY);
	for (unsigned int i = 0; i < 6; i++)
		gl_test_equal(raw_call(__HYPERVISOR_update_descriptor, at,
				       bad[i], 0, 0, 0), -XEN_EINVAL);
	gl_test_equal(raw_call(__HYPERVISOR_update_descriptor, at + 4, 0, 0, 0,
			       0), -XEN_EINVAL);
	gl_test_equal(desc[0], 0);
	gl_test_equal(raw_call(__HYPERVISOR_update_descriptor, at + 8,
			       0x00cf92000000ffffUL, 0, 0, 0), 0);
	gl_test_equal(desc[1], 0x00cff3000000ffffUL);
	gl_test_equal(set_gdt(va, 0), 0);
	gl_test_equal(unprotect(va), 0);
	audit("GDT");
}

/* A share that we hold, and equal pages of our neighbour. */
static void make_shares(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		uint64_t va = must_alloc();

		memset((void *)va, 0x70 + (int)i, GL_PAGE_BYTES);
		must_share(va);
	}
}

void gl_main(void)
{
	uint64_t max = (uint64_t)hypercall_memory_op(XENMEM_maximum_ram_page,
						     NULL);
	uint64_t va = must_alloc();

	l4_va = gl_start_info->pt_base;
	l4_mfn = gl_virt_to_mfn(l4_va);
	if (gl_map_page(FAR_VA, gl_virt_to_mfn(va), GL_PTE_KERNEL_RO))
		gl_test_error("no page table");
	gl_unmap_page(FAR_VA);
	test_top();
	test_seen_through_top(va);
	test_bits(va);
	test_pointers(va);
	test_writable_tables();
	test_bad_tables(va);
	test_pins(va);
	test_forged_top(va);
	test_gdt(va);
	make_shares(4);
	scan_maps(max);
	scan_uses(max);
	audit("scans");
	gl_test_done();
}
