/* SPDX-License-Identifier: MIT */
/*
 * DD13: a guest whose end leaves page-table work half-way between two steps of
 * the reaper.
 */
#include <gl/start.h>

#include "../attack.h"

#define L4_MFN gl_virt_to_mfn(gl_start_info->pt_base)

static uint64_t mfn_of(uint64_t pfn) { return gl_pfn_to_mfn(pfn); }

static void zero_ro(uint64_t va)
{
	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(protect(va), 0);
}

void gl_main(void)
{
	uint64_t x = gl_pfn_to_virt(509), b = gl_pfn_to_virt(510), a = gl_pfn_to_virt(511);
	uint64_t c, d, va, have = 0;

	/* All pages are ours: 509 to 511 are among the free ones. */
	c = must_alloc();
	d = must_alloc();
	while ((va = gl_page_alloc()))
		have += va == x || va == b || va == a || c == va || d == va;
	gl_printf("have %lu of 3\n", have);
	zero_ro(x);
	zero_ro(b);
	zero_ro(a);
	zero_ro(c);
	zero_ro(d);
	gl_test_equal(ext_op(MMUEXT_PIN_L4_TABLE, mfn_of(510), 0), 0);
	gl_test_equal(pte_set(mfn_of(510) << 12, gl_virt_to_mfn(c) << 12 | GL_PTE_KERNEL), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L4_TABLE, mfn_of(509), 0), 0);
	gl_test_equal(pte_set((mfn_of(509) << 12) + 511 * 8, mfn_of(510) << 12 | GL_PTE_KERNEL_RO), 0);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, mfn_of(510), 0), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L4_TABLE, mfn_of(511), 0), 0);
	gl_test_equal(pte_set((mfn_of(511) << 12) + 511 * 8, gl_virt_to_mfn(d) << 12 | GL_PTE_KERNEL), 0);
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, L4_MFN, 0), 0);
	audit("setup");
	gl_test_done();
}
