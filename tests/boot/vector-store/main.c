/* SPDX-License-Identifier: MIT */
/*
 * Stores of 16 bytes to a shared page: after the fault, which the library
 * handles and which saves no vector register, the store is repeated, and must
 * store what it was told.  The library's sharing half is compiled for this test
 * with vector registers allowed (guest-lib/guest.mk).
 */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define PAGES	8
/* by then the other guest has offered them too */
#define HOLD_NS	300000000UL

static uint64_t page[PAGES];

static void fill(unsigned int i)
{
	page[i] = gl_page_alloc();
	for (unsigned int k = 0; k < 512; k++)
		((uint64_t *)page[i])[k] = i * 1000 + k + 7;
}

/* Each store is the first one to its page. */
static void store(unsigned int i)
{
	const uint64_t pattern[2] = { 0x1122334455667788 + i,
				      0x99aabbccddeeff00 + i };
	uint64_t *to = (uint64_t *)page[i] + 2 * i;

	__asm__ volatile("movups %1, %%xmm0\n\t"
			 "movups %%xmm0, (%0)"
			 : : "r"(to), "m"(pattern) : "memory");
	gl_test_equal(to[0], pattern[0]);
	gl_test_equal(to[1], pattern[1]);
}

void gl_main(void)
{
	uint64_t end = gl_now_ns() + HOLD_NS;
	/* The last pages find the reserve empty: the hypervisor copies. */
	struct gl_share *share = gl_share_setup(PAGES / 2);

	if (!share)
		gl_test_error("no memory");
	for (unsigned int i = 0; i < PAGES; i++)
		fill(i);
	gl_test_equal(gl_share_pages(share, page, PAGES, NULL), PAGES);
	gl_sleep_ns(end - gl_now_ns());
	for (unsigned int i = 0; i < PAGES; i++)
		store(i);
	gl_test_equal(share->counters.faults, PAGES);
	gl_test_done();
}
