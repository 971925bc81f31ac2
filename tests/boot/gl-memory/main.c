/* SPDX-License-Identifier: MIT */
/*
 * Proves the linear map (every page is there, writable, and its own), the page
 * allocator, page tables made by us, frames given back and taken again, and
 * that the hypervisor refuses what would break isolation.
 */
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/trap.h>

#include "../gl_test.h"

#define FAR_VA 0x00005a5a00000000UL

/* Take all pages; each gets its number; none is anyone else's. */
static void test_all_pages(void)
{
	uint64_t chain = 0, va, n = 0, before = gl_pages_free_count();

	while ((va = gl_page_alloc())) {
		((uint64_t *)va)[0] = chain;
		((uint64_t *)va)[511] = va;
		chain = va;
		n++;
	}
	gl_test_equal(n, before);
	gl_test_equal(gl_pages_free_count(), 0);
	for (va = chain; va; va = chain) {
		if (((uint64_t *)va)[511] != va)
			gl_test_fail("page %lx was written by another", va);
		chain = ((uint64_t *)va)[0];
		gl_page_free(va);
	}
	gl_test_equal(gl_pages_free_count(), before);
}

static void test_contiguous(void)
{
	uint64_t va = gl_pages_alloc(100);

	gl_test_check(va);
	memset((void *)va, 0x5a, 100 * GL_PAGE_BYTES);
	gl_pages_free(va, 100);
	gl_test_check(!gl_pages_alloc(gl_pages_total()));
}

static void test_p2m(void)
{
	for (uint64_t pfn = 0; pfn < gl_pages_total(); pfn++) {
		uint64_t mfn = gl_pfn_to_mfn(pfn);

		if (gl_mfn_to_pfn(mfn) == pfn)
			continue;
		gl_test_fail("pfn %lx has frame %lx, which has pfn %lx", pfn,
			     mfn, gl_mfn_to_pfn(mfn));
		return;
	}
}

/* A second mapping, in tables that have to be made. */
static void test_map(void)
{
	uint64_t va = gl_page_alloc(), mfn = gl_virt_to_mfn(va), v;

	*(volatile uint64_t *)va = 0x1234;
	gl_test_equal(gl_map_page(FAR_VA, mfn, GL_PTE_KERNEL), 0);
	gl_test_equal(*(volatile uint64_t *)FAR_VA, 0x1234);
	*(volatile uint64_t *)FAR_VA = 0x4321;
	gl_test_equal(*(volatile uint64_t *)va, 0x4321);
	gl_test_equal((gl_pte_read(FAR_VA) & GL_PTE_FRAME) >> GL_PAGE_SHIFT,
		      mfn);
	gl_test_equal(gl_unmap_page(FAR_VA), 0);
	gl_test_check(!gl_probe_read(FAR_VA, &v));
	gl_page_free(va);
}

/* What isolation rests on. */
static void test_refusals(void)
{
	uint64_t l4 = (uint64_t)gl_start_info->pt_base, v;
	uint64_t l4_mfn = gl_virt_to_mfn(l4), va = gl_page_alloc();

	gl_test_check(gl_map_page(l4, l4_mfn, GL_PTE_KERNEL) < 0);
	gl_test_check(gl_map_page(va, l4_mfn, GL_PTE_KERNEL) < 0);
	gl_test_check(!gl_probe_write(l4, 0));
	gl_test_check(gl_map_page(va, 0x7fffffffff, GL_PTE_KERNEL) < 0);
	gl_test_check(gl_probe_read(va, &v));
	gl_test_check(hypercall_update_va_mapping(HYPERVISOR_VIRT_START, 0,
						  UVMF_INVLPG) < 0);
	gl_test_check(!gl_probe_write(MACH2PHYS_VIRT_START, 0));
	gl_test_check(!gl_probe_read(0xffff830000000000UL, &v));
	gl_page_free(va);
}

static void test_balloon(void)
{
	uint64_t va[20], v;

	for (unsigned int i = 0; i < 20; i++) {
		va[i] = gl_page_alloc();
		gl_test_equal(gl_frame_return(va[i]), 0);
		gl_test_equal(gl_virt_to_mfn(va[i]), GL_NO_FRAME);
		gl_test_check(!gl_probe_read(va[i], &v));
	}
	for (unsigned int i = 0; i < 20; i++) {
		gl_test_equal(gl_frame_regain(va[i]), 0);
		gl_test_equal(gl_mfn_to_pfn(gl_virt_to_mfn(va[i])),
			      gl_virt_to_pfn(va[i]));
		memset((void *)va[i], 1, GL_PAGE_BYTES);
		gl_page_free(va[i]);
	}
}

/* A frame with a second mapping cannot be used after it was given back. */
static void test_return_in_use(void)
{
	uint64_t va = gl_page_alloc(), mfn = gl_virt_to_mfn(va);

	gl_test_equal(gl_map_page(FAR_VA, mfn, GL_PTE_KERNEL), 0);
	*(volatile uint64_t *)FAR_VA = 5;
	if (gl_frame_return(va) == 0)
		gl_test_equal(*(volatile uint64_t *)FAR_VA, 5);
	gl_test_equal(gl_unmap_page(FAR_VA), 0);
	gl_test_check(gl_map_page(FAR_VA, mfn, GL_PTE_KERNEL) != 0 ||
		      gl_virt_to_mfn(va) == mfn);
	gl_unmap_page(FAR_VA);
}

void gl_main(void)
{
	test_p2m();
	test_all_pages();
	test_contiguous();
	test_map();
	test_refusals();
	test_balloon();
	test_return_in_use();
	gl_test_done();
}
