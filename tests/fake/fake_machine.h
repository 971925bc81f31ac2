/* SPDX-License-Identifier: MIT */
/*
 * A machine for tests of hv/dom, hv/pv and hv/sharing: fake RAM, real frame
 * table, allocators, page types, domains, builder, sharing; a fake CPU.
 *
 * Guest memory is reached through the guest's own page tables, so a copy faults
 * where it would on the CPU.  fake_recount() recomputes every reference and
 * type count from the tables (I3, I4) and compares.
 *
 * Parts, each alone in a file so that another may take its place
 * (tests/sim/sim.mk): fake_cpu.c, fake_tlb.c, fake_sched.c, fake_evtchn.c;
 * fake_recount.c.
 */
#ifndef TESTS_FAKE_MACHINE_H
#define TESTS_FAKE_MACHINE_H

#include <port.h>

#include "dom/domain.h"
#include "fake/fake_ram.h"
#include "pv/hypercall.h"

#define FAKE_BASE	0xffffffff80000000UL	/* va of pfn 0 */
#ifndef FAKE_PAGES
#define FAKE_PAGES	1024u			/* all of them are mapped */
#endif

struct fake_machine {
	unsigned int flushes;		/* TLB flushes of any kind */
	/* the masks of all of them; a test sets it to 0 first */
	uint64_t flushed;
	uint64_t looking;		/* guestcopy_look() */
	void (*on_flush)(void);		/* called before each */
	bool preempt;			/* what sched_preempt_pending() says */
	/* a millisecond goes by between two looks at the clock */
	bool slow;
	uint64_t skip_ns;		/* goes by before the next look */
	unsigned int gone;		/* domains that ended */
	/* hypercalls that asked to be continued */
	unsigned int continued;
	unsigned int rebuilds;
	unsigned int shut;		/* domains that are to stay */
	bool ending;			/* what lives_ending() says */
	uint32_t vcpus;		/* of the domains that are made next; 0: one */
	bool first;		/* the next one is the first domain */
};
extern struct fake_machine fake_machine;

/* In `flushed` beside the CPUs: this one's TLB, this one by a load of cr3. */
#define FAKE_FLUSH_LOCAL	(1UL << 63)
#define FAKE_FLUSH_CR3		(1UL << 62)

/* Once a test: the machine, with nothing in it. */
void fake_machine_start(void);
/* A running domain; its vCPU becomes the current one. NULL if refused. */
struct domain *fake_domain(const char *group, uint64_t budget);
/* The first domain. */
struct domain *fake_domain_first(const char *group, uint64_t budget);
/* its vCPU becomes current; NULL: none */
void fake_run(struct domain *d);
void fake_run_vcpu(struct domain *d, uint32_t id); /* that one does */
void fake_end(struct domain *d);	/* shut down and reaped, all steps */
void fake_forget(struct domain *d);	/* the test saw it go by itself */
/* Counts, audit; with no domain left, every frame is back. */
void fake_check(void);
void fake_recount(void);

/* A page of d by pfn. */
uint64_t fake_va(uint64_t pfn);
mfn_t fake_mfn(struct domain *d, uint64_t pfn);	/* what va maps now */
pte_t *fake_pte(struct domain *d, uint64_t pfn);
uint8_t *fake_page(struct domain *d, uint64_t pfn);
/* First pfn of a run of ordinary, unused, writable pages of d. */
uint64_t fake_free_pfn(struct domain *d);
/* The first frame of d's trace buffer, which is made now if it is not there. */
mfn_t fake_trace(struct domain *d);

/* The image that fake_domain() builds from, for tests of the builder. */
const struct boot_module *fake_kernel(void);

/* The hypervisor takes all free frames but `left`, and gives them back. */
void fake_memory_take(unsigned int left);
void fake_memory_give(void);

/*
 * A hypercall, continued as often as it asks; between, what pv_exit_to_guest()
 * does.
 */
long fake_call(hypercall_fn fn, struct hypercall_args args);
#define FAKE_CALL(fn, ...) \
	fake_call(fn, (struct hypercall_args){ .a = { __VA_ARGS__ } })

#endif
