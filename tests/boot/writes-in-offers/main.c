/* SPDX-License-Identifier: MIT */
/*
 * Writes from an event handler against offers of the same pages: a handler that
 * runs every millisecond counts in 16 of the pages that the main loop offers,
 * 512 a call, again and again.  No count may be lost, and no other word may
 * change.
 *
 * First with the library, which keeps events out of the call; then without, so
 * that the handler runs, and faults, wherever the hypervisor interrupts a long
 * call.
 */
#include <gl/memory.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>
#include <gl/trap.h>

#include "../gl_test.h"

#define PAGES		SHARE_BATCH_MAX
#define A_TICK		16
#define TICK_NS		1000000UL
#define RUN_NS		1000000000UL

static struct gl_share *share;
static uint64_t page[PAGES];
static uint64_t counted[PAGES];	/* what each page's first word must be */
static uint64_t ticks, at;
static volatile int stopped;
static bool raw;
static volatile bool in_call;
static uint64_t raw_breaks, breaks_in_call;
static gl_trap_fn library_fault;

static void count_one(unsigned int i)
{
	volatile uint64_t *p = (volatile uint64_t *)page[i];

	*p = *p + 1;
	counted[i]++;
}

static void tick(void)
{
	for (unsigned int n = 0; n < A_TICK; n++)
		count_one((at += 37) % PAGES);
	ticks++;
	if (!stopped)
		gl_timer_set(gl_now_ns() + TICK_NS, tick);
}

static bool fault(struct gl_regs *regs)
{
	struct shareop_entry e = {
		.pte = { gl_fault_address() & ~4095UL }, .nr_ptes = 1,
	};

	if (!raw)
		return library_fault(regs);
	if (hypercall_make_ro_and_share(SHAREOP_unshare, (unsigned long)&e, 1,
					0) || e.status)
		return false;
	raw_breaks++;
	breaks_in_call += in_call;
	return true;
}

static long offer_raw(void)
{
	static struct shareop_entry batch[PAGES];
	long rc;

	for (unsigned int i = 0; i < PAGES; i++)
		batch[i] = (struct shareop_entry){ .pte = { page[i] },
						 .nr_ptes = 1 };
	in_call = true;
	rc = hypercall_make_ro_and_share(SHAREOP_batch, (unsigned long)batch,
					 PAGES, 0);
	in_call = false;
	for (unsigned int i = 0; i < PAGES && !rc; i++)
		if (batch[i].status != SHARE_DONE &&
		    batch[i].status != SHARE_ALREADY)
			rc = -batch[i].status;
	return rc;
}

static uint64_t rounds_until(uint64_t end)
{
	uint64_t rounds = 0;

	for (; gl_now_ns() < end; rounds++) {
		long n = raw ? offer_raw() :
			 gl_share_pages(share, page, PAGES, NULL);

		if (n < 0)
			gl_test_fail("round %lu: %ld", rounds, n);
		if (!raw)
			gl_share_refill(share);
	}
	return rounds;
}

static void check_all(void)
{
	unsigned int wrong = 0;

	for (unsigned int i = 0; i < PAGES; i++) {
		const volatile uint64_t *p = (const volatile uint64_t *)page[i];

		wrong += p[0] != counted[i];
		for (unsigned int k = 1; k < 512; k++)
			wrong += p[k] != k;
	}
	gl_test_equal(wrong, 0);
}

static void fill(void)
{
	for (unsigned int i = 0; i < PAGES; i++) {
		page[i] = gl_page_alloc();
		for (unsigned int k = 0; k < 512; k++)
			((uint64_t *)page[i])[k] = k;
		((uint64_t *)page[i])[0] = 0;
	}
}

void gl_main(void)
{
	uint64_t rounds;
	struct gl_share_counters c;

	share = gl_share_setup(64);
	if (!share)
		gl_test_error("no memory");
	library_fault = gl_trap_handler_set(TRAP_page_fault, fault);
	fill();
	gl_test_equal(gl_timer_set(gl_now_ns() + TICK_NS, tick), 0);
	rounds = rounds_until(gl_now_ns() + RUN_NS);
	gl_share_counters_get(share, &c);
	gl_test_equal(c.break_errors, 0);
	gl_test_check(c.breaks + c.unshares + c.taken > 0);
	raw = true;
	rounds += rounds_until(gl_now_ns() + RUN_NS);
	stopped = 1;
	gl_timer_stop();
	check_all();
	gl_test_check(ticks > 5 && rounds > 2 && breaks_in_call > 0);
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_audit, 0, 0, 0), 0);
	gl_printf("ticks %lu rounds %lu breaks %lu raw %lu in a call %lu\n",
		  ticks, rounds, c.breaks, raw_breaks, breaks_in_call);
	gl_test_done();
}
