/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes by CPU mask.
 *
 * TLB1  `request` is written by the holder of tlb_lock only, while no CPU has
 *       tlb_pending set; a CPU reads it only between seeing its own tlb_pending
 *       set and clearing it.
 * TLB2  a CPU clears tlb_pending after its flush; the requester returns when
 *       all CPUs it asked have.
 * TLB3  a CPU that waits, for the lock or for answers, answers requests
 *       meanwhile (port_spin()), so two requesters never wait for each other.
 */
#include <port.h>

#include "x86/cpu.h"
#include "x86/insn.h"
#include "x86/spinlock.h"
#include "x86/tlb.h"

#define ALL_PAGES	1UL	/* not a page address */

static struct spinlock tlb_lock = SPINLOCK_INIT(LOCK_TLB);
static uint64_t request;	/* TLB1: a page's address, or ALL_PAGES */

void tlb_flush_local(void)
{
	write_cr3(read_cr3());
}

void tlb_flush_page_local(uint64_t va)
{
	invlpg(va);
}

static void flush(uint64_t what)
{
	if (what == ALL_PAGES)
		tlb_flush_local();
	else
		tlb_flush_page_local(what);
}

void tlb_answer(void)
{
	struct percpu *cpu = this_cpu();

	if (likely(!atomic_load_acquire(&cpu->tlb_pending)))
		return;
	flush(READ_ONCE(request));
	atomic_store_release(&cpu->tlb_pending, 0);
}

void port_spin(void)
{
	cpu_pause();
	tlb_answer();
}

/* All of `others` flush `what`; this CPU is not one of them. */
static void flush_others(uint64_t others, uint64_t what)
{
	uint64_t left;
	unsigned int id;

	spin_lock(&tlb_lock);
	WRITE_ONCE(request, what);
	for (left = others; left; left &= left - 1) {
		id = __builtin_ctzl(left);
		atomic_store(&cpu_areas[id]->tlb_pending, 1);
		lapic_send_ipi(id, VEC_TLB);
	}
	for (left = others; left; left &= left - 1) {
		id = __builtin_ctzl(left);
		while (atomic_load_acquire(&cpu_areas[id]->tlb_pending))
			cpu_pause();
	}
	spin_unlock(&tlb_lock);
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
	this_cpu()->loaded_cr3 = cr3;
	write_cr3(cr3);
}
