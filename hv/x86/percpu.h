/* SPDX-License-Identifier: MIT */
/*
 * The per-CPU area.  While the hypervisor runs, GS base points at it
 * (this_cpu(), port.h); entry from a guest does swapgs, and the guest's own GS
 * base waits in MSR_KERNEL_GS_BASE.
 *
 * Fields belong to their CPU, which runs with interrupts off; fields that
 * others write say so.
 */
#ifndef HV_X86_PERCPU_H
#define HV_X86_PERCPU_H

#include "lib/types.h"

#define MAX_CPUS	64
#define MAX_LOCKS_HELD	8

struct vcpu;			/* dom/vcpu.h; x86 only carries the pointer */
struct pagefns_bracket;		/* sharing/pagefns.h; only the pointer, too */

/* Of acpi_id: no table of ACPI's names the processor. */
#define ACPI_ID_NONE	UINT32_MAX

/* A page of the running guest's that may be used until the next flush. */
struct ref_page {
	uint64_t number;	/* of the reference's page; 0: none */
	uint64_t flushes;	/* the CPU's then */
	uint8_t *page;
};

struct percpu {
	struct percpu *self;		/* read through gs:0 */
	uint64_t scratch_rsp;		/* syscall stub: guest rsp */
	/* where the running vCPU's struct regs ends; also TSS.rsp0 */
	void *guest_regs_end;
	void *stack_top;		/* this CPU's own stack, for C code */
	uint32_t id;			/* 0 .. cpu_count - 1 */
	/* how interrupts name it, and ACPI's objects; constant after boot */
	uint32_t apic_id, acpi_id;

	struct vcpu *current;		/* running vCPU, NULL when idle */
	/*
	 * when the running vCPU should be preempted; see
	 * sched_preempt_pending()
	 */
	uint64_t slice_end_tsc;
	/* set by any CPU (atomic); cleared by the scheduler */
	uint32_t need_resched;
	/*
	 * CPUs that wait for a flush of this one: each sets its bit, this CPU
	 * clears it when done; atomic (x86/tlb.c, TLB2)
	 */
	uint64_t tlb_asked;
	/* what this CPU asks others to flush (TLB1) */
	uint64_t tlb_request;
	/* written by this CPU once, read by the boot CPU */
	uint32_t online;

	struct pagefns_bracket *pagefns; /* open now, or NULL */
	/*
	 * entries of page tables (de)validated since the last look at the
	 * clock; pv/pttree.c.  Not 0 either after other work that took long
	 */
	uint32_t pte_steps;

	/* debug builds: levels held, in order of taking */
	uint8_t lock_depth;
	uint8_t lock_levels[MAX_LOCKS_HELD];

	maddr_t loaded_cr3;		/* last value written to CR3 */
	/* of guests' translations, of one or of all, ever; this CPU's alone */
	uint64_t flushes;
	struct ref_page ref_pages[2];	/* pv/xencomm.c, COMM5 */
	/*
	 * Guest addresses below plain_end and from plain_from on are read
	 * without a look at *linked_slots; x86/guestcopy.c.
	 * Any CPU may take the first two away
	 */
	uint64_t plain_end, plain_from;
	uint64_t *const *linked_slots;
	/* the page that a vCPU's GDT shows at selector 0xe000 */
	void *gdt_page;
	mfn_t gdt_page_mfn;
	void *tss;

	/*
	 * per-CPU pseudo random state (canonical frame draw, scheduling jitter)
	 */
	uint64_t random_counter;
};

/*
 * pte_steps between two looks at the clock; and what counts for as many: a page
 * that is copied, a wait for other CPUs.
 */
#define PTE_STEPS_MOST	512
#define PTE_STEPS_PAGE	8

/* This CPU just did such a thing: it looks at the clock next, if it can. */
static inline void percpu_took_long(struct percpu *cpu)
{
	if (cpu->pte_steps < PTE_STEPS_MOST)
		cpu->pte_steps = MIN(cpu->pte_steps + PTE_STEPS_PAGE, PTE_STEPS_MOST);
}

/* by id; filled by smp.c before the CPU starts */
extern struct percpu *cpu_areas[MAX_CPUS];
/* CPUs online; constant after boot */
extern uint32_t cpu_count;

#endif
