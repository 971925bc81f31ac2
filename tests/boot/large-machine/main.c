/* SPDX-License-Identifier: MIT */
/*
 * Frames above 64 GiB: one guest has them, and both share and break on such
 * frames, and are told their names as of any other.  A machine of 70 GiB of
 * which little is touched: QEMU reserves none of it.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define PAGES		64
#define ABOVE		(1UL << 24)	/* frames in 64 GiB */
#define WAIT_NS		200000000UL

static struct gl_share *share;
static uint64_t page[PAGES];
static unsigned int above;	/* of the pages checked */

static uint64_t word_of(unsigned int i, unsigned int k)
{
	return i * 1000003UL + k + 1;
}

static void fill(unsigned int i)
{
	page[i] = gl_page_alloc();
	for (unsigned int k = 0; k < 512; k++)
		((uint64_t *)page[i])[k] = word_of(i, k);
}

static void check(unsigned int i)
{
	uint64_t mfn = gl_virt_to_mfn(page[i]);

	for (unsigned int k = 0; k < 512; k++)
		if (((volatile uint64_t *)page[i])[k] != word_of(i, k))
			gl_test_fail("page %u word %u changed", i, k);
	above += mfn >= ABOVE;
	gl_test_equal(gl_mfn_to_pfn(mfn), gl_virt_to_pfn(page[i]));
}

static void check_all(const char *when)
{
	above = 0;
	for (unsigned int i = 0; i < PAGES; i++)
		check(i);
	gl_printf("%s: above=%u of %u\n", when, above, PAGES);
}

void gl_main(void)
{
	share = gl_share_setup(8);
	if (!share)
		gl_test_error("no memory");
	for (unsigned int i = 0; i < PAGES; i++)
		fill(i);
	check_all("new");
	gl_test_equal(gl_share_pages(share, page, PAGES, NULL), PAGES);
	gl_sleep_ns(WAIT_NS);
	check_all("shared");
	for (unsigned int i = 0; i < PAGES; i += 2)
		((volatile uint64_t *)page[i])[511] = word_of(i, 511);
	gl_sleep_ns(WAIT_NS);
	check_all("broken");
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_audit, 0, 0, 0), 0);
	gl_test_done();
}
