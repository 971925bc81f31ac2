/* SPDX-License-Identifier: MIT */
/*
 * The same contents in domains of the same group, of another, and of none.
 * What each is told must not depend on that; the machine's own @stat line says
 * how many frames there are, and the recount that no frame is known to two
 * groups.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define CONTENTS	12
#define HOLD_NS		1000000000UL

static struct gl_share *share;
static uint64_t page[2 * CONTENTS];

/* The first content is the page of zeroes. */
static uint64_t word_of(unsigned int i, unsigned int k)
{
	unsigned int content = i % CONTENTS;

	return content ? content * 1000003UL + k : 0;
}

static void fill(unsigned int i)
{
	page[i] = gl_page_alloc();
	for (unsigned int k = 0; k < 512; k++)
		((uint64_t *)page[i])[k] = word_of(i, k);
}

static void check(unsigned int i)
{
	for (unsigned int k = 0; k < 512; k++)
		if (((volatile uint64_t *)page[i])[k] != word_of(i, k))
			gl_test_fail("page %u word %u changed", i, k);
}

static void print_info(void)
{
	struct shareop_info n;

	gl_test_equal(gl_share_info(share, &n), 0);
	gl_printf("held=%lu mappings=%lu offered=%lu refused=%lu zero=%lu breaks=%lu last=%lu\n",
		  n.held, n.mappings, n.offered, n.refused, n.zero, n.breaks,
		  n.last_breaks);
}

void gl_main(void)
{
	uint64_t end = gl_now_ns() + HOLD_NS;

	share = gl_share_setup(8);
	if (!share)
		gl_test_error("no memory");
	for (unsigned int i = 0; i < 2 * CONTENTS; i++)
		fill(i);
	gl_test_equal(gl_share_pages(share, page, 2 * CONTENTS, NULL),
		      2 * CONTENTS);
	print_info();
	for (unsigned int i = 0; i < CONTENTS; i++)
		gl_test_equal(gl_virt_to_mfn(page[i]),
			      gl_virt_to_mfn(page[i + CONTENTS]));
	gl_sleep_ns(end - gl_now_ns());
	for (unsigned int i = 0; i < 2 * CONTENTS; i++)
		check(i);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_audit, 0, 0, 0), 0);
	/* A write of one's own is seen by nobody else, whoever ends first. */
	*(volatile uint64_t *)page[1] = 1;
	check(1 + CONTENTS);
	gl_sleep_ns(HOLD_NS / 5);
	for (unsigned int i = 2; i < 2 * CONTENTS; i++)
		check(i);
	gl_test_done();
}
