/* SPDX-License-Identifier: MIT */
/*
 * gl_share_fini(): a kernel shares, breaks some, and ends sharing; then no page
 * of it is shared, it owns what it owned, every page has its bytes and one
 * name, and all pages of the reserve are the kernel's again.
 */
#include <gl/share_setup.h>
#include <gl/timer.h>

#include "../attack.h"

#define PAGES	200
#define HELD	60	/* contents 0 .. 59 are the neighbour's too */
#define RESERVE	24

static uint64_t page[PAGES];
static uint8_t known[PAGES];	/* was written: its first word is 4711 */

static struct shareop_info info(void)
{
	struct shareop_info i = { 0 };

	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info, (uint64_t)&i,
						  sizeof(i), 0), 0);
	return i;
}

static void write(unsigned int n)
{
	*(volatile uint64_t *)page[n] = 4711;
	known[n] = 1;
}

static void check_page(unsigned int n)
{
	const volatile uint64_t *p = (const volatile uint64_t *)page[n];
	uint64_t mfn = gl_virt_to_mfn(page[n]);

	gl_test_equal(p[0], known[n] ? 4711 : pattern_word(n, 0));
	for (unsigned int k = 1; k < PAGE_WORDS; k += 37)
		gl_test_equal(p[k], pattern_word(n, k));
	gl_test_equal((gl_pte_read(page[n]) & GL_PTE_FRAME) >> GL_PAGE_SHIFT,
		      mfn);
	gl_test_equal(gl_mfn_to_pfn(mfn), gl_virt_to_pfn(page[n]));
	gl_test_check(gl_pte_read(page[n]) & GL_PTE_WRITE);
}

/* Some are broken, a range is unshared, the reserve changes. */
static void share_and_use(struct gl_share *share)
{
	gl_test_equal(gl_share_pages(share, page, PAGES, NULL), PAGES);
	gl_test_equal(info().held, PAGES);
	for (unsigned int n = 0; n < PAGES; n += 9)
		write(n);
	for (unsigned int n = 100; n < 140; n++)
		gl_test_equal(gl_share_unshare_range(share, page[n], 1), 0);
	gl_test_equal(gl_share_refill(share), 0);
	gl_test_equal(gl_share_reserve_set(share, RESERVE / 2), RESERVE / 2);
	gl_test_equal(gl_share_reserve_set(share, 2 * RESERVE), 2 * RESERVE);
	write(1);
	write(HELD + 1);
}

static void once(bool break_first)
{
	struct shareop_info before = info();
	uint64_t free_before = gl_pages_free_count();
	struct gl_share *share = gl_share_setup(RESERVE);
	uint64_t after_setup = gl_pages_free_count();

	if (!share)
		gl_test_error("no memory");
	if (break_first)
		gl_test_equal(gl_share_break_first(share, (uint64_t *)gl_start_info->mfn_list, gl_pages_total()), 0);
	share_and_use(share);
	gl_test_equal(gl_share_fini(share), 0);
	gl_test_equal(info().held, 0);
	gl_test_equal(info().mappings, 0);
	gl_test_equal(info().tot_pages, before.tot_pages);
	/* all but the record, which is one page of the kernel's own */
	gl_test_equal(gl_pages_free_count(), after_setup + RESERVE);
	gl_test_check(free_before - gl_pages_free_count() <= 1);
	for (unsigned int n = 0; n < PAGES; n++)
		check_page(n);
	for (unsigned int n = 0; n < PAGES; n++)
		write(n);
	audit("the end of sharing");
}

void gl_main(void)
{
	for (unsigned int n = 0; n < PAGES; n++) {
		page[n] = must_alloc();
		pattern_fill(page[n], n);
	}
	once(false);
	for (unsigned int n = 0; n < PAGES; n++) {
		pattern_fill(page[n], n);
		known[n] = 0;
	}
	once(true);
	gl_test_done();
}
