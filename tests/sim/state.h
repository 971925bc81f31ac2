/* SPDX-License-Identifier: MIT */
/*
 * The prepared machine.  Two domains of one group, each with the same pages by
 * pfn, from `page` on, and each on its CPU; or both CPUs run the first one's
 * two vCPUs (state_one_domain()), while the second one waits.
 *
 *   P_OWN       plain, like no other          P_SAME     the same bytes in
 *               both, not offered
 *   P_BOTH      shared by both                P_ALONE    shared, the only
 *               holder
 *   P_LENT      granted by REF_LENT, writable, mapped by the other one at
 *               P_MAPPED
 *   P_OFFERED   granted by REF_OFFERED, writable, mapped by nobody
 *   P_TABLE     an empty L1 table, pinned     P_BLANK    zeroes, mapped
 *               read-only
 *   P_SPARE     to be given away: unmapped, as are P_HOLE (no page) and P_PLACE
 *               (va only)
 *   P_BUFFER    xencomm buffer                P_TWICE    shared by both, and
 *               P_SECOND maps it, too
 *
 * Each has an unbound port for the other and an interdomain channel; REF_ACCEPT
 * takes a page of the other's.
 */
#ifndef TESTS_SIM_STATE_H
#define TESTS_SIM_STATE_H

#include "fake/fake_grants.h"
#include "sim/sim.h"

enum {
	P_OWN, P_SAME, P_BOTH, P_ALONE, P_LENT, P_OFFERED, P_TABLE, P_BLANK,
	P_SPARE, P_HOLE, P_PLACE, P_BUFFER, P_GDT, P_MAPPED, P_TWICE, P_SECOND,
	P_COUNT
};
#define P_ARGS		40	/* of a call; three pages, */
#define P_ARGS_SECOND	44	/* and of the second vCPU's */
#define P_END		48	/* the pages in use end there */
#define THIRD		2	/* a vCPU that no CPU runs */

enum { REF_LENT = 8, REF_OFFERED, REF_ACCEPT, REF_UNUSED, REF_SHARED };

/* What runs on a CPU. */
struct side {
	struct domain *d;
	struct vcpu *v;
	struct side *other;	/* the other domain's */
	unsigned int cpu;
	unsigned int args_page;	/* P_ARGS or P_ARGS_SECOND */
	uint32_t handle;	/* of the other's P_LENT */
	uint32_t port_unbound, port_bound;
	uint64_t mfn[P_COUNT];	/* at the start; 0: none */
	long buffer;		/* number of the registered buffer */
	const void *op;		/* explore.c's */
	struct hypercall_args args; /* of the operation */
};
extern struct side sides[SIM_CPUS < 3 ? 2 : SIM_CPUS];

/* The domains, and what a CPU that runs one has loaded. */
extern struct state_tables {
	struct domain *d;
	maddr_t cr3;
} state_tables[2];

void state_prepare(void);
/* From the prepared state, before anything else runs. */
void state_one_domain(void);
/* Likewise: the third CPU runs the second vCPU of the first domain. */
void state_three(void);
/* The CPU runs that vCPU; it runs it no more; no CPU does from now on. */
void state_run(unsigned int cpu, struct vcpu *v);
void state_take(unsigned int cpu, struct vcpu *v);
void state_bar(struct vcpu *v);
/* I1 .. I18; it does not come back from a failure. */
void state_check(void);
/* What the guests see, but for frame numbers. */
uint64_t state_digest(void);
/* A hypercall of the CPU's domain, continued as often as it asks. */
long state_call(hypercall_fn fn, struct hypercall_args *args);
/* Its destruction is over. */
bool domain_is_gone(const struct domain *d);
/* What pv_exit_to_guest() does; the CPU may have no vCPU then. */
void state_exit(void);
/* A turn of the reaper, which the running CPU gives it. */
void state_reap(void);

#endif
