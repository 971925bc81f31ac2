/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes by CPU mask.  Each CPU may have one request under way, all CPUs
 * at the same time; no lock is taken.
 *
 * TLB1  a CPU writes its tlb_request only while its bit is in no CPU's
 *       tlb_asked; another CPU reads it only between seeing the bit in its own
 *       tlb_asked and clearing it.
 * TLB2  a CPU clears in its tlb_asked the bits of the requests that it has
 *       served, and no others.  A requester goes on when its bit is cleared in
 *       every CPU that it asked.
 * TLB3  a CPU that waits, for a lock or for answers, answers (port_spin()): two
 *       requesters never wait for each other.
 * TLB4  only the first bit sends an interrupt: a CPU that has cleared bits
 *       looks for new ones before it stops answering, so it sees each bit that
 *       was set beside another one.
 *
 * A CPU in a long call answers when it looks at the clock
 * (sched_preempt_pending()), and one that has waited looks at the clock next:
 * so who has many such waits in one call does not keep its CPU for all of them
 * (TL11).
 *
 * Which CPUs need not be asked: VCPU1 (dom/vcpu.c).  SPIN models: tlb_requests
 * (TLB1 to TLB4), tlb_mask (VCPU1).
 */
#include <port.h>

#include "x86/cpu.h"
#include "x86/insn.h"
#include "x86/tlb.h"

#define ALL_PAGES	1UL	/* not a page address */

/*
 * Counted before it is made: who looks at the count answers no request between
 * that and the use of what he knows.
 */
static void count(void)
{
	this_cpu()->flushes++;
}

void tlb_flush_local(void)
{
	count();
	write_cr3(read_cr3());
}

void tlb_flush_page_local(uint64_t va)
{
	count();
	invlpg(va);
}

static void flush(uint64_t what)
{
	if (what == ALL_PAGES)
		tlb_flush_local();
	else
		tlb_flush_page_local(what);
}

/* Several requests are served by one flush of everything. */
static void serve(uint64_t requesters)
{
	bool one = !(requesters & (requesters - 1));

	flush(one ? READ_ONCE(cpu_areas[__builtin_ctzl(requesters)]->tlb_request) :
		    ALL_PAGES);
}

void tlb_answer(void)
{
	struct percpu *cpu = this_cpu();
	uint64_t requesters;

	/* TLB4 */
	while (unlikely(requesters = atomic_load_acquire(&cpu->tlb_asked))) {
		serve(requesters);
		atomic_and(&cpu->tlb_asked, ~requesters); /* TLB2 */
	}
}

void port_spin(void)
{
	cpu_pause();
	tlb_answer();
}

/* All of `others` flush `what`; this CPU is not one of them. */
static void flush_others(uint64_t others, uint64_t what)
{
	struct percpu *cpu = this_cpu();
	uint64_t me = 1UL << cpu->id, left;
	unsigned int id;

	WRITE_ONCE(cpu->tlb_request, what);
	for (left = others; left; left &= left - 1) {
		id = __builtin_ctzl(left);
		if (!atomic_fetch_or(&cpu_areas[id]->tlb_asked, me)) /* TLB4 */
			lapic_send_ipi(id, VEC_TLB);
	}
	for (left = others; left; left &= left - 1) {
		id = __builtin_ctzl(left);
		while (atomic_load_acquire(&cpu_areas[id]->tlb_asked) & me)
			port_spin();
	}
	percpu_took_long(cpu);
}

static void flush_mask(uint64_t mask, uint64_t what)
{
	uint64_t me = 1UL << this_cpu()->id;

	/* "All CPUs" may be said as ~0. */
	mask &= ~0UL >> (MAX_CPUS - cpu_count);

	/* Changes to tables made so far are seen before the mask was read. */
	atomic_fence();
	if (mask & me)
		flush(what);
	if (mask & ~me)
		flush_others(mask & ~me, what);
}

void tlb_flush_mask(uint64_t cpu_mask)
{
	flush_mask(cpu_mask, ALL_PAGES);
}

void tlb_flush_page_mask(uint64_t cpu_mask, uint64_t va)
{
	flush_mask(cpu_mask, va & PAGE_MASK);
}

void tlb_load_cr3(maddr_t cr3)
{
	count();
	this_cpu()->loaded_cr3 = cr3;
	write_cr3(maddr_n(cr3));
}
