/* SPDX-License-Identifier: MIT */
/*
 * SH24, SH27, SH28: what a guest can see of its own calls, whatever another
 * group holds.
 *
 * role=other offers pages of content=N and holds them.  role=measure comes
 * later, offers pages of content 1, makes them private again, offers them once
 * more, and prints of each call the instructions (under -icount), the result's
 * kind, and all that it can read of counters; tests/cli/other-groups.sh
 * compares that for different contents of the other.  Frame numbers are random
 * and are not printed, but what the M2P makes of them is.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>

#include <xen/memory.h>

#include "../gl_test.h"

#define PAGES		32
#define OTHER_DONE_NS	300000000UL	/* by then, the other holds its pages */
#define OTHER_HOLDS_NS	900000000UL	/* and until then */

static uint64_t page[PAGES];

static inline uint64_t instructions(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return (uint64_t)high << 32 | low;
}

/* Page 0 is the page of zeroes, also in the contents that differ elsewhere. */
static void fill(uint64_t content)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = gl_page_alloc();
		for (unsigned int k = 0; k < 512; k++)
			((uint64_t *)page[i])[k] =
				content > 1 || i ? content << 40 | i << 16 | k : 0;
	}
}

static void info_print(const char *when)
{
	struct shareop_info n;
	domid_t self = DOMID_SELF;

	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info, (uint64_t)&n,
						  sizeof(n), 0), 0);
	gl_printf("BLIND %s held=%lu mappings=%lu offered=%lu refused=%lu zero=%lu breaks=%lu last=%lu tot=%lu max=%lu budget=%lu flags=%u reservation=%ld\n",
		  when, n.held, n.mappings, n.offered, n.refused, n.zero,
		  n.breaks, n.last_breaks, n.tot_pages, n.max_pages, n.budget,
		  n.flags, hypercall_memory_op(XENMEM_current_reservation, &self));
}

static void offer(const char *when, unsigned int i)
{
	uint64_t before = gl_virt_to_mfn(page[i]), start = instructions();
	long rc = hypercall_make_ro_and_share(SHAREOP_single, page[i], 0, 0);
	uint64_t took = instructions() - start;
	bool named = rc > 0 && gl_mfn_to_pfn((uint64_t)rc) ==
			       gl_virt_to_pfn(page[i]);

	gl_printf("BLIND %s %u took=%lu rc=%ld moved=%d m2p=%d old=%d avl=%d\n",
		  when, i, took, rc > 0 ? 0 : rc, rc > 0 && (uint64_t)rc != before,
		  named, gl_mfn_to_pfn(before) == gl_virt_to_pfn(page[i]),
		  !!(gl_pte_read(page[i]) & SHARE_PTE_AVL));
	gl_test_check(rc > 0 && (uint64_t)rc != before && named);
}

static void unshare(unsigned int i)
{
	struct shareop_entry e = { .pte = { page[i] }, .nr_ptes = 1 };
	uint64_t start = instructions();
	long rc = hypercall_make_ro_and_share(SHAREOP_unshare, (uint64_t)&e, 1, 0);
	uint64_t took = instructions() - start;

	gl_printf("BLIND unshare %u took=%lu rc=%ld status=%d\n", i, took, rc,
		  e.status);
	gl_test_equal(e.status, SHARE_DONE);
	gl_p2m_set(gl_virt_to_pfn(page[i]), e.mfn);
}

static void measure(void)
{
	gl_sleep_ns(OTHER_DONE_NS);
	info_print("start");
	for (unsigned int i = 0; i < PAGES; i++)
		offer("first", i);
	info_print("shared");
	for (unsigned int i = 0; i < PAGES; i++)
		unshare(i);
	info_print("private");
	for (unsigned int i = 0; i < PAGES; i++)
		offer("again", i);
	info_print("end");
}

static void hold(void)
{
	struct shareop_info n;

	for (unsigned int i = 0; i < PAGES; i++)
		gl_test_check(hypercall_make_ro_and_share(SHAREOP_single, page[i],
							  0, 0) > 0);
	gl_sleep_ns(OTHER_HOLDS_NS);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_info, (uint64_t)&n,
						  sizeof(n), 0), 0);
	gl_test_equal(n.held, PAGES);
}

void gl_main(void)
{
	char role[16];

	fill(gl_cmdline_u64("content", 1));
	if (!gl_cmdline_text("role", role, sizeof(role)))
		gl_test_error("no role");
	if (role[0] == 'm')
		measure();
	else
		hold();
	gl_test_done();
}
