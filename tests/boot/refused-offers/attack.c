/* SPDX-License-Identifier: MIT */
/* Attacks on frames that are shared, were given up, or look as if shared. */
#include "refused_offers.h"

static uint64_t alias_l1[512] __attribute__((aligned(4096)));

static long pte_write(uint64_t va, uint64_t pte, uint64_t kind)
{
	struct mmu_update u = { gl_pte_maddr(va) | kind, pte };

	return hypercall_mmu_update(&u, 1, NULL, DOMID_SELF);
}

static long mmuext(unsigned int cmd, uint64_t mfn)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = mfn };

	return hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

/* A frame that two pages of ours hold, made writable by each way there is. */
static void test_force(void)
{
	uint64_t va = filled(6000), twin = filled(6000), pte, mfn;
	uint64_t table = (uint64_t)alias_l1;
	uint64_t own = gl_virt_to_mfn(table);

	gl_test_equal(offer(twin), SHARE_DONE);
	gl_test_equal(offer(va), SHARE_DONE);
	pte = gl_pte_read(va);
	mfn = gl_virt_to_mfn(va);
	gl_test_check(gl_map_page(va, mfn, GL_PTE_KERNEL) < 0);
	gl_test_check(gl_map_page(ALIAS_VA, mfn, GL_PTE_KERNEL) < 0);
	gl_test_check(pte_write(va, pte | GL_PTE_WRITE, 0) < 0);
	gl_test_check(pte_write(va, pte | GL_PTE_WRITE,
				MMU_PT_UPDATE_PRESERVE_AD) < 0);
	gl_test_check(mmuext(MMUEXT_CLEAR_PAGE, mfn) < 0);
	gl_test_check(mmuext(MMUEXT_PIN_L1_TABLE, mfn) < 0);
	alias_l1[7] = mfn << 12 | GL_PTE_KERNEL;
	gl_test_equal(gl_map_page(table, own, GL_PTE_KERNEL_RO), 0);
	gl_test_check(mmuext(MMUEXT_PIN_L1_TABLE, own) < 0);
	gl_test_equal(gl_map_page(table, own, GL_PTE_KERNEL), 0);
	alias_l1[7] = mfn << 12 | GL_PTE_KERNEL_RO | SHARE_PTE_AVL;
	gl_test_equal(gl_map_page(table, own, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(mmuext(MMUEXT_PIN_L1_TABLE, own), 0);
	gl_test_equal(info().mappings, 3);
	audit("a table with a held frame");
	gl_test_equal(mmuext(MMUEXT_UNPIN_TABLE, own), 0);
	gl_test_equal(gl_map_page(table, own, GL_PTE_KERNEL), 0);
	gl_test_equal(info().mappings, 2);
	gl_test_check(intact(va, 6000) && !gl_probe_write(va, 1));
	gl_test_equal(gl_unmap_page(va), 0);
	/* Only now it may: nobody else has it.  Then it is given up. */
	gl_test_equal(gl_map_page(twin, mfn, GL_PTE_KERNEL), 0);
	gl_test_equal(offer(twin), SHARE_DONE);
	mfn = gl_virt_to_mfn(twin);
	gl_test_equal(gl_unmap_page(twin), 0);
	gl_test_equal(gl_map_page(va, mfn, GL_PTE_KERNEL_RO), -XEN_EPERM);
	audit("force");
}

/* The frame that was given up: no name of it works any more. */
static void test_old(void)
{
	uint64_t va = filled(7000), mfn = gl_virt_to_mfn(va);
	struct xen_memory_reservation r = { .nr_extents = 1,
					    .domid = DOMID_SELF };
	struct mmu_update u = { mfn << 12 | MMU_MACHPHYS_UPDATE, 5 };

	set_xen_guest_handle(r.extent_start, &mfn);
	gl_test_equal(offer(va), SHARE_DONE);
	gl_test_check(gl_virt_to_mfn(va) != mfn);
	gl_test_check(gl_map_page(ALIAS_VA, mfn, GL_PTE_KERNEL) < 0);
	gl_test_check(gl_map_page(ALIAS_VA, mfn, GL_PTE_KERNEL_RO) < 0);
	for (unsigned int i = 0; i < 4; i++)
		gl_test_check(mmuext(MMUEXT_PIN_L1_TABLE + i, mfn) < 0);
	gl_test_check(mmuext(MMUEXT_CLEAR_PAGE, mfn) < 0);
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &r), 0);
	gl_test_check(hypercall_mmu_update(&u, 1, NULL, DOMID_SELF) < 0);
	u.ptr = mfn << 12;
	gl_test_check(hypercall_mmu_update(&u, 1, NULL, DOMID_SELF) < 0);
	gl_test_check(intact(va, 7000));
	gl_test_equal(unshare(va), SHARE_DONE);
	audit("old names");
}

/* Bit 53 is the hypervisor's: what a guest puts there is not believed. */
static void test_forged(void)
{
	uint64_t va = filled(8000), mfn = gl_virt_to_mfn(va);
	struct shareop_entry two = { .pte = { va, ALIAS_VA }, .nr_ptes = 2 };
	uint64_t pte;

	gl_test_equal(gl_map_page(va, mfn, GL_PTE_KERNEL | SHARE_PTE_AVL), 0);
	gl_test_check(!(gl_pte_read(va) & SHARE_PTE_AVL));
	gl_test_equal(unshare(va), SHARE_NOT_SHARED);
	gl_test_equal(offer(va), SHARE_DONE);
	gl_test_equal(offer(va), SHARE_ALREADY);
	pte = gl_pte_read(va);
	gl_test_equal(pte_write(va, pte & ~SHARE_PTE_AVL, 0), 0);
	gl_test_equal(gl_pte_read(va), pte);
	mfn = gl_virt_to_mfn(va);
	gl_test_equal(gl_map_page(ALIAS_VA, mfn, GL_PTE_KERNEL_RO |
				  SHARE_PTE_AVL), 0);
	gl_test_check(!(gl_pte_read(ALIAS_VA) & SHARE_PTE_AVL));
	gl_test_equal(entry_do(SHAREOP_unshare, &two), SHARE_DONE);
	gl_test_equal(two.mfn, mfn);	/* all its mappings: no copy */
	gl_test_check(gl_probe_write(va, 1) && !gl_probe_write(ALIAS_VA, 1));
	gl_test_equal(gl_unmap_page(ALIAS_VA), 0);
	gl_page_free(va);
	audit("forged bits");
}

unsigned int attack_tests(void)
{
	test_force();
	test_old();
	test_forged();
	return gl_test_failures;
}
