/* SPDX-License-Identifier: MIT */
/*
 * Who runs: the scheduler itself (hv/dom/sched*.c, hv/dom/stop.c), on each
 * CPU's way to its guest; and the registers that hv/dom/vcpu.c knows, which
 * nobody reads.
 *
 * RUN1  An operation is its vCPU's and its CPU's, both: each vCPU that does one
 *       is barred from all other CPUs (RUNQ6), and those that do none belong to
 *       the queue of a CPU that there is not.
 * RUN2  A CPU with nobody to run waits for an interrupt of the scheduler's; if
 *       none can come any more, its operation is over (-ESRCH).
 * RUN3  The loop does not reap: how often the reaper has its turn is what
 *       operations say (state_reap()).
 * RUN4  Time stands, so no slice ends; but where nothing is left that could
 *       happen, and a timer is set, it is due, once.
 */
#include <port.h>
#include <setjmp.h>
#include <string.h>

#include "dom/above.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "dom/stop.h"
#include "pv/pttree.h"
#include "sim/sim.h"
#include "sim/state.h"
#include "x86/above.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

#define NOWHERE		SIM_CPUS	/* RUN1: that CPU */

/* Each by its CPU: where its scheduler goes back to. */
static struct {
	jmp_buf left;
	struct vcpu *entered;
	bool in_loop, asleep;
	unsigned int turns;	/* RUN3 */
} on[SIM_CPUS];
static bool runs;	/* the machine, with guests */

/* --- the scheduler's loop --- */

void pv_exit_to_guest(struct vcpu *v)
{
	on[sim_cpu].entered = v;
	longjmp(on[sim_cpu].left, 1);
}

void stack_reset_call(void (*fn)(void))
{
	longjmp(on[sim_cpu].left, 1);
}

/* RUN2: it stays among those that idle. */
void cpu_idle_wait(void)
{
	if (sim_idle() || sim_time_passes(timer_next_ns()))
		return;
	on[sim_cpu].asleep = true;
	longjmp(on[sim_cpu].left, 1);
}

/* RUN3 */
enum progress __real_reaper_step(void);
enum progress __wrap_reaper_step(void);

enum progress __wrap_reaper_step(void)
{
	if (!on[sim_cpu].in_loop)
		return __real_reaper_step();
	if (!on[sim_cpu].turns)
		return DONE;
	on[sim_cpu].turns--;
	return __real_reaper_step();
}

/* False: it has nobody to run. */
static bool loop(void)
{
	unsigned int me = sim_cpu;
	struct vcpu *v = this_cpu()->current;
	bool gave_way = v && v->want_yield;

	if (on[me].asleep)
		sched_idle_end();
	on[me].asleep = false;
	on[me].entered = NULL;
	on[me].in_loop = true;
	if (!setjmp(on[me].left))
		sched_loop();
	on[me].in_loop = false;
	/* Who gives way most likely waits for what another CPU does. */
	if (gave_way && on[me].entered)
		port_spin();
	return on[me].entered;
}

/* False: it goes on to somebody else. */
static bool check(void)
{
	if (setjmp(on[sim_cpu].left))
		return false;
	sched_check();
	return true;
}

/* As pv/entry.c does it. */
static void leave_hypervisor(void)
{
	struct vcpu *v;

	for (;;) {
		v = this_cpu()->current;
		if (!v && !loop())
			return;
		v = this_cpu()->current;
		this_cpu()->pte_steps = 0;
		reclaim_flush();
		stop_point();
		if (sched_check_wanted() && !check()) {
			if (!loop())
				return;
			continue;
		}
		if (!pttree_work_left(v->domain))
			return;
		(void)pttree_settle(v->domain);
	}
}

void state_exit(void)
{
	do {
		leave_hypervisor();
		tlb_answer();
	} while (sim_interrupted());
}

void state_reap(void)
{
	struct vcpu *v = this_cpu()->current;

	if (!v) {
		(void)reaper_step();
		return;
	}
	on[sim_cpu].turns = 1;
	sched_reap_soon();
	sched_yield_cpu(v);
	state_exit();
	on[sim_cpu].turns = 0;
}

/* --- before anything runs --- */

static void on_cpu(unsigned int cpu, void (*fn)(struct vcpu *v), struct vcpu *v)
{
	unsigned int me = sim_cpu;

	sim_cpu = cpu;
	fn(v);
	sim_cpu = me;
}

static void start(struct vcpu *v)
{
	runs = true;
	sched_queue_bar(v, ~(1UL << sim_cpu));
	sched_online(v);
	state_exit();
	CHECK(this_cpu()->current == v);
}

static void stop(struct vcpu *v)
{
	state_bar(v);
	state_exit();
	CHECK(!this_cpu()->current);
}

void state_bar(struct vcpu *v)
{
	sched_queue_bar(v, (1UL << NOWHERE) - 1);
}

void state_run(unsigned int cpu, struct vcpu *v)
{
	on_cpu(cpu, start, v);
}

void state_take(unsigned int cpu, struct vcpu *v)
{
	on_cpu(cpu, stop, v);
}

/* --- the CPU --- */

void lapic_timer_set(uint64_t deadline_ns) { }

uint32_t tsc_pv_mul = 1;
int8_t tsc_pv_shift;
/* Who starts the machine measures with it. */
uint64_t tsc_read(void)
{
	static uint64_t tsc;

	return runs ? now_ns() : ++tsc;
}

uint64_t tsc_to_ns(uint64_t ticks) { return ticks; }
uint64_t ns_to_tsc(uint64_t ns) { return ns; }

void cpu_cr4_set_guest(uint64_t bits) { }
void cpu_forget_all(void) { }
void gdt_load(uint64_t base_va) { }
void gdt_load_idle(void) { }
void gdt_set_ldt(uint64_t base_va, unsigned int entries) { }
void gdt_set_rsp0(void *rsp0) { }
void segs_save(struct guest_segs *s) { }
bool segs_load(const struct guest_segs *s) { return true; }
uint64_t segs_read_gs_base(void) { return 0; }
void segs_write_gs_base(uint64_t base) { }
void fpu_save(void *state512) { }
void fpu_load(const void *state512) { }
void fpu_set_ts(bool on) { }
void debugreg_write(unsigned int nr, uint64_t value) { }
uint64_t debugreg_read(unsigned int nr) { return 0; }
