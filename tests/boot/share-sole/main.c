/* SPDX-License-Identifier: MIT */
/*
 * SHARE_MODE_SOLE, for kernels that keep names of frames where nobody counts
 * them.  As exit(): a pinned table gets entries for shared pages, is unpinned,
 * the pages are written, and then the table is read: each name must still lead
 * to its page.  As fork(): names go into a plain page, which is then pinned.
 * Its budget is 0: all it holds is charged to its own quota.
 */
#include <gl/start.h>
#include <gl/timer.h>

#include "../attack.h"

#define PAGES	16		/* contents 0 .. 15 are the neighbour's too */
#define ROUNDS	8

static uint64_t page[PAGES];
static uint64_t table;		/* va of a page that is no part of any tree */

static void mode_set(void)
{
	const struct shareop_mode m = {
		.version = SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST |
			 SHARE_MODE_SOLE | SHARE_MODE_OWN_QUOTA |
			 SHARE_MODE_REPLICAS,
		.p2m = gl_start_info->mfn_list,
		.p2m_entries = gl_pages_total(),
		.linear_base = table - (gl_virt_to_pfn(table) << GL_PAGE_SHIFT),
	};

	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_mode, (uint64_t)&m,
						  sizeof(m), 0), 0);
}

static void pages_share(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		pattern_fill(page[i], i);
		must_share(page[i]);
	}
}

/* Else the last holder keeps the frame, and its name. */
static void wait_for_neighbour(void)
{
	uint64_t old;

	for (unsigned int i = 0; i < 200; i++) {
		pattern_fill(page[0], 0);
		old = must_share(page[0]);
		*(volatile uint64_t *)page[0] = 1;
		if (gl_virt_to_mfn(page[0]) != old)
			return;
		gl_sleep_ns(20000000);
	}
	gl_test_error("the neighbour shares nothing");
}

static volatile uint64_t *entry(unsigned int i)
{
	return (volatile uint64_t *)table + i * 17;
}

/* As a kernel reads an entry: M2P and p2m agree on whose page it is. */
static void check_names(const char *when)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		uint64_t mfn = (*entry(i) & GL_PTE_FRAME) >> GL_PAGE_SHIFT;

		if (gl_mfn_to_pfn(mfn) != gl_virt_to_pfn(page[i]) ||
		    gl_virt_to_mfn(page[i]) != mfn)
			gl_test_fail("%s: entry %u names %lx, the page is %lx",
				     when, i, mfn, gl_virt_to_mfn(page[i]));
	}
}

/* Every page is as it was but for its first word. */
static void pages_write(unsigned int round)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		*(volatile uint64_t *)page[i] = pattern_word(i, 0);
		gl_test_check(pattern_intact(page[i], i));
		*(volatile uint64_t *)page[i] = round;
	}
}

static void table_clear(void)
{
	gl_test_equal(unprotect(table), 0);
	memset((void *)table, 0, GL_PAGE_BYTES);
}

static void table_pin(void)
{
	gl_test_equal(protect(table), 0);
	gl_test_equal(ext_op(MMUEXT_PIN_L1_TABLE, gl_virt_to_mfn(table), 0), 0);
}

static uint64_t entry_maddr(unsigned int i)
{
	return (gl_virt_to_mfn(table) << GL_PAGE_SHIFT) + i * 17 * 8;
}

static void as_exit(unsigned int round)
{
	pages_share();
	table_clear();
	table_pin();
	for (unsigned int i = 0; i < PAGES; i++)
		gl_test_equal(pte_set(entry_maddr(i),
				      gl_virt_to_mfn(page[i]) << GL_PAGE_SHIFT |
				      GL_PTE_KERNEL_RO), 0);
	check_names("pinned");
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, gl_virt_to_mfn(table), 0), 0);
	pages_write(round);
	check_names("unpinned");
}

static void as_fork(unsigned int round)
{
	pages_share();
	table_clear();
	for (unsigned int i = 0; i < PAGES; i++)
		*entry(i) = gl_virt_to_mfn(page[i]) << GL_PAGE_SHIFT |
			    GL_PTE_KERNEL_RO;
	table_pin();
	check_names("filled, then pinned");
	pages_write(round);
	check_names("written since");
	gl_test_equal(ext_op(MMUEXT_UNPIN_TABLE, gl_virt_to_mfn(table), 0), 0);
	check_names("unpinned again");
}

/* Pages of one content each have a frame, and get it back when written. */
static void equal_pages(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		pattern_fill(page[i], 3);
		must_share(page[i]);
		for (unsigned int j = 0; j < i; j++)
			gl_test_check(gl_virt_to_mfn(page[i]) !=
				      gl_virt_to_mfn(page[j]));
	}
	gl_test_equal(info_get().held, PAGES);
	audit("equal pages");
	for (unsigned int i = 0; i < PAGES; i++) {
		*(volatile uint64_t *)page[i] = pattern_word(3, 0);
		gl_test_check(pattern_intact(page[i], 3));
	}
}

void gl_main(void)
{
	table = must_alloc();
	for (unsigned int i = 0; i < PAGES; i++)
		page[i] = must_alloc();
	mode_set();
	wait_for_neighbour();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		as_exit(round);
		as_fork(round);
		audit("a round");
	}
	equal_pages();
	gl_test_equal(info_get().held, 0);
	gl_test_equal(info_get().budget, gl_pages_total());
	gl_test_done();
}
