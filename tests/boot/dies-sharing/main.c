/* SPDX-License-Identifier: MIT */
/*
 * Domains that end in the middle of whatever they do: offers, breaks, tables
 * pinned, frames taken and given; by poweroff or by a crash.  The hypervisor's
 * own recount at the end says whether a frame was lost.  One with idle=1
 * watches that its own page, shared with theirs, stays as it is.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/timer.h>

#include "../gl_test.h"

#define PAGES	128
#define EXTRA	32
#define FAR_VA	0x00005a5a00000000UL

static struct gl_share *share;
static uint64_t page[PAGES];
static uint64_t table[4], extra[EXTRA];
static unsigned int extra_count;
static bool pinned[4];
static uint64_t seed;

static uint32_t random(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 32) % below;
}

static uint64_t seed_draw(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return ((uint64_t)hi << 32 | lo) * 0x9e3779b97f4a7c15UL | 1;
}

static void fill(uint64_t va, uint64_t value)
{
	for (unsigned int k = 0; k < 512; k++)
		((volatile uint64_t *)va)[k] = value;
}

static void offer_some(void)
{
	unsigned int first = random(PAGES);

	gl_share_pages(share, page + first, 1 + random(PAGES - first), NULL);
}

static void write_some(void)
{
	for (unsigned int n = random(20); n; n--)
		fill(page[random(PAGES)], random(4));
}

static void unshare_some(void)
{
	for (unsigned int n = random(20); n; n--)
		gl_share_unshare(share, page[random(PAGES)]);
}

/* A table of our own that maps shared and other pages, pinned or let go. */
static void pin_or_unpin(void)
{
	unsigned int i = random(4);
	uint64_t va = table[i], mfn = gl_virt_to_mfn(va);
	struct mmuext_op op = {
		.cmd = pinned[i] ? MMUEXT_UNPIN_TABLE : MMUEXT_PIN_L1_TABLE,
		.arg1.mfn = mfn,
	};

	if (!pinned[i]) {
		for (unsigned int n = 0; n < 64; n++)
			((uint64_t *)va)[random(512)] =
				gl_virt_to_mfn(page[random(PAGES)]) << 12 |
				GL_PTE_KERNEL_RO;
		gl_map_page(va, mfn, GL_PTE_KERNEL_RO);
	}
	if (!hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF))
		pinned[i] = !pinned[i];
	if (!pinned[i]) {
		gl_map_page(va, mfn, GL_PTE_KERNEL);
		memset((void *)va, 0, 4096);
	}
}

static void increase_or_decrease(void)
{
	bool more = random(2);
	struct xen_memory_reservation r = {
		.nr_extents = 1 + random(8), .domid = DOMID_SELF,
	};
	unsigned long room = more ? EXTRA - extra_count : extra_count;
	long n;

	r.nr_extents = r.nr_extents < room ? r.nr_extents : room;
	set_xen_guest_handle(r.extent_start, more ? extra + extra_count :
			     extra + extra_count - r.nr_extents);
	n = hypercall_memory_op(more ? XENMEM_increase_reservation :
				XENMEM_decrease_reservation, &r);
	if (n > 0 && more)
		extra_count += n;
	else if (n > 0)	/* from the front of the list */
		extra_count -= r.nr_extents;
	if (extra_count)
		gl_map_page(FAR_VA + random(512) * 4096,
			    extra[random(extra_count)], GL_PTE_KERNEL);
}

static void act(void)
{
	static void (*const acts[])(void) = {
		offer_some, offer_some, write_some, unshare_some, pin_or_unpin,
		increase_or_decrease,
	};

	acts[random(sizeof(acts) / sizeof(acts[0]))]();
	if (!random(4))
		gl_share_refill(share);
}

/* In half of the cases with all pages shared. */
__attribute__((noreturn))
static void die(void)
{
	if (random(2))
		gl_share_pages(share, page, PAGES, NULL);
	switch (random(4)) {
	case 0:
		gl_shutdown(SHUTDOWN_poweroff);
	case 1:
		gl_shutdown(SHUTDOWN_crash);
	case 2:	/* without a trap table, an exception is the end */
		hypercall_set_trap_table(NULL);
		__asm__ volatile("ud2");
		__builtin_unreachable();
	default: /* nor is there a stack to report it on */
		__asm__ volatile("mov $8, %%rsp; ud2" : : : "memory");
		__builtin_unreachable();
	}
}

static void watch(void)
{
	uint64_t va = gl_page_alloc(), mfn;

	fill(va, 2);
	gl_test_equal(gl_share_page(share, va), 0);
	mfn = gl_virt_to_mfn(va);
	for (unsigned int i = 0; i < 50; i++) {
		gl_sleep_ns(10000000);
		for (unsigned int k = 0; k < 512; k++)
			if (((volatile uint64_t *)va)[k] != 2)
				gl_test_fail("word %u changed", k);
	}
	gl_test_equal((gl_pte_read(va) & GL_PTE_FRAME) >> 12, mfn);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_audit, 0, 0, 0), 0);
	gl_test_done();
}

void gl_main(void)
{
	seed = seed_draw();
	share = gl_share_setup(16);
	if (gl_cmdline_u64("idle", 0))
		watch();
	for (unsigned int i = 0; i < 4; i++) {
		table[i] = gl_page_alloc();
		memset((void *)table[i], 0, 4096);
	}
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = gl_page_alloc();
		fill(page[i], i % 4);
	}
	for (unsigned int n = random(30); n; n--)
		act();
	die();
}
