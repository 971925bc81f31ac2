/* SPDX-License-Identifier: MIT */
/*
 * The neighbour of a hostile guest: fills its memory with known bytes and reads
 * all of it again and again.  SUCCESS: not a byte of it, and no entry of its
 * page tables, changed until the attacker was gone.
 *
 *   watch=DOMID  go on until that domain is gone (a bind to a port of a domain
 *                that is not there gives -ESRCH)
 *   ms=TIME      and at least that long
 *   share=PAGES  of its pages are shared, with the contents pattern 0 ..
 *                PAGES-1
 */
#include <gl/share_setup.h>
#include <gl/timer.h>

#include "../attack.h"

#define PAGES_MAX	8192
#define KEPT		64	/* pages left to the library */
#define PRIVATE		0x100000UL /* patterns that nobody else has */
#define AD_BITS		(GL_PTE_ACCESSED | GL_PTE_DIRTY)

static uint64_t page[PAGES_MAX], entry[PAGES_MAX];
static unsigned int pages, shared;

static uint64_t number_of(unsigned int i)
{
	return i < shared ? i : PRIVATE + i;
}

static void fill_memory(void)
{
	while (pages < PAGES_MAX && gl_pages_free_count() > KEPT) {
		page[pages] = must_alloc();
		pattern_fill(page[pages], number_of(pages));
		pages++;
	}
}

static void share_some(struct gl_share *share)
{
	if (gl_share_pages(share, page, shared, NULL) != shared)
		gl_test_fail("not all of %u pages could be shared", shared);
}

static void check_all(unsigned long round)
{
	for (unsigned int i = 0; i < pages; i++) {
		if (!pattern_intact(page[i], number_of(i)))
			gl_test_fail("round %lu: page %u changed", round, i);
		if ((gl_pte_read(page[i]) & ~AD_BITS) != entry[i])
			gl_test_fail("round %lu: entry %u changed", round, i);
		if (gl_test_failures > 10)
			gl_test_done();
	}
}

static bool is_there(domid_t dom)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = dom, .remote_port = 4000,
	};

	return dom && hypercall_event_channel_op(EVTCHNOP_bind_interdomain,
						 &bind) != -XEN_ESRCH;
}

void gl_main(void)
{
	uint64_t end = gl_now_ns() + gl_cmdline_u64("ms", 300) * 1000000;
	domid_t watch = gl_cmdline_u64("watch", 0);
	struct gl_share *share = gl_share_setup(8);
	unsigned long round = 0;

	shared = gl_cmdline_u64("share", 0);
	if (!share || gl_pages_free_count() < shared + 2 * KEPT)
		gl_test_error("no memory");
	fill_memory();
	share_some(share);
	for (unsigned int i = 0; i < pages; i++)
		entry[i] = gl_pte_read(page[i]) & ~AD_BITS;
	while (gl_now_ns() < end || is_there(watch)) {
		check_all(round++);
		gl_sleep_ns(2000000);
	}
	check_all(round);
	gl_printf("%u pages, %u shared, read %lu times\n", pages, shared,
		  round + 1);
	gl_test_done();
}
