/* SPDX-License-Identifier: MIT */
/*
 * What breaking a share costs, by the way it is done, in instructions of guest and
 * hypervisor: from the guest's write, or from its call, until the page is writable.
 *
 *   fresh     write fault; the guest asks for a frame, copies, remaps
 *   reserve   write fault; the library's reserve has a frame: one hypercall
 *   fault     write fault; no reserve, so the hypervisor copies (SHAREOP_unshare)
 *   call      no fault: one SHAREOP_unshare before the write
 *
 * Each for a frame that another page holds too, and (last_) for the last holder: then the
 * hypervisor makes no copy in the last two ways.  `copy` is the copy of a page alone, `bounce` a write fault that
 * the guest answers with one update of the entry.
 */
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/printf.h>
#include <gl/share_setup.h>
#include <gl/start.h>
#include <gl/trap.h>

#include "../bench.h"

#define ROUNDS	40
#define SLOTS	1	/* of the reserve: it is full or empty */

/* EATER: a page whose break, not measured, takes the reserve's frame. */
enum role { MEASURED, HOLDER, EATER, ROLES };
enum way { FRESH, RESERVE, FAULT, CALL, WAYS };

static const char *const way_names[WAYS] = { "fresh", "reserve", "fault", "call" };
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

/* A content of this round alone, in the page and, if others are to hold it, in theirs. */
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
	struct share_info info;

	must(!gl_share_info(share, &info), "no info");
	return info.last_breaks;
}

static uint64_t one(enum way way, unsigned int round, bool others,
		    uint64_t *without_copy)
{
	uint64_t took;

	offer(round, others);
	reserve_set(way == RESERVE || way == CALL);
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
		uint64_t took = one(way, i * 2 * WAYS + way * 2 + others, others,
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

void gl_main(void)
{
	share = gl_share_setup(SLOTS);
	must(share, "no memory");
	share_handler = gl_trap_handler_set(TRAP_page_fault, page_fault);
	for (enum role i = 0; i < ROLES; i++)
		page[i] = gl_page_alloc();
	bench("copy", copy, NULL);
	bounce();
	for (enum way way = 0; way < WAYS; way++) {
		way_run(way, true);
		way_run(way, false);
	}
	gl_printf("BENCH END\n");
}
