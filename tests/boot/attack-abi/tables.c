/* SPDX-License-Identifier: MIT */
/* Whole tables: PT3, PT4, PT11, PT19, PT22, LP1-LP7, TL1. */
#include "attack_abi.h"

static long pin(unsigned int level, uint64_t mfn)
{
	return ext_op(MMUEXT_PIN_L1_TABLE + level - 1, mfn, 0);
}

static long unpin(uint64_t mfn)
{
	return ext_op(MMUEXT_UNPIN_TABLE, mfn, 0);
}

/* PT3: numbers that are no frames. */
static long pt3_pin_all_ones(void) { return pin(1, ~0UL); }
static long pt3_pin_2_52(void) { return pin(4, 1UL << 52); }
static long pt3_unpin_all_ones(void) { return unpin(~0UL); }
static long pt3_base_all_ones(void) { return ext_op(MMUEXT_NEW_BASEPTR, ~0UL, 0); }
static long pt3_user_base_2_40(void) { return ext_op(MMUEXT_NEW_USER_BASEPTR, 1UL << 40, 0); }
static long pt3_clear_all_ones(void) { return ext_op(MMUEXT_CLEAR_PAGE, ~0UL, 0); }

/* PT4: a second use beside a pinned table. */
static long beside(unsigned int level, long (*use)(uint64_t va, uint64_t mfn))
{
	uint64_t va, mfn = table_page(&va);
	long r;

	gl_test_equal(pin(level, mfn), 0);
	r = use(va, mfn);
	gl_test_equal(unpin(mfn), 0);
	table_free(va);
	return r;
}

static long use_rw(uint64_t va, uint64_t mfn) { return map_at(va, mfn, GL_PTE_KERNEL); }
static long use_l3(uint64_t va, uint64_t mfn) { return pin(3, mfn); }
static long use_clear(uint64_t va, uint64_t mfn) { return ext_op(MMUEXT_CLEAR_PAGE, mfn, 0); }
static long use_gdt(uint64_t va, uint64_t mfn)
{
	return gl_hypercall(__HYPERVISOR_set_gdt, (unsigned long)&mfn, 512, 0, 0, 0);
}

static long pt4_l1_rw(void) { return beside(1, use_rw); }
static long pt4_l2_rw(void) { return beside(2, use_rw); }
static long pt4_l4_rw(void) { return beside(4, use_rw); }
static long pt4_l1_as_l3(void) { return beside(1, use_l3); }
static long pt4_l1_cleared(void) { return beside(1, use_clear); }
static long pt4_l1_as_gdt(void) { return beside(1, use_gdt); }

/* PT4: a writable page as a table. */
static long pt4_rw_as_l1(void)
{
	uint64_t va = must_alloc();
	long r;

	memset((void *)va, 0, GL_PAGE_BYTES);
	r = pin(1, gl_virt_to_mfn(va));
	gl_page_free(va);
	return r;
}

/* PT11: the hypervisor's page as a table. */
static long pt11_pin_shared_info(void)
{
	return pin(1, gl_start_info->shared_info >> 12);
}

/* PT19 */
static long pt19_gdt_too_long(void)
{
	uint64_t mfns[17] = { 0 };

	return gl_hypercall(__HYPERVISOR_set_gdt, (unsigned long)mfns, 8193, 0, 0, 0);
}

static long pt19_ldt_misaligned(void)
{
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };

	op.arg1.linear_addr = 0x200008;
	op.arg2.nr_ents = 8;
	return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

static long pt19_ldt_too_long(void)
{
	struct mmuext_op op = { .cmd = MMUEXT_SET_LDT };

	op.arg1.linear_addr = 0x200000;
	op.arg2.nr_ents = 8193;
	return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* PT22 */
static long again(unsigned int level, unsigned int second)
{
	uint64_t va, mfn = table_page(&va);
	long r;

	gl_test_equal(pin(level, mfn), 0);
	r = pin(second, mfn);
	gl_test_equal(unpin(mfn), 0);
	if (second == level)
		gl_test_check(unpin(mfn) < 0);
	table_free(va);
	return r;
}

static long pt22_pin_twice(void) { return again(2, 2); }
static long pt22_pin_other_level(void) { return again(2, 4); }
static long pt22_unpin_never_pinned(void)
{
	uint64_t va, mfn = table_page(&va);
	long r = unpin(mfn);

	table_free(va);
	return r;
}

/* --- linear page tables --- */

static long linear(unsigned int slot, uint64_t mfn, uint64_t flags)
{
	long r = pte_set(l4_slot(slot), mfn << 12 | flags);

	gl_test_equal(pte_set(l4_slot(slot), 0), 0);
	return r;
}

static long lp1_self_ro(void) { return linear(FREE_SLOT, L4_MFN, GL_PTE_KERNEL_RO); }
static long lp1_self_rw(void) { return linear(FREE_SLOT, L4_MFN, GL_PTE_KERNEL); }

/* Two more L4 tables, pinned. */
static void pin_two(uint64_t va[2], uint64_t mfn[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		mfn[i] = table_page(&va[i]);
		gl_test_equal(pin(4, mfn[i]), 0);
	}
}

static void unpin_two(uint64_t va[2], uint64_t mfn[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		gl_test_equal(unpin(mfn[i]), 0);
		table_free(va[i]);
	}
}

static long lp2_other(void)
{
	uint64_t va[2], mfn[2];
	long r;

	pin_two(va, mfn);
	r = linear(FREE_SLOT, mfn[0], GL_PTE_KERNEL_RO);
	unpin_two(va, mfn);
	return r;
}

/* LP2: ours to the first, the first to the second. */
static long lp2_chain(void)
{
	uint64_t va[2], mfn[2];
	long r;

	pin_two(va, mfn);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), mfn[0] << 12 | GL_PTE_KERNEL_RO), 0);
	r = pte_set((mfn[0] << 12) + 8, mfn[1] << 12 | GL_PTE_KERNEL_RO);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), 0), 0);
	unpin_two(va, mfn);
	return r;
}

/* LP4: a table of two levels below. */
static long lp4_other_level(void)
{
	uint64_t va, mfn = table_page(&va);
	long r;

	gl_test_equal(pin(2, mfn), 0);
	r = linear(FREE_SLOT, mfn, GL_PTE_KERNEL_RO);
	gl_test_equal(unpin(mfn), 0);
	table_free(va);
	return r;
}

/*
 * LP7, seed 003 case 2: freed while we use it as a page table, then wanted
 * writable.
 */
static long lp7_freed_then_writable(void)
{
	uint64_t va, mfn = table_page(&va);
	long r;

	gl_test_equal(pin(4, mfn), 0);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), mfn << 12 | GL_PTE_KERNEL_RO), 0);
	gl_test_equal(unpin(mfn), 0);
	r = map_at(va, mfn, GL_PTE_KERNEL);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), 0), 0);
	table_free(va);
	return r;
}

static long lp7_freed_then_l1(void)
{
	uint64_t va, mfn = table_page(&va);
	long r;

	gl_test_equal(pin(4, mfn), 0);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), mfn << 12 | GL_PTE_KERNEL_RO), 0);
	gl_test_equal(unpin(mfn), 0);
	r = pin(1, mfn);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), 0), 0);
	if (!r)
		gl_test_equal(unpin(mfn), 0);
	table_free(va);
	return r;
}

/* LP: a walk through the self-map names no L1 entry. */
static long lp1_edit_through_self(void)
{
	const uint64_t va = 0xffff000000000000 | 300UL << 39 | 300UL << 30 |
			    300UL << 21 | 300UL << 12;
	long r;

	gl_test_equal(pte_set(l4_slot(FREE_SLOT), L4_MFN << 12 | GL_PTE_KERNEL_RO), 0);
	r = hypercall_update_va_mapping(va, 0, 0);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), 0), 0);
	return r;
}

/*
 * LP9: nor does one that goes on through the slots of the hypervisor, whose
 * tables have entries of large pages.  What was not refused, or -EINVAL.
 */
static long lp9_slots_of_hypervisor(void)
{
	const uint64_t self = 0xffff000000000000 | (uint64_t)FREE_SLOT << 39;
	uint64_t slot, i;
	long r = -XEN_EINVAL;

	gl_test_equal(pte_set(l4_slot(FREE_SLOT), L4_MFN << 12 | GL_PTE_KERNEL_RO), 0);
	for (slot = 256; slot < 272; slot++)
		for (i = 0; i < 16 && r == -XEN_EINVAL; i++)
			r = hypercall_update_va_mapping(self | slot << 30 | i << 21, 0, 0);
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), 0), 0);
	return r;
}

/*
 * LP10: nor are those tables, or what they map, read for a guest: by an
 * argument at such an address, which the guest itself cannot read.
 */
static long lp10_argument_in_slots(void)
{
	const uint64_t self = 0xffff000000000000 | (uint64_t)FREE_SLOT << 39;
	uint64_t slot, i, va, word;
	long r = -XEN_EFAULT;

	gl_test_equal(pte_set(l4_slot(FREE_SLOT), L4_MFN << 12 | GL_PTE_KERNEL_RO), 0);
	for (slot = 257; slot < 272; slot++)
		for (i = 0; i < 16 && r == -XEN_EFAULT; i++) {
			va = self | slot << 30 | (i & 7) << 21 | (i >> 3) << 12;
			gl_test_check(!gl_probe_read(va, &word));
			r = gl_hypercall(__HYPERVISOR_mmuext_op, va, 1, 0, DOMID_SELF, 0);
		}
	gl_test_equal(pte_set(l4_slot(FREE_SLOT), 0), 0);
	return r;
}

/*
 * TL1: the second call of a multicall changes the hierarchy, the third edits by
 * address: 1 if it edits the new one.
 */
static long tl1_new_hierarchy(void)
{
	const uint64_t slot = 301, va = 0xffff000000000000 | slot << 39;
	uint64_t v[3], m[3], page = must_alloc(), value = 0;
	struct mmu_update req;
	struct multicall_entry c[2];
	long r;

	for (unsigned int i = 0; i < 3; i++)
		m[i] = table_page(&v[i]);
	/* L3 -> L2 -> L1, pinned; L4 gets it in the multicall. */
	gl_test_equal(pin(3, m[0]), 0);
	gl_test_equal(pte_set(m[0] << 12, m[1] << 12 | GL_PTE_KERNEL), 0);
	gl_test_equal(pte_set(m[1] << 12, m[2] << 12 | GL_PTE_KERNEL), 0);
	req.ptr = l4_slot(slot);
	req.val = m[0] << 12 | GL_PTE_KERNEL;
	memset(c, 0, sizeof(c));
	c[0].op = __HYPERVISOR_mmu_update;
	c[0].args[0] = (unsigned long)&req;
	c[0].args[1] = 1;
	c[0].args[3] = DOMID_SELF;
	c[1].op = __HYPERVISOR_update_va_mapping;
	c[1].args[0] = va;
	c[1].args[1] = maddr_of(page) | GL_PTE_KERNEL_RO;
	c[1].args[2] = UVMF_INVLPG;
	*(uint64_t *)page = 0x711;
	gl_test_equal(hypercall_multicall(c, 2), 0);
	r = !c[0].result && !c[1].result && gl_probe_read(va, &value) &&
	    value == 0x711;
	gl_test_equal(pte_set(req.ptr, 0), 0);
	gl_test_equal(unpin(m[0]), 0);
	for (unsigned int i = 0; i < 3; i++)
		table_free(v[i]);
	gl_page_free(page);
	return r;
}

const struct attack table_attacks[] = {
	{ "PT3-pin-all-ones", pt3_pin_all_ones, -XEN_EINVAL },
	{ "PT3-pin-2^52", pt3_pin_2_52, -XEN_EINVAL },
	{ "PT3-unpin-all-ones", pt3_unpin_all_ones, -XEN_EINVAL },
	{ "PT3-new-baseptr-all-ones", pt3_base_all_ones, -XEN_EINVAL },
	{ "PT3-user-baseptr-2^40", pt3_user_base_2_40, -XEN_EINVAL },
	{ "PT3-clear-page-all-ones", pt3_clear_all_ones, -XEN_EINVAL },
	{ "PT4-L1-mapped-writable", pt4_l1_rw, -XEN_EBUSY },
	{ "PT4-L2-mapped-writable", pt4_l2_rw, -XEN_EBUSY },
	{ "PT4-L4-mapped-writable", pt4_l4_rw, -XEN_EBUSY },
	{ "PT4-L1-pinned-as-L3", pt4_l1_as_l3, -XEN_EBUSY },
	{ "PT4-L1-cleared", pt4_l1_cleared, -XEN_EBUSY },
	{ "PT4-L1-as-GDT", pt4_l1_as_gdt, -XEN_EBUSY },
	{ "PT4-writable-page-pinned", pt4_rw_as_l1, -XEN_EBUSY },
	{ "PT11-pin-shared-info", pt11_pin_shared_info, -XEN_EPERM },
	{ "PT19-GDT-too-long", pt19_gdt_too_long, -XEN_EINVAL },
	{ "PT19-LDT-misaligned", pt19_ldt_misaligned, -XEN_EINVAL },
	{ "PT19-LDT-too-long", pt19_ldt_too_long, -XEN_EINVAL },
	{ "PT22-pin-twice", pt22_pin_twice, -XEN_EINVAL },
	{ "PT22-pin-as-other-level", pt22_pin_other_level, -XEN_EBUSY },
	{ "PT22-unpin-never-pinned", pt22_unpin_never_pinned, -XEN_EINVAL },
	{ "LP1-self-read-only", lp1_self_ro, 0 },
	{ "LP1-self-writable", lp1_self_rw, -XEN_EINVAL },
	{ "LP1-edit-through-self", lp1_edit_through_self, -XEN_EINVAL },
	{ "LP2-other-table", lp2_other, 0 },
	{ "LP2-chain-of-two", lp2_chain, -XEN_EBUSY },
	{ "LP4-table-of-another-level", lp4_other_level, -XEN_EBUSY },
	{ "LP7-freed-then-writable", lp7_freed_then_writable, -XEN_EMLINK },
	{ "LP7-freed-then-L1", lp7_freed_then_l1, -XEN_EMLINK },
	{ "LP9-slots-of-the-hypervisor", lp9_slots_of_hypervisor, -XEN_EINVAL },
	{ "LP10-argument-in-those-slots", lp10_argument_in_slots, -XEN_EFAULT },
	{ "TL1-new-hierarchy-in-multicall", tl1_new_hierarchy, 1 },
	{ 0 },
};
