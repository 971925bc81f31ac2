/* SPDX-License-Identifier: MIT */
/*
 * Trees that two vCPUs pin, change and give back; arguments that change
 * meanwhile.
 */
#include "pairs.h"

#define LEAVES	3	/* tables of 512 entries below one L2 */
#define REQUESTS 64

static uint64_t leaf[LEAVES], l2, l3[2], l4[2], target;

static uint64_t entry_of_page(uint64_t va)
{
	return gl_virt_to_mfn(va) << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO;
}

/* A page that is no table yet, full of zeros, and read-only. */
static uint64_t blank(void)
{
	uint64_t va = must_alloc();

	memset((void *)va, 0, GL_PAGE_BYTES);
	return va;
}

/* Two trees that have an L2 and its L1s in common. */
static void trees_make(void)
{
	target = blank();
	l2 = blank();
	for (unsigned int i = 0; i < LEAVES; i++) {
		leaf[i] = blank();
		for (unsigned int k = 0; k < PAGE_WORDS; k++)
			((uint64_t *)leaf[i])[k] = entry_of_page(target);
		((uint64_t *)l2)[i] = entry_of_page(leaf[i]) | GL_PTE_WRITE;
		gl_test_equal(protect(leaf[i]), 0);
	}
	for (unsigned int t = 0; t < 2; t++) {
		l3[t] = blank();
		l4[t] = blank();
		((uint64_t *)l3[t])[0] = entry_of_page(l2) | GL_PTE_WRITE;
		((uint64_t *)l4[t])[0] = entry_of_page(l3[t]) | GL_PTE_WRITE;
		gl_test_equal(protect(l3[t]), 0);
		gl_test_equal(protect(l4[t]), 0);
	}
	gl_test_equal(protect(target), 0);
	gl_test_equal(protect(l2), 0);
}

/* PT23, PR2: more than one call can do, and each ends. */
static void pin_both(unsigned int me, unsigned int n)
{
	long rc = ext_op(MMUEXT_PIN_L4_TABLE, gl_virt_to_mfn(l4[me]), 0);

	if (rc)
		wrong("vCPU %u does not pin: %ld", me, rc);
	rc = ext_op(MMUEXT_UNPIN_TABLE, gl_virt_to_mfn(l4[me]), 0);
	if (rc)
		wrong("vCPU %u does not unpin: %ld", me, rc);
}

/* PT8: one takes a tree apart; the other hooks the same L2 in and out. */
static void second_tree_pin(void)
{
	gl_test_equal(ext_op(MMUEXT_PIN_L4_TABLE, gl_virt_to_mfn(l4[1]), 0), 0);
}

static void hook_and_pin(unsigned int me, unsigned int n)
{
	uint64_t at = gl_virt_to_mfn(l3[1]) << GL_PAGE_SHIFT;
	long rc;

	if (!me) {
		pin_both(0, n);
		return;
	}
	rc = pte_set(at, 0);
	if (!rc)
		rc = pte_set(at, entry_of_page(l2) | GL_PTE_WRITE);
	if (rc)
		wrong("the L2 is not hooked: %ld", rc);
}

/* All is given back: the pages are writable again. */
static void trees_free(void)
{
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, gl_virt_to_mfn(l4[1]), 0), 0);
	for (unsigned int t = 0; t < 2; t++) {
		gl_test_equal(unprotect(l4[t]), 0);
		gl_test_equal(unprotect(l3[t]), 0);
	}
	gl_test_equal(unprotect(l2), 0);
	for (unsigned int i = 0; i < LEAVES; i++)
		gl_test_equal(unprotect(leaf[i]), 0);
	gl_test_equal(unprotect(target), 0);
}

/* --- CP4, PR3 --- */

static struct mmu_update requests[REQUESTS];
static uint64_t window;
static volatile bool called;

static void window_make(void)
{
	trees_free();
	window = gl_pages_alloc(REQUESTS);
	gl_test_check(window);
	for (unsigned int i = 0; i < REQUESTS; i++)
		gl_test_equal(gl_unmap_page(window + i * GL_PAGE_BYTES), 0);
}

static void request_write(unsigned int i, bool good)
{
	struct mmu_update *r = &requests[i];
	uint64_t at = gl_pte_maddr(window + i * GL_PAGE_BYTES);

	__atomic_store_n(&r->ptr, good ? at : at ^ 1UL << 30, __ATOMIC_RELAXED);
	__atomic_store_n(&r->val, good ? entry_of_page(target) :
			 1UL << GL_PAGE_SHIFT | GL_PTE_KERNEL, __ATOMIC_RELAXED);
}

static void requests_make(unsigned int n)
{
	called = false;
	for (unsigned int i = 0; i < REQUESTS; i++)
		request_write(i, true);
}

static void call_and_change(unsigned int me, unsigned int n)
{
	if (!me) {
		for (unsigned int i = 0; i < 4; i++)
			(void)hypercall_mmu_update(requests, REQUESTS, NULL, DOMID_SELF);
		called = true;
		return;
	}
	for (unsigned int i = n; !called; i++) {
		request_write(i % REQUESTS, false);
		request_write(i % REQUESTS, true);
	}
}

/* Nothing but what stood there at one time and was ours. */
static void window_look(unsigned int n)
{
	for (unsigned int i = 0; i < REQUESTS; i++) {
		uint64_t va = window + i * GL_PAGE_BYTES, pte = gl_pte_read(va);

		if (pte && (pte & GL_PTE_FRAME) != (entry_of_page(target) & GL_PTE_FRAME))
			wrong("an entry of another kind: %lx", pte);
		if (pte & GL_PTE_PRESENT)
			gl_test_equal(gl_unmap_page(va), 0);
	}
}

const struct pair table_pairs[] = {
	{ "PT23 PR2", trees_make, NULL, pin_both, NULL },
	{ "PT8", second_tree_pin, NULL, hook_and_pin, NULL },
	{ "CP4 PR3", window_make, requests_make, call_and_change, window_look },
	{ NULL, NULL, NULL, NULL, NULL },
};
