/* SPDX-License-Identifier: MIT */
/*
 * Proves the sharing half from inside one guest: offers, copy on write with a
 * full and with an empty reserve, p2m and M2P after each, refusals, forged
 * bits, counts that do not drift.  SKIP on a hypervisor without the call.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/trap.h>

#include "../gl_test.h"

#define PAGES	100
#define RESERVE	16
#define FAR_VA	0x00005a5a00000000UL

static struct gl_share *share;
static uint64_t page[PAGES];
static int32_t status[PAGES];

static uint64_t word_of(unsigned int i)
{
	return 0x1000000 + i / 2;	/* pages 2n and 2n+1 are equal */
}

static void fill(unsigned int i)
{
	uint64_t *p = (uint64_t *)page[i];

	for (unsigned int k = 0; k < 512; k++)
		p[k] = word_of(i) * 512 + k;
}

static bool intact(unsigned int i, unsigned int from)
{
	const volatile uint64_t *p = (const volatile uint64_t *)page[i];

	for (unsigned int k = from; k < 512; k++)
		if (p[k] != word_of(i) * 512 + k)
			return false;
	return true;
}

/* p2m, page-table entry and M2P agree. */
static void check_names(unsigned int i, bool shared)
{
	uint64_t mfn = gl_virt_to_mfn(page[i]), pte = gl_pte_read(page[i]);

	gl_test_equal((pte & GL_PTE_FRAME) >> GL_PAGE_SHIFT, mfn);
	gl_test_equal(!!(pte & SHARE_PTE_AVL), shared);
	gl_test_equal(!!(pte & GL_PTE_WRITE), !shared);
	gl_test_equal(gl_share_is_shared(share, gl_virt_to_pfn(page[i])),
		      shared);
	if (!shared)
		gl_test_equal(gl_mfn_to_pfn(mfn), gl_virt_to_pfn(page[i]));
}

static void write_page(unsigned int i)
{
	*(volatile uint64_t *)page[i] = i;
	gl_test_equal(*(volatile uint64_t *)page[i], i);
	gl_test_check(intact(i, 1));
	check_names(i, false);
}

static uint64_t tot_pages(void)
{
	struct shareop_info info;

	gl_test_equal(gl_share_info(share, &info), 0);
	return info.tot_pages;
}

static void test_offer(void)
{
	uint64_t before = tot_pages();

	for (unsigned int i = 0; i < PAGES; i++)
		fill(i);
	gl_test_equal(gl_share_pages(share, page, PAGES, status), PAGES);
	gl_test_equal(before - tot_pages(), PAGES);
	for (unsigned int i = 0; i < PAGES; i++) {
		gl_test_equal(status[i], SHARE_DONE);
		gl_test_check(intact(i, 0));
		check_names(i, true);
		if (i % 2)
			gl_test_equal(gl_virt_to_mfn(page[i]),
				      gl_virt_to_mfn(page[i - 1]));
	}
}

/*
 * More writes than the reserve has frames: the rest by SHAREOP_unshare.  Of
 * some pages we are the last holder, and the library asked: no copy.
 */
static void test_breaks(void)
{
	struct gl_share_counters c;

	for (unsigned int i = 0; i < 2 * RESERVE; i++)
		write_page(i);
	gl_share_counters_get(share, &c);
	gl_test_equal(c.breaks, RESERVE);
	gl_test_check(c.taken > 0 && c.taken < RESERVE);
	gl_test_equal(c.unshares, RESERVE - c.taken);
	gl_test_equal(c.reserve_low, RESERVE - c.taken);
	gl_test_equal(gl_share_refill(share), 0);
	write_page(2 * RESERVE);
	gl_share_counters_get(share, &c);
	gl_test_equal(c.breaks, RESERVE + 1);
	for (unsigned int i = 2 * RESERVE + 1; i < PAGES; i++) {
		gl_test_check(intact(i, 0));
		check_names(i, true);
	}
}

static void test_already(void)
{
	unsigned int i = PAGES - 1;

	gl_test_equal(gl_share_page(share, page[i]), -XEN_EEXIST);
	check_names(i, true);
	gl_test_equal(gl_share_unshare(share, page[i]), 0);
	check_names(i, false);
	gl_test_check(intact(i, 0));
	gl_test_check(gl_share_unshare(share, page[i]) < 0);
	gl_test_equal(gl_share_page(share, page[i]), 0);
	check_names(i, true);
}

/* Each must be refused, and the page go on being ours and writable. */
static void test_refusals(void)
{
	uint64_t va = gl_page_alloc(), mfn = gl_virt_to_mfn(va);

	gl_test_equal(gl_map_page(FAR_VA, mfn, GL_PTE_KERNEL), 0);
	gl_test_equal(gl_share_page(share, va), -XEN_EBUSY);
	*(volatile uint64_t *)va = 9;
	gl_test_equal(*(volatile uint64_t *)FAR_VA, 9);
	gl_unmap_page(FAR_VA);
	gl_test_check(gl_share_page(share, gl_start_info->pt_base) < 0);
	gl_test_equal(gl_share_page(share, 0), -XEN_ENOENT);
	gl_test_check(gl_share_page(share, (uint64_t)&gl_shared_info) < 0);
	*(volatile uint64_t *)va = 10;
	gl_page_free(va);
}

/*
 * The bit in a private page's entry is taken out, and never makes a fault ours.
 */
static void test_forged(void)
{
	uint64_t va = gl_page_alloc(), mfn = gl_virt_to_mfn(va);
	struct gl_share_counters c;

	gl_test_equal(gl_map_page(va, mfn, GL_PTE_KERNEL_RO | SHARE_PTE_AVL),
		      0);
	gl_test_check(!(gl_pte_read(va) & SHARE_PTE_AVL));
	gl_test_check(!gl_probe_write(va, 1));
	gl_test_check(!gl_share_fault(share, page[PAGES - 1], 7));
	gl_test_check(!gl_share_fault(share, page[PAGES - 1], 1));
	gl_share_counters_get(share, &c);
	gl_test_equal(c.break_errors, 0);
	gl_test_equal(gl_map_page(va, mfn, GL_PTE_KERNEL), 0);
	gl_page_free(va);
}

/* Writable by force: refused, and the shared bytes stay. */
static void test_force(void)
{
	unsigned int i = PAGES - 2;
	uint64_t mfn = gl_virt_to_mfn(page[i]);

	gl_test_check(gl_map_page(page[i], mfn, GL_PTE_KERNEL) < 0);
	gl_test_check(intact(i, 0));
	check_names(i, true);
}

static void test_drift(void)
{
	uint64_t before;
	unsigned int i = 50;

	gl_share_refill(share);
	before = tot_pages();
	for (unsigned int n = 0; n < 200; n++) {
		write_page(i);
		fill(i);
		gl_test_equal(gl_share_page(share, page[i]), 0);
		gl_share_refill(share);
	}
	gl_test_equal(tot_pages(), before);
	gl_test_check(intact(i, 0));
}

void gl_main(void)
{
	struct shareop_info info;

	share = gl_share_setup(RESERVE);
	if (!share)
		gl_test_error("no memory");
	if (gl_share_info(share, &info) == -XEN_ENOSYS)
		gl_test_skip("no sharing call");
	gl_test_equal(info.version, SHARE_ABI_VERSION);
	for (unsigned int i = 0; i < PAGES; i++)
		page[i] = gl_page_alloc();
	test_offer();
	test_breaks();
	test_already();
	test_refusals();
	test_forged();
	test_force();
	test_drift();
	gl_test_done();
}
