/* SPDX-License-Identifier: MIT */
/*
 * Offers that must be refused, each with its reason, and attacks on what is
 * shared.  After each group of them the hypervisor recounts itself
 * (SHAREOP_audit).
 */
#include "refused_offers.h"

#define FULL		SHARE_BATCH_MAX

static struct shareop_entry batch[FULL];
static uint64_t page[FULL];

static void test_aliases(void)
{
	uint64_t va = filled(1000), mfn = gl_virt_to_mfn(va);
	struct shareop_entry two = { .pte = { va, ALIAS_VA }, .nr_ptes = 2 };

	gl_test_equal(gl_map_page(ALIAS_VA, mfn, GL_PTE_KERNEL), 0);
	gl_test_equal(offer(va), SHARE_OTHER_WRITABLE);
	gl_test_equal(gl_map_page(ALIAS_VA, mfn, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(offer(va), SHARE_OTHER_MAPPING);
	gl_test_equal(offer(ALIAS_VA), SHARE_OTHER_WRITABLE);
	gl_test_check(gl_probe_write(va, 1000));
	gl_test_equal(entry_do(SHAREOP_batch, &two), SHARE_DONE);
	gl_test_equal((gl_pte_read(va) & GL_PTE_FRAME) >> 12, two.mfn);
	gl_test_equal((gl_pte_read(ALIAS_VA) & GL_PTE_FRAME) >> 12, two.mfn);
	gl_test_check(gl_pte_read(va) & SHARE_PTE_AVL);
	gl_test_check(!(gl_pte_read(ALIAS_VA) & SHARE_PTE_AVL));
	gl_test_check(intact(ALIAS_VA, 1000) && !gl_probe_write(va, 7) &&
		      !gl_probe_write(ALIAS_VA, 7));
	/*
	 * One of the two breaks: they part. One page was given, one comes back.
	 */
	gl_test_equal(unshare(va), SHARE_DONE);
	gl_test_check(gl_probe_write(va, 5) && intact(ALIAS_VA, 1000));
	two = named(ALIAS_VA);
	gl_test_equal(entry_do(SHAREOP_unshare, &two), SHARE_NO_MEMORY);
	gl_test_check(!gl_probe_write(ALIAS_VA, 6) && intact(ALIAS_VA, 1000));
	gl_test_equal(gl_unmap_page(ALIAS_VA), 0);
	audit("aliases");
}

static void test_types(void)
{
	uint64_t gdt = gl_page_alloc(), frame = gl_virt_to_mfn(gdt);

	gl_test_equal(offer((uint64_t)gl_l1_of(gdt)), SHARE_TYPE);
	gl_test_equal(offer(gl_start_info->pt_base), SHARE_TYPE);
	gl_test_equal(offer((uint64_t)&gl_shared_info), SHARE_NOT_OWNED);
	memset((void *)gdt, 0, 4096);
	gl_test_equal(gl_map_page(gdt, frame, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(gl_hypercall(__HYPERVISOR_set_gdt, (unsigned long)&frame,
				   512, 0, 0, 0), 0);
	gl_test_equal(offer(gdt), SHARE_TYPE);
	gl_test_equal(gl_hypercall(__HYPERVISOR_set_gdt, 0, 0, 0, 0, 0), 0);
	gl_test_equal(gl_map_page(gdt, frame, GL_PTE_KERNEL), 0);
	gl_page_free(gdt);
	audit("types");
}

static void test_names(void)
{
	uint64_t va = filled(2000), mfn = gl_virt_to_mfn(va), names[64];
	struct shareop_entry e;

	gl_test_equal(offer(mfn << 12 | 1), SHARE_BAD_PTE);
	gl_test_equal(offer(gl_virt_to_mfn(gl_start_info->pt_base) << 12 | 1),
		      SHARE_BAD_PTE);
	gl_test_equal(offer(0x100000 | 1), SHARE_BAD_PTE);
	gl_test_equal(offer(0x000ffffffffff000 | 1), SHARE_BAD_PTE);
	gl_test_equal(offer(~0UL), SHARE_BAD_PTE);
	gl_test_equal(offer(gl_pte_maddr(va) | 5), SHARE_BAD_PTE);
	gl_test_equal(offer(va + 8), SHARE_BAD_PTE);
	gl_test_equal(offer(0x0000800000000000), SHARE_BAD_PTE);
	gl_test_equal(offer(0xffff800000000000), SHARE_BAD_PTE);
	gl_test_equal(offer(0xffff830000000000), SHARE_BAD_PTE);
	gl_test_equal(offer(0), SHARE_NOT_MAPPED);
	gl_test_equal(offer(0x00007f0000000000), SHARE_NOT_MAPPED);
	for (unsigned int n = 0; n < 64; n++)
		names[n] = n % 2 ? va : gl_pte_maddr(va) | 1;
	for (unsigned int n = 0; n <= 65; n += n == 3 ? 61 : 1) {
		if (n == 1)
			continue;
		e = named(n > 2 ? (uint64_t)names : va);
		e.pte[1] = va;
		e.nr_ptes = n;
		gl_test_equal(entry_do(SHAREOP_batch, &e), SHARE_BAD_PTE);
	}
	e = named(0x1000);	/* an array of names that cannot be read */
	e.pte[0] = 0;
	e.nr_ptes = 3;
	gl_test_equal(entry_do(SHAREOP_batch, &e), SHARE_BAD_PTE);
	e = named(va);
	e.reserved = 1;
	gl_test_equal(entry_do(SHAREOP_batch, &e), SHARE_BAD_PTE);
	gl_test_check(gl_probe_write(va, 2000));
	gl_test_equal(offer(gl_pte_maddr(va) | 1), SHARE_DONE);
	gl_p2m_set(gl_virt_to_pfn(va),
		   (gl_pte_read(va) & GL_PTE_FRAME) >> 12);
	gl_test_equal(unshare(va), SHARE_DONE);
	gl_test_equal(unshare(va), SHARE_NOT_SHARED);
	audit("names");
}

static void test_counts(void)
{
	static const uint64_t counts[] = { 0, 513, 0xffffffff, 0x100000001,
					   ~0UL };

	for (unsigned int i = 0; i < 5; i++) {
		gl_test_equal(call(SHAREOP_batch, batch, counts[i]),
			      -XEN_EINVAL);
		gl_test_equal(call(SHAREOP_unshare, batch, counts[i]),
			      -XEN_EINVAL);
	}
	gl_test_equal(hypercall_make_ro_and_share(9, 0, 0, 0), -XEN_EINVAL);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_batch,
						  (unsigned long)batch, 1, 1),
		      -XEN_EINVAL);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_single, 8, 0, 0),
		      -XEN_EINVAL);
	gl_test_equal(call(SHAREOP_batch, (void *)0xffff830000000000, 1),
		      -XEN_EFAULT);
}

/* Every 7th is bad, every 16th a repetition: the others are done. */
static void test_batch(void)
{
	for (unsigned int i = 0; i < FULL; i++) {
		page[i] = filled(5000 + i / 2);
		batch[i] = named(i % 7 == 3 ? i << 28 | 0x7000000000UL :
				 i % 16 == 15 ? page[i % 7 == 4 ? i - 2 : i - 1] :
				 page[i]);
		if (i % 7 == 2 && i % 16 == 15)
			batch[i] = named(page[i]);
	}
	batch[63] = named(page[40]);	/* and one of the chunk before */
	gl_test_equal(call(SHAREOP_batch, batch, FULL), 0);
	for (unsigned int i = 0; i < FULL; i++) {
		if (batch[i].pte[0] == page[i]) {
			gl_test_equal(batch[i].status, SHARE_DONE);
			gl_p2m_set(gl_virt_to_pfn(page[i]), batch[i].mfn);
			gl_test_check(!gl_probe_write(page[i], 1));
		} else {
			gl_test_check(batch[i].status != SHARE_DONE);
		}
		gl_test_check(intact(page[i], 5000 + i / 2));
	}
	audit("a batch");
	gl_test_equal(call(SHAREOP_unshare, batch, FULL), 0);
	for (unsigned int i = 0; i < FULL; i++) {
		if (batch[i].pte[0] == page[i]) {
			gl_p2m_set(gl_virt_to_pfn(page[i]), batch[i].mfn);
			gl_test_check(gl_probe_write(page[i], 5000 + i / 2));
		}
		gl_page_free(page[i]);
	}
	gl_test_equal(info().held, 0);
	audit("its end");
}

static void test_arrays(void)
{
	uint64_t va = filled(3000), at = gl_page_alloc();
	struct shareop_entry *e = (struct shareop_entry *)at;
	uint64_t mfn = gl_virt_to_mfn(at);

	e[0] = named(va);
	gl_test_equal(gl_map_page(at, mfn, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(call(SHAREOP_batch, e, 1), -XEN_EFAULT);
	gl_test_check(gl_pte_read(va) & GL_PTE_WRITE);
	gl_test_equal(gl_map_page(at, mfn, GL_PTE_KERNEL), 0);
	gl_test_equal(call(SHAREOP_batch, (void *)0x00007f0000000000, 1),
		      -XEN_EFAULT);
	e[0] = named(at);	/* itself: what was done stays done */
	gl_test_equal(call(SHAREOP_batch, e, 1), -XEN_EFAULT);
	gl_test_check(gl_pte_read(at) & SHARE_PTE_AVL);
	gl_test_equal(e[0].status, SHARE_NOT_TRIED);
	gl_test_equal(unshare(at), SHARE_DONE);
	gl_test_check(gl_probe_write(at, 1));
	gl_page_free(at);
	gl_page_free(va);
	audit("arrays");
}

/* The call is made on a stack in the page that is offered. */
static void test_stack(void)
{
	uint64_t va = filled(4000), top = va + 4096;
	bool on = gl_events_save();
	long rc;

	__asm__ volatile("mov %%rsp, %%rbx; mov %[top], %%rsp;"
			 "call hypercall_page + 55 * 32; mov %%rbx, %%rsp"
			 : "=a"(rc) : [top] "r"(top), "D"((long)SHAREOP_single),
			   "S"(va), "d"(0L)
			 : "rbx", "rcx", "r10", "r11", "memory");
	gl_events_restore(on);
	gl_test_check(rc > 0 || rc == -XEN_EINVAL);
	if (rc > 0)
		gl_test_equal(unshare(va), SHARE_DONE);
	gl_test_check(gl_probe_write(va, 1));
	gl_page_free(va);
	audit("a stack");
}

static void test_budget(void)
{
	uint64_t va[6], again = filled(9001);

	for (unsigned int i = 0; i < 5; i++) {
		va[i] = filled(9000 + i);
		gl_test_equal(offer(va[i]), i < 4 ? SHARE_DONE : SHARE_LIMIT);
	}
	gl_test_check(gl_probe_write(va[4], 9004));
	gl_test_equal(offer(again), SHARE_DONE);
	gl_test_equal(gl_virt_to_mfn(again), gl_virt_to_mfn(va[1]));
	gl_test_equal(info().held, 4);
	gl_test_equal(info().mappings, 5);
	gl_test_equal(unshare(va[0]), SHARE_DONE);
	gl_test_equal(offer(va[4]), SHARE_DONE);
	gl_test_equal(offer(va[0]), SHARE_LIMIT);
	audit("the budget");
}

void gl_main(void)
{
	uint64_t before = info().tot_pages;

	if (gl_cmdline_u64("budget", 0)) {
		test_budget();
		gl_test_done();
	}
	test_aliases();
	test_types();
	test_names();
	test_counts();
	test_batch();
	test_arrays();
	test_stack();
	gl_test_failures += attack_tests();
	/* Gone for good: the two frames of test_force(). */
	gl_test_equal(info().tot_pages, before - 2);
	gl_test_done();
}
