/* SPDX-License-Identifier: MIT */
/*
 * SH35: domain 1 maps a page that its group shares as often as a domain may, in
 * page tables that it pins.  Its next entry is refused, its own next offer has
 * another frame; and domain 2, which holds the page too, maps it and offers it
 * as if nothing had been.
 */
#include <gl/grant.h>
#include <gl/start.h>

#include "../attack.h"

#define TABLES		(SHARE_FRAME_MAPPINGS / PAGE_WORDS)
#define BOARD_GRANT	8

/* A page of domain 1's that both map. */
struct board {
	uint64_t mfn, ready, full, over;
};

static void wait_for(const volatile uint64_t *flag)
{
	while (!*flag)
		hypercall_sched_op(SCHEDOP_yield, NULL);
}

static uint64_t zero_page(void)
{
	uint64_t va = must_alloc();

	memset((void *)va, 0, GL_PAGE_BYTES);
	return va;
}

/* All of a table's entries but the last `less`; its result. */
static long pin_table(uint64_t va, uint64_t mfn, unsigned int less)
{
	for (unsigned int k = 0; k < PAGE_WORDS - less; k++)
		((volatile uint64_t *)va)[k] =
			mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO;
	gl_test_equal(protect(va), 0);
	return ext_op(MMUEXT_PIN_L1_TABLE, gl_virt_to_mfn(va), 0);
}

static void use_all(volatile struct board *b)
{
	uint64_t va = zero_page(), mfn = must_share(va), last = zero_page();
	uint64_t entry = (PAGE_WORDS - 1) * 8, other;

	gl_test_equal(mfn, b->mfn);
	for (unsigned int i = 0; i < TABLES - 1; i++)
		gl_test_equal(pin_table(must_alloc(), mfn, 0), 0);
	/* One is the page's own. */
	gl_test_equal(pin_table(last, mfn, 1), 0);
	entry += gl_virt_to_mfn(last) << GL_PAGE_SHIFT;
	gl_test_equal(info_get().mappings, SHARE_FRAME_MAPPINGS);
	gl_test_equal(pte_set(entry, mfn << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO),
		      -XEN_EBUSY);
	other = must_share(zero_page());
	gl_test_check(other != mfn);
	gl_test_equal(pte_set(entry, other << GL_PAGE_SHIFT | GL_PTE_KERNEL_RO),
		      0);
}

static void hog(void)
{
	uint64_t va = zero_page();
	volatile struct board *b = (volatile struct board *)va;

	gl_test_equal(gl_grant_init(1), 0);
	gl_test_equal(gl_grant_page(2, va, false), BOARD_GRANT);
	wait_for(&b->ready);
	use_all(b);
	b->full = 1;
	wait_for(&b->over);
	audit("a domain at its cap");
}

static void member(void)
{
	volatile struct board *b = (volatile struct board *)granted_page(1, BOARD_GRANT);
	uint64_t mfn = must_share(zero_page());

	if (gl_map_page(FAR_VA, mfn, GL_PTE_KERNEL_RO))
		gl_test_error("no page table");
	gl_unmap_page(FAR_VA);
	b->mfn = mfn;
	b->ready = 1;
	wait_for(&b->full);
	gl_test_equal(map_at(FAR_VA, mfn, GL_PTE_KERNEL_RO), 0);
	gl_test_equal(map_at(FAR_VA, 0, 0), 0);
	gl_test_equal(must_share(zero_page()), mfn);
	b->over = 1;
}

void gl_main(void)
{
	if (gl_domid() == 1)
		hog();
	else
		member();
	gl_test_done();
}
