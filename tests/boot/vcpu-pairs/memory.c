/* SPDX-License-Identifier: MIT */
/* Frames that go and come, and shares, under two vCPUs. */
#include <gl/trap.h>

#include <xen/memory.h>

#include "pairs.h"

#define TAKEN	8	/* pages that both want back */

static uint64_t page, window, other, taken[TAKEN];
static uint64_t frame, pages_before, sum;
static volatile long result[2];
static volatile bool over;

static long reservation(unsigned int op, xen_pfn_t *list)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = DOMID_SELF };

	set_xen_guest_handle(r.extent_start, list);
	return hypercall_memory_op(op, &r);
}

static long give(uint64_t mfn)
{
	xen_pfn_t list = mfn;

	return reservation(XENMEM_decrease_reservation, &list);
}

/* A frame for va's place, mapped there; false: none. */
static bool take(uint64_t va)
{
	xen_pfn_t list = gl_virt_to_pfn(va);

	if (reservation(XENMEM_populate_physmap, &list) != 1)
		return false;
	gl_p2m_set(gl_virt_to_pfn(va), list);
	return !unprotect(va);
}

static void pages_make(void)
{
	page = must_alloc();
	window = must_alloc();
	other = must_alloc();
	gl_test_equal(gl_unmap_page(window), 0);
}

/* --- TL2: whoever has the frame next sees no late write --- */

static void window_open(unsigned int n)
{
	over = false;
	frame = gl_virt_to_mfn(page);
	gl_test_equal(gl_unmap_page(page), 0);
	gl_test_equal(map_at(window, frame, GL_PTE_KERNEL), 0);
}

static void write_and_give(unsigned int me, unsigned int n)
{
	if (me) {
		for (uint64_t i = 1; gl_probe_write(window + 8 * (i % PAGE_WORDS), i); i++)
			;
		over = true;
		return;
	}
	gl_test_equal(hypercall_update_va_mapping(window, 0, UVMF_NONE), 0);
	if (give(frame) != 1 || !take(page))
		wrong("the frame does not go, or none comes");
	pattern_fill(page, n);
}

static void late_look(unsigned int n)
{
	if (!over || !pattern_intact(page, n))
		wrong("a write came late");
}

/* --- TL2: whoever shares the page sees no late write --- */

static void page_fill(unsigned int n)
{
	pattern_fill(page, n);
	pattern_fill(other, n);
	(void)must_share(other);	/* somebody has the same bytes */
}

/*
 * Now and then the page is as the twin, and becomes one with it; else it is
 * shared as it stands, and keeps these bytes.
 */
static void write_and_offer(unsigned int me, unsigned int n)
{
	uint64_t good = pattern_word(n, 0);

	if (!me) {
		result[0] = offer(page);
		sum = sum_of(page);
		return;
	}
	for (unsigned int i = 0; i < 20000; i++)
		if (!gl_probe_write(page, i) || !gl_probe_write(page, good))
			break;
}

static void twin_look(unsigned int n)
{
	if (!pattern_intact(other, n))
		wrong("the twin changed");
	if (result[0] > 0) {
		if (sum != sum_of(page))
			wrong("the page was written when it was shared");
		gl_p2m_set(gl_virt_to_pfn(page), (uint64_t)result[0]);
		if (unshare(page))
			wrong("the page is not broken");
	}
	if (unshare(other))
		wrong("the twin is not broken");
}

/* --- PT7: a reference, and the last one goes --- */

static void frame_free(unsigned int n)
{
	frame = gl_virt_to_mfn(page);
	gl_test_equal(gl_unmap_page(page), 0);
	pages_before = info_get().tot_pages;
}

static void map_and_give(unsigned int me, unsigned int n)
{
	result[me] = me ? map_at(window, frame, GL_PTE_KERNEL) : give(frame);
}

static void frame_back(unsigned int n)
{
	uint64_t gone = result[0] == 1;

	if (!result[1])
		gl_test_equal(gl_unmap_page(window), 0);
	gl_test_equal(info_get().tot_pages, pages_before - gone);
	if (!gone && give(frame) != 1)
		wrong("the frame cannot be given back");
	if (!take(page))
		wrong("no frame comes");
}

/* --- ME5: both want all that the quota allows --- */

static void quota_open(unsigned int n)
{
	for (unsigned int i = 0; i < TAKEN; i++) {
		if (!taken[i])
			taken[i] = must_alloc();
		gl_test_equal(gl_unmap_page(taken[i]), 0);
		gl_test_equal(give(gl_virt_to_mfn(taken[i])), 1);
		gl_p2m_set(gl_virt_to_pfn(taken[i]), GL_NO_FRAME);
	}
	result[0] = result[1] = 0;
}

static void want_all(unsigned int me, unsigned int n)
{
	for (unsigned int i = 0; i < TAKEN; i++) {
		xen_pfn_t list = gl_virt_to_pfn(taken[me ? i : TAKEN - 1 - i]), pfn = list;

		if (reservation(XENMEM_populate_physmap, &list) != 1)
			continue;
		result[me]++;
		if (gl_pfn_to_mfn(pfn) == GL_NO_FRAME)
			gl_p2m_set(pfn, list);
		else if (give(list) == 1)	/* the other was first */
			result[me]--;
	}
}

static void quota_look(unsigned int n)
{
	struct shareop_info info = info_get();

	if (info.tot_pages > info.max_pages)
		wrong("%lu pages of %lu", (unsigned long)info.tot_pages,
		      (unsigned long)info.max_pages);
	for (unsigned int i = 0; i < TAKEN; i++) {
		if (gl_virt_to_mfn(taken[i]) == GL_NO_FRAME ? !take(taken[i]) : unprotect(taken[i]))
			wrong("a page of the quota does not come");
	}
}

/* --- SH14: one address, both offer it --- */

static void offer_both(unsigned int me, unsigned int n)
{
	result[me] = offer(page);
}

static void offer_look(unsigned int n)
{
	if ((result[0] > 0) + (result[1] > 0) != 1)
		wrong("offered twice: %ld, %ld", result[0], result[1]);
	gl_p2m_set(gl_virt_to_pfn(page), (uint64_t)(result[0] > 0 ? result[0] : result[1]));
	if (!pattern_intact(page, n) || unshare(page) || unshare(other) || !pattern_intact(page, n))
		wrong("not the page that was offered");
}

/* --- ME12: a copy to a page that is being broken --- */

static void shared_fill(unsigned int n)
{
	page_fill(n);
	frame = must_share(page);
	pattern_fill(window, n + 1000);
}

static void window_own(void)
{
	gl_test_equal(unprotect(window), 0);
}

static void copy_and_break(unsigned int me, unsigned int n)
{
	result[me] = me ? ext_op(MMUEXT_COPY_PAGE, gl_virt_to_mfn(page), gl_virt_to_mfn(window)) :
			  unshare(page);
}

static void copy_look(unsigned int n)
{
	if (result[0])
		wrong("the page is not broken: %ld", result[0]);
	if (!pattern_intact(other, n))
		wrong("another holder sees the copy");
	if (!pattern_intact(page, result[1] ? n : n + 1000))
		wrong("the copy's answer was %ld, and its bytes are not so", result[1]);
	if (unshare(other))
		wrong("the other page is not broken");
}

const struct pair memory_pairs[] = {
	{ "TL2", pages_make, window_open, write_and_give, late_look },
	{ "TL2 share", NULL, page_fill, write_and_offer, twin_look },
	{ "PT7", NULL, frame_free, map_and_give, frame_back },
	{ "ME5", NULL, quota_open, want_all, quota_look },
	{ "SH14", NULL, page_fill, offer_both, offer_look },
	{ "ME12", window_own, shared_fill, copy_and_break, copy_look },
	{ NULL, NULL, NULL, NULL, NULL },
};
