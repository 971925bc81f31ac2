/* SPDX-License-Identifier: MIT */
/*
 * Where a guest comes in (faults, `int n`, `syscall`, `sysenter`) and the one
 * way out.
 *
 *   guest --trap--> guest_trap ----+
 *   guest --syscall-> guest_syscall +--> pv_exit_to_guest --> guest_enter
 *   guest --sysenter> guest_sysenter+          |   ^
 *   guest --interrupt-> guest_resume+          |   ^
 *   scheduler (a vCPU was chosen) --+          +-> sched_check: another vCPU
 *
 * I19: on the way out no lock is held, and exactly one of these happens: the
 *      guest runs with all that was pending delivered, or its CPU is given to
 *      somebody else.
 *
 * The hypervisor cannot be entered again in between (interrupts are off): if
 * another CPU sets an event meanwhile, its interrupt fires as soon as the guest
 * runs.
 */
#include <port.h>

#include "dom/above.h"
#include "dom/reclaim.h"
#include "pv/bounce.h"
#include "pv/hypercall.h"
#include "pv/pttree.h"

#include "debug/assert.h"
#include "dom/sched.h"
#include "dom/stop.h"
#include "pv/pending.h"
#include "pv/ptcheck.h"
#include "pv/traps.h"
#include "x86/above.h"
#include "x86/insn.h"

/*
 * Do a part of the page-table work that a call left (pttree.c, TREE2); false:
 * there was none.
 */
static bool tables_part(struct domain *d)
{
	ASSERT(this_cpu()->pte_steps <= PENDING_PTES);
	this_cpu()->pte_steps = 0;
	if (likely(!pttree_work_left(d)))
		return false;
	(void)pttree_settle(d);
	return true;
}

/*
 * Most often there is nothing to do but to go: what exit_with_work() asks for,
 * in its order.
 */
static inline bool way_is_clear(const struct vcpu *v)
{
	return !reclaim_waits() && !stop_wanted() && !sched_check_wanted() &&
	       !pttree_work_left(v->domain) && !bounce_wanted(v);
}

static __attribute__((noinline)) noreturn void exit_with_work(struct vcpu *v)
{
	for (;;) {
		ASSERT(spin_level_held() == LOCK_NONE);
		reclaim_flush();
		stop_point();
		sched_check();
		if (tables_part(v->domain))
			continue;
		/*
		 * The frame on the guest's stack may have been written to a
		 * shared page.
		 */
		if (bounce_pending(v) && pttree_work_left(v->domain))
			continue;
		/* I19; locks are all that an entry could leave held */
		ASSERT(spin_level_held() == LOCK_NONE);
		if (READ_ONCE(v->domain->state) == DOM_RUNNING)
			guest_enter(&v->regs);
	}
}

void pv_exit_to_guest(struct vcpu *v)
{
	ASSERT(spin_level_held() == LOCK_NONE);
	ASSERT(this_cpu()->pte_steps <= PENDING_PTES);
	if (likely(way_is_clear(v))) {
		this_cpu()->pte_steps = 0;
		guest_enter(&v->regs);
	}
	exit_with_work(v);
}

void guest_resume(void)
{
	pv_exit_to_guest(current_vcpu());
}

void guest_syscall(struct regs *regs)
{
	struct vcpu *v = current_vcpu();

	if (v->kernel_mode && regs->cs == FLAT_KERNEL_CS64)
		hypercall_enter(v);
	else
		bounce_syscall(v);
	pv_exit_to_guest(v);
}

void guest_sysenter(struct regs *regs)
{
	struct vcpu *v = current_vcpu();

	(void)regs;
	bounce_sysenter(v);
	pv_exit_to_guest(v);
}

/* The guest gets the exception, at the address that could not be entered. */
void guest_iret_failed(uint32_t vector, uint32_t error_code)
{
	struct vcpu *v = current_vcpu();

	bounce_exception(v, vector, true, error_code);
	pv_exit_to_guest(v);
}

void guest_trap(struct regs *regs)
{
	/* read before a fault of our own changes it */
	uint64_t cr2 = read_cr2();
	struct vcpu *v = current_vcpu();

	trap_handle(v, cr2);
	pv_exit_to_guest(v);
}
