/* SPDX-License-Identifier: MIT */
/*
 * What breaking a share costs, by the way it is done, in instructions of guest
 * and hypervisor: from the guest's write, or from its call, until the page is
 * writable.
 *
 *   fresh     write fault; the guest asks for a frame, copies, remaps
 *   reserve   write fault; the library's reserve has a frame: one hypercall
 *   fault     write fault; no reserve, so the hypervisor copies
 *             (SHAREOP_unshare)
 *   call      no fault: one SHAREOP_unshare before the write
 *   first     write fault, in which the hypervisor breaks the share; the guest
 *             sees none
 *
 * Each for a frame that another page holds too, and (last_) for the last
 * holder: then nobody makes a copy.  In the first three ways the library finds
 * that out by an attempt, which costs `attempt` when it is refused; the library
 * makes few of those where others hold (cow_in_place.c), and the figures are
 * without.  `copy` is the copy of a page alone, `bounce` a write fault that the
 * guest answers with one update of the entry.
 *
 * The last way allows a domain one page for a frame, so a neighbour (option
 * holder=DOMID: until that domain is gone) holds the contents.
 */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/timer.h>
#include <gl/trap.h>

#include "../bench.h"

#define ROUNDS	40
#define SLOTS	1	/* of the reserve: it is full or empty */

/* EATER: a page whose break, not measured, takes the reserve's frame. */
enum role { MEASURED, HOLDER, EATER, ROLES };
enum way { FRESH, RESERVE, FAULT, CALL, FIRST, WAYS };

static const char *const way_names[WAYS] = { "fresh", "reserve", "fault", "call",
						  "first" };
static struct gl_share *share;
static uint64_t page[ROLES], bounced, bounced_value;
static gl_trap_fn share_handler;
static bool refill_in_fault;

static void must(bool good, const char *what)
{
	if (!good)
		gl_panic("%s", what);
}

/* Before the library's own handler. */
static bool page_fault(struct gl_regs *regs)
{
	if (bounced && gl_fault_address() == bounced)
		return !hypercall_update_va_mapping(bounced, bounced_value,
						    UVMF_INVLPG);
	if (refill_in_fault)
		(void)gl_share_refill(share);
	return share_handler(regs);
}

static void fill(enum role role, uint64_t content)
{
	for (unsigned int k = 0; k < 512; k++)
		((uint64_t *)page[role])[k] = content * 1000003UL + k;
}

static unsigned int round_of(enum way way, unsigned int i, bool others)
{
	return i * 2 * WAYS + way * 2 + others;
}

/* The neighbour has the content, or nobody. */
static void offer_first(unsigned int round)
{
	fill(MEASURED, 4UL * round);
	must(!gl_share_page(share, page[MEASURED]), "offer refused");
}

/*
 * A content of this round alone, in the page and, if others are to hold it, in
 * theirs.
 */
static void offer(unsigned int round, bool others)
{
	fill(MEASURED, 4UL * round);
	fill(HOLDER, 4UL * round + !others);
	fill(EATER, 4UL * round + 2);
	for (enum role i = 0; i < ROLES; i++)
		must(!gl_share_page(share, page[i]), "offer refused");
	must((gl_virt_to_mfn(page[MEASURED]) == gl_virt_to_mfn(page[HOLDER])) ==
	     others, "the holder's page is not as it has to be");
}

/* The reserve as this way needs it: full, or empty. */
static void reserve_set(bool full)
{
	(void)gl_share_refill(share);
	must(share->slots_full == SLOTS, "the reserve is not full");
	share->alone_skip = 1;	/* no attempt: it is to be copied */
	if (!full)
		*(volatile uint64_t *)page[EATER] = 0;
	must(share->slots_full == (full ? SLOTS : 0), "the reserve is wrong");
}

static void private_again(enum role role)
{
	if (gl_share_is_shared(share, gl_virt_to_pfn(page[role])))
		must(!gl_share_unshare(share, page[role]), "unshare refused");
}

static uint64_t break_page(enum way way)
{
	uint64_t start = bench_now();

	if (way == CALL)
		must(!gl_share_unshare(share, page[MEASURED]), "unshare refused");
	else
		*(volatile uint64_t *)page[MEASURED] = 1;
	return bench_now() - start;
}

/* Breaks without a copy, ever. */
static uint64_t uncopied(void)
{
	struct shareop_info info;

	must(!gl_share_info(share, &info), "no info");
	return info.last_breaks;
}

static uint64_t one(enum way way, unsigned int round, bool others,
		    uint64_t *without_copy)
{
	uint64_t took;

	if (way == FIRST)
		offer_first(round);
	else
		offer(round, others);
	reserve_set(way != FRESH && way != FAULT);
	share->alone_skip = others;
	*without_copy -= uncopied();
	refill_in_fault = way == FRESH;
	took = break_page(way);
	refill_in_fault = false;
	*without_copy += uncopied();
	must(gl_pte_read(page[MEASURED]) & GL_PTE_WRITE, "still not writable");
	private_again(HOLDER);
	private_again(EATER);
	return took;
}

static void way_run(enum way way, bool others)
{
	uint64_t best = ~0UL, without_copy = 0;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		uint64_t took = one(way, round_of(way, i, others), others,
				    &without_copy);

		if (took < best)
			best = took;
	}
	gl_printf("BENCH %s%s %lu\n", others ? "" : "last_", way_names[way],
		  best - bench_run(bench_nothing, NULL));
	gl_printf("BENCH %s%s.uncopied %lu\n", others ? "" : "last_",
		  way_names[way], without_copy);
}

static void copy(void *arg)
{
	unsigned long words = 512;
	uint64_t to = page[MEASURED], from = page[HOLDER];

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)
			 : : "memory");
}

static void bounce(void)
{
	uint64_t best = ~0UL, start;

	bounced = gl_page_alloc();
	bounced_value = gl_virt_to_mfn(bounced) << GL_PAGE_SHIFT | GL_PTE_KERNEL;
	for (unsigned int i = 0; i < ROUNDS; i++) {
		must(!hypercall_update_va_mapping(bounced,
						  bounced_value & ~GL_PTE_WRITE,
						  UVMF_INVLPG), "not read-only");
		start = bench_now();
		*(volatile uint64_t *)bounced = 1;
		start = bench_now() - start;
		if (start < best)
			best = start;
	}
	bounced = 0;
	gl_printf("BENCH bounce %lu\n", best - bench_run(bench_nothing, NULL));
}

/*
 * An attempt to have the frame, which is refused: another page of ours has it.
 */
static void attempt(void *arg)
{
	(void)hypercall_update_va_mapping(page[MEASURED],
			gl_virt_to_mfn(page[MEASURED]) << GL_PAGE_SHIFT |
			GL_PTE_KERNEL, UVMF_INVLPG);
}

static void measure_attempt(void)
{
	offer(ROUNDS * 2 * WAYS, true);
	bench("attempt", attempt, NULL);
	must(!(gl_pte_read(page[MEASURED]) & GL_PTE_WRITE), "not refused");
	for (enum role i = 0; i < ROLES; i++)
		private_again(i);
}

/* --- the neighbour --- */

static bool is_there(domid_t dom)
{
	struct evtchn_bind_interdomain bind = {
		.remote_dom = dom, .remote_port = 4000,
	};

	return hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind) !=
	       -XEN_ESRCH;
}

static void hold_contents(domid_t until)
{
	for (unsigned int i = 0; i <= ROUNDS; i++) {
		page[MEASURED] = gl_page_alloc();
		offer_first(round_of(FIRST, i, true));
	}
	while (is_there(until))
		gl_sleep_ns(500000000);
}

static void wait_for_neighbour(void)
{
	uint64_t before, last;

	do {
		gl_sleep_ns(100000000);
		offer_first(round_of(FIRST, ROUNDS, true));
		before = uncopied();
		private_again(MEASURED);
		last = uncopied();
	} while (last > before);
}

void gl_main(void)
{
	domid_t until = gl_cmdline_u64("holder", 0);

	share = gl_share_setup(SLOTS);
	must(share, "no memory");
	if (until) {
		hold_contents(until);
		return;
	}
	share_handler = gl_trap_handler_set(TRAP_page_fault, page_fault);
	for (enum role i = 0; i < ROLES; i++)
		page[i] = gl_page_alloc();
	bench("copy", copy, NULL);
	bounce();
	measure_attempt();
	for (enum way way = 0; way < WAYS; way++) {
		if (way == FIRST) {
			wait_for_neighbour();
			must(!gl_share_break_first(share,
				(const uint64_t *)gl_start_info->mfn_list,
				gl_pages_total()), "break first refused");
		}
		way_run(way, true);
		way_run(way, false);
	}
	gl_printf("BENCH END\n");
}
