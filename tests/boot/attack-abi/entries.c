/* SPDX-License-Identifier: MIT */
/* Entries of page tables: PT1, PT2, PT9-PT18. */
#include "attack_abi.h"

#define PSE	0x80UL
#define PWT	0x8UL
#define PCD	0x10UL
#define GLOBAL	0x100UL

/* PT1: only the right to write of a linear entry changes. */
static long pt1_rw_toggle(void)
{
	uint64_t at = l4_slot(FREE_SLOT), self = L4_MFN << GL_PAGE_SHIFT;
	long r;

	gl_test_equal(pte_set(at, self | GL_PTE_KERNEL_RO), 0);
	r = pte_set(at, self | GL_PTE_KERNEL);
	gl_test_equal(pte_set(at, 0), 0);
	return r;
}

/* A table of `level`, pinned, with `flags` set in an entry to a table below. */
static long upper_flags(unsigned int level, uint64_t flags)
{
	uint64_t upper, below, up = table_page(&upper), low = table_page(&below);
	long r;

	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE + level - 1, up, 0), 0);
	r = pte_set((up << 12) + 8, low << 12 | GL_PTE_KERNEL | flags);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, up, 0), 0);
	table_free(upper);
	table_free(below);
	return r;
}

static long pt2_pse_l2(void) { return upper_flags(2, PSE); }
static long pt2_pse_l3(void) { return upper_flags(3, PSE); }
static long pt2_pse_l4(void) { return upper_flags(4, PSE); }
static long pt16_global_l2(void) { return upper_flags(2, GLOBAL); }
static long pt16_reserved_l3(void) { return upper_flags(3, 1UL << 51); }

/* PT2: the same in a table that is only then validated. */
static long pt2_pse_prepared(void)
{
	uint64_t va = must_alloc(), target = must_alloc(), mfn;
	long r;

	memset((void *)va, 0, GL_PAGE_BYTES);
	((uint64_t *)va)[7] = maddr_of(target) | GL_PTE_KERNEL | PSE;
	gl_test_equal(protect(va), 0);
	mfn = gl_virt_to_mfn(va);
	r = ext_op(MMUEXT_PIN_L2_TABLE, mfn, 0);
	table_free(va);
	gl_page_free(target);
	return r;
}

/* PT9: a table with one bad entry, at `slot`. */
static long bad_entry(unsigned int slot, uint64_t entry)
{
	uint64_t va = must_alloc(), target = must_alloc();
	long r;

	for (unsigned int i = 0; i < 512; i++)
		((uint64_t *)va)[i] = maddr_of(target) | GL_PTE_KERNEL_RO;
	((uint64_t *)va)[slot] = entry;
	gl_test_equal(protect(va), 0);
	r = ext_op(MMUEXT_PIN_L1_TABLE, gl_virt_to_mfn(va), 0);
	if (!r)
		gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, gl_virt_to_mfn(va), 0), 0);
	table_free(va);
	/* Nothing of it is left: its frame may become a table. */
	gl_test_equal(protect(target), 0);
	memset((void *)va, 0, 0);
	table_free(target);
	return r;
}

static uint64_t table_entry(void)
{
	return L4_MFN << 12 | GL_PTE_KERNEL;
}

static long pt9_bad_0(void) { return bad_entry(0, table_entry()); }
static long pt9_bad_255(void) { return bad_entry(255, table_entry()); }
static long pt9_bad_511(void) { return bad_entry(511, table_entry()); }
static long pt16_bad_mfn(void) { return bad_entry(5, 1UL << 46 | GL_PTE_KERNEL_RO); }
static long pt18_absent_with_mfn(void) { return bad_entry(5, 0x12345000); }

/*
 * PT10: mmu_update aimed at what is no table of ours.  Shared info is ours to
 * write, so this is a plain store.
 */
static long pt10_shared_info(void)
{
	return pte_set(gl_start_info->shared_info + 0x800, 0);
}

static long pt10_no_ram(void) { return pte_set(1UL << 46, 0); }

static long pt10_plain_page(void)
{
	uint64_t va = must_alloc();
	long r = pte_set(maddr_of(va), 0x1234567);

	gl_test_check(r || *(uint64_t *)va == 0x1234567);
	gl_page_free(va);
	return r;
}

/* PT10: the frame is the hypervisor's. */
static long pt10_hypervisor(void) { return pte_set(0x200000, 0) < 0; }

static long va_mapping(uint64_t va)
{
	return hypercall_update_va_mapping(va, 0, 0);
}

static long pt12_hypervisor_va(void) { return va_mapping(0xffff830000000000); }
static long pt12_no_canonical(void) { return va_mapping(0x0000800000000000); }
static long pt12_no_tables(void) { return va_mapping(0x00006a0000000000); }

/* PT12: flushing there is no error, and no fault. */
static long invlpg(uint64_t va)
{
	struct mmuext_op op = { .cmd = MMUEXT_INVLPG_LOCAL };

	op.arg1.linear_addr = va;
	return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static long pt12_invlpg_hypervisor(void) { return invlpg(0xffff830000000000); }
static long pt12_invlpg_no_canonical(void) { return invlpg(0x0000800000000000); }

/* PT13: pointers that name no entry. */
static long pt13_misaligned(void)
{
	uint64_t va = must_alloc();
	long r = pte_set(gl_pte_maddr(va) + 4, gl_pte_read(va));

	gl_page_free(va);
	return r;
}

static long pt13_command_3(void)
{
	uint64_t va = must_alloc();
	long r = pte_set(gl_pte_maddr(va) | 3, gl_pte_read(va));

	gl_page_free(va);
	return r;
}

/* PT14: the hypervisor's slots of L4. */
static long pt14_clear(void) { return pte_set(l4_slot(256), 0); }
static long pt14_set(void)
{
	return pte_set(l4_slot(262), ((uint64_t *)gl_start_info->pt_base)[0]);
}

/* PT14: a new table that brings its own. */
static long pt14_prepared(void)
{
	uint64_t va = must_alloc(), mfn;
	long r;

	memcpy((void *)va, (void *)gl_start_info->pt_base, GL_PAGE_BYTES);
	((uint64_t *)va)[262] = ((uint64_t *)va)[0];
	gl_test_equal(protect(va), 0);
	mfn = gl_virt_to_mfn(va);
	r = ext_op(MMUEXT_PIN_L4_TABLE, mfn, 0);
	if (!r) {
		gl_test_check(((uint64_t *)va)[262] != ((uint64_t *)va)[0]);
		gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), 0);
	}
	table_free(va);
	return r;
}

static long l1_flags(uint64_t flags)
{
	uint64_t va = must_alloc();
	long r = map_at(va, gl_virt_to_mfn(va), GL_PTE_KERNEL | flags);

	gl_test_equal(unprotect(va), 0);
	gl_page_free(va);
	return r;
}

static long pt16_reserved(void) { return l1_flags(1UL << 51); }
static long pt17_pcd(void) { return l1_flags(PCD); }
static long pt17_pwt(void) { return l1_flags(PWT); }
static long pt16_global(void) { return l1_flags(GLOBAL); }

const struct attack pt_attacks[] = {
	{ "PT1-rw-toggle-of-linear-L4", pt1_rw_toggle, -XEN_EINVAL },
	{ "PT2-PSE-in-L2", pt2_pse_l2, -XEN_EINVAL },
	{ "PT2-PSE-in-L3", pt2_pse_l3, -XEN_EINVAL },
	{ "PT2-PSE-in-L4", pt2_pse_l4, -XEN_EINVAL },
	{ "PT2-PSE-in-prepared-L2", pt2_pse_prepared, -XEN_EINVAL },
	{ "PT9-bad-entry-0", pt9_bad_0, -XEN_EBUSY },
	{ "PT9-bad-entry-255", pt9_bad_255, -XEN_EBUSY },
	{ "PT9-bad-entry-511", pt9_bad_511, -XEN_EBUSY },
	{ "PT10-shared-info", pt10_shared_info, 0 },
	{ "PT10-no-RAM", pt10_no_ram, -XEN_EINVAL },
	{ "PT10-plain-page", pt10_plain_page, 0 },
	{ "PT10-hypervisor-frame", pt10_hypervisor, 1 },
	{ "PT12-va-of-hypervisor", pt12_hypervisor_va, -XEN_EINVAL },
	{ "PT12-va-not-canonical", pt12_no_canonical, -XEN_EINVAL },
	{ "PT12-va-without-tables", pt12_no_tables, -XEN_EINVAL },
	{ "PT12-invlpg-hypervisor", pt12_invlpg_hypervisor, 0 },
	{ "PT12-invlpg-not-canonical", pt12_invlpg_no_canonical, 0 },
	{ "PT13-misaligned", pt13_misaligned, -XEN_EINVAL },
	{ "PT13-command-3", pt13_command_3, 0 },
	{ "PT14-clear-slot-256", pt14_clear, -XEN_EINVAL },
	{ "PT14-set-slot-262", pt14_set, -XEN_EINVAL },
	{ "PT14-prepared-L4", pt14_prepared, 0 },
	{ "PT16-reserved-bit-51-in-L1", pt16_reserved, -XEN_EINVAL },
	{ "PT16-reserved-bit-51-in-L3", pt16_reserved_l3, -XEN_EINVAL },
	{ "PT16-global-in-L1", pt16_global, 0 },
	{ "PT16-global-in-L2", pt16_global_l2, -XEN_EINVAL },
	{ "PT16-mfn-beyond-RAM", pt16_bad_mfn, -XEN_EINVAL },
	{ "PT17-PCD-on-RAM", pt17_pcd, -XEN_EINVAL },
	{ "PT17-PWT-on-RAM", pt17_pwt, -XEN_EINVAL },
	{ "PT18-absent-entry-with-mfn", pt18_absent_with_mfn, 0 },
	{ 0 },
};
