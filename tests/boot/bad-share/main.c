/* SPDX-License-Identifier: MIT */
/*
 * Offers that must not work, and what one may not do with what is shared: exact
 * results, neighbours in a batch undisturbed, every page as it was (SH1,
 * SH3-SH10, SH12, SH13, SH19, SH32, GT22's kin for tables).
 */
#include <gl/timer.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#include "../attack.h"

#define BATCH 150	/* more than two chunks */

static struct shareop_entry batch[SHARE_BATCH_MAX];
static uint64_t page[BATCH];

static int32_t status_of(struct shareop_entry e)
{
	batch[0] = e;
	gl_test_equal(offer_batch(batch, 1), 0);
	return batch[0].status;
}

/* By both calls: the batch's status and the single call's error. */
static void refused(uint64_t va, int32_t status, long error)
{
	int32_t got = status_of(entry_of(va));
	long single = offer(va);

	if (got != status || single != error)
		gl_test_fail("offer of %lx: status %d error %ld, not %d %ld",
			     va, got, single, status, error);
}

static void must_be_private(uint64_t va, uint64_t n)
{
	gl_test_check(pattern_intact(va, n));
	gl_test_check(gl_probe_write(va, pattern_word(n, 0)));
}

/* SH3: another mapping anywhere. */
static void test_aliases(void)
{
	uint64_t va = page[0], mfn = gl_virt_to_mfn(va);
	uint64_t l1 = must_alloc();

	gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL), 0);
	refused(va, SHARE_OTHER_WRITABLE, -XEN_EBUSY);
	refused(FAR_VA, SHARE_OTHER_WRITABLE, -XEN_EBUSY);
	gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL_RO), 0);
	refused(va, SHARE_OTHER_MAPPING, -XEN_EBUSY);
	refused(FAR_VA, SHARE_OTHER_WRITABLE, -XEN_EBUSY);
	must_be_private(va, 0);
	/* Two entries that each name one of the two mappings. */
	batch[0] = entry_of(va);
	batch[1] = entry_of(FAR_VA);
	gl_test_equal(offer_batch(batch, 2), 0);
	gl_test_check(batch[0].status != SHARE_DONE);
	gl_test_check(batch[1].status != SHARE_DONE);
	must_be_private(va, 0);
	gl_test_equal(protect(va), 0);
	batch[0].status = batch[1].status = -1;
	gl_test_equal(offer_batch(batch, 2), 0);
	gl_test_equal(batch[0].status, SHARE_OTHER_MAPPING);
	gl_test_equal(batch[1].status, SHARE_OTHER_MAPPING);
	gl_test_equal(unprotect(va), 0);
	gl_unmap_page(FAR_VA);

	/* In a table that is pinned but not hooked in anywhere. */
	memset((void *)l1, 0, GL_PAGE_BYTES);
	((uint64_t *)l1)[7] = mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL;
	gl_test_equal(protect(l1), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, gl_virt_to_mfn(l1), 0), 0);
	refused(va, SHARE_OTHER_WRITABLE, -XEN_EBUSY);
	/* Named with it, it works: both entries lead to the new frame. */
	batch[0] = (struct shareop_entry){ .nr_ptes = 2, .pte = { va,
		((gl_virt_to_mfn(l1) << GL_PAGE_SHIFT) + 7 * 8) |
		SHARE_PTE_MADDR } };
	gl_test_equal(offer_batch(batch, 1), 0);
	gl_test_equal(batch[0].status, SHARE_DONE);
	gl_test_equal((((uint64_t *)l1)[7] & GL_PTE_FRAME) >> GL_PAGE_SHIFT,
		      batch[0].mfn);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, gl_virt_to_mfn(l1), 0), 0);
	gl_test_equal(unshare(va), SHARE_DONE);
	must_be_private(va, 0);
	gl_test_equal(unprotect(l1), 0);
	gl_page_free(l1);
}

/* SH4, SH5, SH6: what else a frame can be. */
static void test_kinds(void)
{
	uint64_t va = page[1], mfn = gl_virt_to_mfn(va), table;
	struct vcpu_register_vcpu_info info;

	table = gl_start_info->pt_base;
	for (unsigned int i = 0; i < 3; i++)
		refused(table + i * GL_PAGE_BYTES, SHARE_TYPE, -XEN_EBUSY);
	refused((uint64_t)&gl_shared_info & ~4095UL, SHARE_NOT_OWNED,
		-XEN_EPERM);
	gl_test_equal(protect(va), 0);
	memset(batch, 0, sizeof(batch));
	/* A GDT page: ours is all text, so take a page of zeroes. */
	gl_test_equal(unprotect(va), 0);
	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(protect(va), 0);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, (uint64_t)&mfn, 1, 0, 0,
			       0), 0);
	refused(va, SHARE_TYPE, -XEN_EBUSY);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, 0, 0, 0, 0, 0), 0);
	gl_test_equal(unprotect(va), 0);
	pattern_fill(va, 1);
	/* The console's ring and the start info are in use by others. */
	if (!gl_is_dom0())
		gl_test_check(offer(gl_pfn_to_virt(gl_mfn_to_pfn(
			gl_start_info->console.domU.mfn))) == -XEN_EBUSY);
	/* vcpu_info: for good, it cannot be moved back. */
	info = (struct vcpu_register_vcpu_info){
		.mfn = gl_virt_to_mfn(page[2]), .offset = 4096,
	};
	gl_test_equal(hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &info),
		      -XEN_EINVAL);
	info.offset = 4033;
	gl_test_equal(hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &info),
		      -XEN_EINVAL);
}

/* SH12, SH6: names that are none. */
static void test_names(void)
{
	static uint64_t names[SHARE_NAMES_MAX + 1];
	static uint64_t before[PAGE_WORDS];
	uint64_t va = page[3];
	uint64_t table = gl_pte_maddr(va) & ~4095UL;
	const struct { uint64_t name; int32_t status; } bad[] = {
		{ 0, SHARE_NOT_MAPPED }, { FAR_VA, SHARE_NOT_MAPPED },
		{ 0x123456780000UL & ~0UL, SHARE_NOT_MAPPED },
		{ va + 2, SHARE_BAD_PTE }, { va + 8, SHARE_BAD_PTE },
		{ HV_BASE, SHARE_BAD_PTE }, { HV_END - 4096, SHARE_BAD_PTE },
		{ 0x800000000000UL, SHARE_BAD_PTE },
		{ 1UL << 63, SHARE_BAD_PTE }, { ~0UL, SHARE_BAD_PTE },
		{ ~0UL << 12, SHARE_NOT_MAPPED },
		/* Machine addresses: of nothing, of data, of upper tables. */
		{ 1, SHARE_BAD_PTE }, { 1UL << 52 | 1, SHARE_BAD_PTE },
		{ gl_virt_to_mfn(va) << 12 | 1, SHARE_BAD_PTE },
		{ gl_virt_to_mfn(gl_start_info->pt_base) << 12 | 1,
		  SHARE_BAD_PTE },
		{ gl_start_info->shared_info | 1, SHARE_BAD_PTE },
		{ 0x100000 | 1, SHARE_BAD_PTE },
		{ gl_pte_maddr(va) | 5, SHARE_BAD_PTE },
		{ gl_pte_maddr(va) | 3, SHARE_BAD_PTE },
		{ table | 1, SHARE_NOT_MAPPED },	/* page 0 */
	};
	struct shareop_entry e;

	memcpy(before, (void *)va, GL_PAGE_BYTES);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int32_t got = status_of(entry_of(bad[i].name));

		if (i + 1 == sizeof(bad) / sizeof(bad[0]) && va >> 21)
			continue;	/* another table than page 0's */
		if (got != bad[i].status)
			gl_test_fail("name %lx: status %d, not %d",
				     bad[i].name, got, bad[i].status);
		gl_test_check(unshare_batch(batch, 1) == 0 &&
			      batch[0].status == bad[i].status);
	}
	e = entry_of(va);
	e.nr_ptes = 0;
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	e.nr_ptes = SHARE_NAMES_MAX + 1;
	e.pte[0] = (uint64_t)names;
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	e.nr_ptes = 0xffff;
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	e = entry_of(va);
	e.reserved = 1;
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	/* One mapping named twice; two frames in one entry. */
	e = (struct shareop_entry){ .pte = { va, va }, .nr_ptes = 2 };
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	e.pte[1] = gl_pte_maddr(va) | SHARE_PTE_MADDR;
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	e.pte[1] = page[4];
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	/* The array of names: unreadable, in the hypervisor, ending nowhere. */
	for (unsigned int i = 0; i < SHARE_NAMES_MAX; i++)
		names[i] = va;
	e = (struct shareop_entry){ .nr_ptes = 3 };
	for (unsigned int i = 0; i < 5; i++) {
		const uint64_t at[] = { FAR_VA, HV_BASE, 0, ~7UL,
					(uint64_t)names };

		e.pte[0] = at[i];
		gl_test_equal(status_of(e), SHARE_BAD_PTE);
	}
	e.nr_ptes = SHARE_NAMES_MAX;
	gl_test_equal(status_of(e), SHARE_BAD_PTE);
	gl_test_check(!memcmp(before, (void *)va, GL_PAGE_BYTES));
	must_be_private(va, 3);
}

/* SH12: a batch with something wrong in the middle, over several chunks. */
static void test_batch(void)
{
	for (unsigned int i = 0; i < BATCH; i++)
		batch[i] = entry_of(page[i]);
	batch[70] = entry_of(page[69]);			/* again */
	batch[71].nr_ptes = 0;
	batch[72] = entry_of(FAR_VA);
	batch[73] = entry_of(HV_BASE);
	/* from the first chunk */
	batch[140] = entry_of(page[10]);
	gl_test_equal(offer_batch(batch, BATCH), 0);
	for (unsigned int i = 0; i < BATCH; i++) {
		int32_t want = i == 70 ? SHARE_OTHER_MAPPING :
			       i == 71 ? SHARE_BAD_PTE :
			       i == 72 ? SHARE_NOT_MAPPED :
			       i == 73 ? SHARE_BAD_PTE :
			       i == 140 ? SHARE_ALREADY : SHARE_DONE;

		if (batch[i].status != want)
			gl_test_fail("entry %u: %d, not %d", i, batch[i].status,
				     want);
		gl_test_check(pattern_intact(page[i], i));
		if (want != SHARE_DONE)
			continue;
		gl_test_check(!gl_probe_write(page[i], 0));
		gl_p2m_set(gl_virt_to_pfn(page[i]), batch[i].mfn);
	}
	audit("a batch");
	/* The same for breaks: what was not shared is said so. */
	for (unsigned int i = 0; i < BATCH; i++)
		batch[i] = entry_of(page[i]);
	batch[20] = entry_of(page[19]);
	gl_test_equal(unshare_batch(batch, BATCH), 0);
	for (unsigned int i = 0; i < BATCH; i++) {
		bool was = !(i >= 70 && i <= 73) && i != 140 && i != 20;

		gl_test_equal(batch[i].status,
			      was ? SHARE_DONE : SHARE_NOT_SHARED);
		if (was)
			gl_p2m_set(gl_virt_to_pfn(page[i]), batch[i].mfn);
	}
	gl_test_equal(unshare(page[20]), SHARE_DONE);
	for (unsigned int i = 0; i < BATCH; i++)
		must_be_private(page[i], i);
}

/* SH13: the array in the page that is offered; the array read-only. */
static void test_own_array(void)
{
	uint64_t va = must_alloc();
	struct shareop_entry *e = (struct shareop_entry *)va;
	long rc;

	memset(e, 0, GL_PAGE_BYTES);
	e[0] = entry_of(va);
	e[1] = entry_of(page[5]);
	rc = offer_batch(e, 2);
	gl_test_equal(rc, -XEN_EFAULT);	/* done, but it cannot be told */
	gl_test_check(!gl_probe_write(va, 1));
	gl_test_equal(e[0].status, SHARE_NOT_TRIED);
	gl_test_equal(unshare(va), SHARE_DONE);
	gl_test_equal(unshare(page[5]), SHARE_DONE);
	must_be_private(page[5], 5);
	/* Read-only from the start: nothing is tried. */
	e[0] = entry_of(page[6]);
	gl_test_equal(protect(va), 0);
	gl_test_equal(offer_batch(e, 1), -XEN_EFAULT);
	gl_test_equal(unshare_batch(e, 1), -XEN_EFAULT);
	must_be_private(page[6], 6);
	gl_test_equal(unprotect(va), 0);
	/* Its second half is missing. */
	e = (struct shareop_entry *)(va + GL_PAGE_BYTES) - 1;
	*e = entry_of(page[6]);
	if (!(gl_pte_read(va + GL_PAGE_BYTES) & GL_PTE_PRESENT))
		gl_test_equal(offer_batch(e, 2), -XEN_EFAULT);
	gl_page_free(va);
}

/* SH13: the stack we stand on.  No push between the two calls. */
static void test_stack(void)
{
	uint64_t rsp, stack;
	static struct shareop_entry e;
	long shared, broken;

	__asm__ volatile("mov %%rsp, %0" : "=r"(rsp));
	stack = rsp & ~4095UL;
	e = entry_of(stack);
	gl_vcpu_info()->evtchn_upcall_mask = 1;
	__asm__ volatile("xor %%edi, %%edi; xor %%edx, %%edx\n\t"
			 "xor %%r10d, %%r10d; syscall\n\t"
			 "mov %%rax, %%r12; mov %%rbx, %%rsi\n\t"
			 "mov %[nr], %%eax; mov $2, %%edi; mov $1, %%edx\n\t"
			 "xor %%r10d, %%r10d; syscall\n\t"
			 "mov %%r12, %%rbx"
			 : "=a"(broken), "=b"(shared), "+S"(stack)
			 : [nr] "i"(__HYPERVISOR_make_ro_and_share),
			   "a"((long)__HYPERVISOR_make_ro_and_share), "b"(&e)
			 : "rcx", "rdx", "rdi", "r8", "r9", "r10", "r11", "r12",
			   "memory");
	gl_vcpu_info()->evtchn_upcall_mask = 0;
	gl_test_check(shared > 0);
	gl_test_equal(broken, 0);
	gl_test_equal(e.status, SHARE_DONE);
}

/*
 * What follows is of frames that the bystander holds, too: a frame that has one
 * holder becomes his as it stands.  The last page that it shares tells.
 */
static void await_bystander(void)
{
	uint64_t va = must_alloc(), mfn;

	do {
		gl_sleep_ns(1000000);
		pattern_fill(va, 199);
		mfn = must_share(va);
		gl_test_equal(unshare(va), SHARE_DONE);
	} while ((gl_pte_read(va) & GL_PTE_FRAME) >> GL_PAGE_SHIFT == mfn);
}

/* SH8, SH9, SH32, SH19, GT22: what may be done with a frame that is held. */
static void test_held(void)
{
	uint64_t va = page[7], old = gl_virt_to_mfn(va), at, mfn, pte, two[2];
	struct xen_memory_reservation r = { .nr_extents = 1,
					    .domid = DOMID_SELF };
	struct xen_memory_exchange x = { .in = { .nr_extents = 1,
						 .domid = DOMID_SELF } };

	mfn = must_share(va);
	pte = gl_pte_read(va);
	at = gl_pte_maddr(va);
	gl_test_check(mfn != old);
	gl_test_check(pte & SHARE_PTE_AVL);
	/* Writable, by any path. */
	gl_test_equal(unprotect(va), -XEN_EBUSY);
	gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL), -XEN_EBUSY);
	gl_test_equal(pte_set(at, pte | GL_PTE_WRITE), -XEN_EBUSY);
	gl_test_equal(pte_set(at | MMU_PT_UPDATE_PRESERVE_AD,
			      pte | GL_PTE_WRITE), -XEN_EBUSY);
	gl_test_equal(pte_set(mfn << GL_PAGE_SHIFT, 0), -XEN_EBUSY);
	gl_test_equal(ext_op(MMUEXT_CLEAR_PAGE, mfn, 0), -XEN_EBUSY);
	gl_test_equal(ext_op(MMUEXT_COPY_PAGE, mfn, mfn), -XEN_EBUSY);
	/* Typed, given away. */
	for (unsigned int level = 0; level < 4; level++)
		gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE + level, mfn, 0),
			      -XEN_EBUSY);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn, 0), -XEN_EBUSY);
	gl_test_equal(ext_op(MMUEXT_NEW_BASEPTR, mfn, 0), -XEN_EBUSY);
	gl_test_equal(raw_call(__HYPERVISOR_set_gdt, (uint64_t)&mfn, 1, 0, 0,
			       0), -XEN_EBUSY);
	gl_test_equal(raw_call(__HYPERVISOR_update_descriptor,
			       mfn << GL_PAGE_SHIFT, 0, 0, 0, 0), -XEN_EBUSY);
	two[0] = mfn;
	two[1] = gl_virt_to_pfn(va);
	r.extent_start.p = &two[0];
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &r), 0);
	x.in.extent_start.p = &two[0];
	x.out = x.in;
	x.out.extent_start.p = &two[1];
	gl_test_equal(hypercall_memory_op(XENMEM_exchange, &x), -XEN_EBUSY);
	/* The frame that it was (SH32). */
	gl_test_equal(map_at(FAR_VA, old, GL_PTE_KERNEL_RO), -XEN_EPERM);
	gl_test_equal(map_at(FAR_VA, old, GL_PTE_KERNEL), -XEN_EPERM);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, old, 0), -XEN_EPERM);
	two[0] = old;
	gl_test_equal(hypercall_memory_op(XENMEM_decrease_reservation, &r), 0);
	gl_test_equal(hypercall_memory_op(XENMEM_exchange, &x), -XEN_EPERM);
	/*
	 * The bit is not ours: dropped where it is not due, kept where it is
	 * (SH19).
	 */
	gl_test_equal(pte_set(at, pte & ~SHARE_PTE_AVL), 0);
	gl_test_check(gl_pte_read(va) & SHARE_PTE_AVL);
	gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL_RO | SHARE_PTE_AVL), 0);
	gl_test_check(!(gl_pte_read(FAR_VA) & SHARE_PTE_AVL));
	gl_test_check(pattern_intact(FAR_VA, 7));
	gl_test_check(!gl_probe_write(FAR_VA, 0));
	gl_test_equal(pte_set(gl_pte_maddr(FAR_VA), SHARE_PTE_AVL), 0);
	gl_test_equal(map_at(FAR_VA, gl_virt_to_mfn(page[8]),
			     GL_PTE_KERNEL_RO | SHARE_PTE_AVL), 0);
	gl_test_check(!(gl_pte_read(FAR_VA) & SHARE_PTE_AVL));
	gl_test_equal(unshare(FAR_VA), SHARE_NOT_SHARED);
	gl_unmap_page(FAR_VA);
	/* An unshare of one of two mappings: the other stays as it is. */
	gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(unshare(va), SHARE_DONE);
	must_be_private(va, 7);
	gl_test_check(pattern_intact(FAR_VA, 7));
	/* Drop the last mapping: it cannot be had again (SH9). */
	gl_unmap_page(FAR_VA);
	gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL_RO), -XEN_EPERM);
	gl_test_equal(gl_pte_read(FAR_VA) & GL_PTE_PRESENT, 0);
	audit("what is held");
}

/* A hold through a table only: it ends with the table's last use. */
static void test_hold_in_table(void)
{
	uint64_t va = page[9], l1 = must_alloc(), mfn = must_share(va);
	uint64_t l1_mfn = gl_virt_to_mfn(l1);

	memset((void *)l1, 0, GL_PAGE_BYTES);
	((uint64_t *)l1)[511] = mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO |
				SHARE_PTE_AVL;
	gl_test_equal(protect(l1), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, l1_mfn, 0), 0);
	gl_test_check(!(((uint64_t *)l1)[511] & SHARE_PTE_AVL));
	gl_test_equal(info_get().mappings, 2);
	gl_unmap_page(va);
	gl_test_equal(map_at(va, mfn, GL_PTE_KERNEL_RO), 0);
	gl_unmap_page(va);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, l1_mfn, 0), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, l1_mfn, 0), -XEN_EPERM);
	gl_test_equal(map_at(va, mfn, GL_PTE_KERNEL_RO), -XEN_EPERM);
	gl_test_equal(info_get().held, 0);
	audit("a hold in a table");
}

/*
 * TL2: no write after the call goes to the old frame, no read sees a stale one.
 */
static void test_stale(void)
{
	for (unsigned int n = 0; n < 200; n++) {
		uint64_t va = page[11 + n % 50], old = gl_virt_to_mfn(va);

		*(volatile uint64_t *)va = n;	/* the TLB has it writable */
		must_share(va);
		gl_test_check(!gl_probe_write(va, ~0UL));
		gl_test_equal(*(volatile uint64_t *)va, n);
		gl_test_equal(unshare(va), SHARE_DONE);
		*(volatile uint64_t *)va = n + 1;
		gl_test_equal(*(volatile uint64_t *)va, n + 1);
		(void)old;
	}
}

void gl_main(void)
{
	uint64_t va = must_alloc();

	if (gl_map_page(FAR_VA, gl_virt_to_mfn(va), GL_PTE_KERNEL_RO))
		gl_test_error("no page table");
	gl_unmap_page(FAR_VA);
	for (unsigned int i = 0; i < BATCH; i++) {
		page[i] = must_alloc();
		pattern_fill(page[i], i);
	}
	test_aliases();
	test_kinds();
	audit("refused offers");
	test_names();
	test_batch();
	test_own_array();
	test_stack();
	await_bystander();
	test_held();
	test_hold_in_table();
	test_stale();
	audit("everything");
	gl_test_done();
}
