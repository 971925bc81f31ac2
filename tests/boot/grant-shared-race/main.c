/* SPDX-License-Identifier: MIT */
/*
 * GN1 to GN3 with two domains on CPUs of their own (role=giver, role=user;
 * peer=DOMID).  The giver chose break first, grants its pages, and goes on
 * sharing them and writing to them; the user maps them all the time, which
 * breaks a share that is there.  A mapping must be of the page that the giver
 * writes (its counter moves there), with its bytes, whichever came first.
 * last=1: the user ends with a page mapped.  A neighbour of the group holds the
 * same contents and looks at them.
 */
#include <gl/share_setup.h>
#include <gl/timer.h>

#include "../attack.h"

#define PAGES		6
#define COUNTER		1		/* the word that the giver counts in */
#define RUN_NS		4000000000
#define PATIENCE_NS	20000000000
#define MAPS_LEAST	20

static uint64_t page[PAGES], passes, shares, busy;

/* All words but the counter are those of page n. */
static bool is_page(const volatile uint64_t *p, uint64_t n)
{
	for (unsigned int k = 0; k < PAGE_WORDS; k++)
		if (k != COUNTER && p[k] != pattern_word(n, k))
			return false;
	return true;
}

/* --- giver --- */

/* While it is not mapped its content is the neighbour's, too. */
static void count_on(unsigned int n)
{
	volatile uint64_t *p = (volatile uint64_t *)page[n];

	p[COUNTER] = ++passes;
	gl_test_equal(p[COUNTER], passes);
	if (!gl_grant_in_use(GL_GRANT_FIRST + n))
		p[COUNTER] = pattern_word(n, COUNTER);
}

/* Its names agree; the first look may see a break of the user's half-way. */
static bool is_named(uint64_t va)
{
	for (unsigned int i = 0; i < 100; i++)
		if (gl_mfn_to_pfn(gl_virt_to_mfn(va)) == gl_virt_to_pfn(va))
			return true;
	return false;
}

static void share_it(struct gl_share *share, unsigned int n)
{
	long r = gl_share_page(share, page[n]);

	gl_test_check(!r || r == -XEN_EBUSY);
	shares += !r;
	busy += !!r;
	gl_test_check(is_page((void *)page[n], n));
	gl_test_check(is_named(page[n]));
}

/* By the name that it has now: an entry's old name is not known for ever. */
static void grant_again(domid_t peer, unsigned int n)
{
	if (!gl_grant_end(GL_GRANT_FIRST + n))
		gl_test_equal(gl_grant_page(peer, page[n], n & 1), GL_GRANT_FIRST + n);
}

static bool in_use(void)
{
	for (unsigned int n = 0; n < PAGES; n++)
		if (gl_grant_in_use(GL_GRANT_FIRST + n))
			return true;
	return false;
}

static void giver(domid_t peer)
{
	struct gl_share *share = gl_share_setup(PAGES);
	uint64_t end = 0;
	unsigned int n;

	if (!share)
		gl_test_error("no memory");
	gl_test_equal(gl_share_break_first(share, (const uint64_t *)gl_start_info->mfn_list,
					   gl_pages_total()), 0);
	gl_test_equal(gl_grant_init(1), 0);
	for (n = 0; n < PAGES; n++) {
		page[n] = must_alloc();
		pattern_fill(page[n], n);
		share_it(share, n);
		gl_test_equal(gl_grant_page(peer, page[n], n & 1), GL_GRANT_FIRST + n);
	}
	while (!end || gl_now_ns() < end) {
		for (n = 0; n < PAGES; n++) {
			count_on(n);
			share_it(share, n);
			grant_again(peer, n);
		}
		if (!end && in_use())
			end = gl_now_ns() + RUN_NS;
	}
	audit("the race");
	gl_printf("%lu times shared, %lu times in use\n", shares, busy);
	gl_test_check(shares > MAPS_LEAST);
	gl_test_done();
}

/* --- user --- */

static int16_t map(domid_t peer, unsigned int n, uint64_t at, grant_handle_t *handle)
{
	struct gnttab_map_grant_ref op = {
		.host_addr = at, .ref = GL_GRANT_FIRST + n, .dom = peer,
		.flags = GNTMAP_host_map | (n & 1 ? GNTMAP_readonly : 0),
	};

	gl_test_equal(hypercall_grant_table_op(GNTTABOP_map_grant_ref, &op, 1), 0);
	*handle = op.handle;
	return op.status;
}

/* The giver ends by itself; what it wrote last stays. */
static void see_page(const volatile uint64_t *p, unsigned int n, domid_t peer)
{
	uint64_t first = p[COUNTER], end = gl_now_ns() + PATIENCE_NS;
	struct evtchn_bind_interdomain bind = { .remote_dom = peer, .remote_port = 4000 };

	gl_test_check(is_page(p, n));
	while (p[COUNTER] == first) {
		if (hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind) == -XEN_ESRCH)
			return;
		if (gl_now_ns() > end) {
			gl_test_fail("page %u is not the one that is written", n);
			gl_test_done();
		}
	}
	gl_test_check(is_page(p, n));
}

static void user(domid_t peer, bool last)
{
	uint64_t at = must_alloc(), maps = 0;
	int16_t status = GNTST_okay;
	unsigned int n = 0;

	gl_test_equal(gl_frame_return(at), 0);
	while (status != GNTST_bad_domain || !maps) {
		struct gnttab_unmap_grant_ref end = { .host_addr = at };

		status = map(peer, n, at, &end.handle);
		if (status)	/* not yet, or no more */
			continue;
		see_page((void *)at, n, peer);
		if (++maps == MAPS_LEAST && last)
			gl_test_done();
		gl_test_equal(hypercall_grant_table_op(GNTTABOP_unmap_grant_ref, &end, 1), 0);
		gl_test_equal(end.status, GNTST_okay);
		n = (n + 1) % PAGES;
	}
	gl_printf("%lu times mapped\n", maps);
	gl_test_check(maps >= MAPS_LEAST);
	gl_test_done();
}

void gl_main(void)
{
	domid_t peer = (domid_t)gl_cmdline_u64("peer", 0);

	if (role_is("giver"))
		giver(peer);
	else
		user(peer, gl_cmdline_u64("last", 0));
}
