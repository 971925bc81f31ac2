/* SPDX-License-Identifier: MIT */
/*
 * Who runs: the scheduler's promises (dom/sched.h) for vCPUs that are on a CPU
 * or nowhere; and the registers that hv/dom/vcpu.c knows, which nobody reads.
 */
#include <port.h>
#include <string.h>

#include "dom/sched.h"
#include "dom/timer.h"
#include "sim/sim.h"
#include "sim/state.h"
#include "x86/cpu.h"
#include "x86/spinlock.h"

static struct spinlock lock = SPINLOCK_INIT(LOCK_SCHED);

void sched_stop(struct vcpu *v)
{
	spin_lock(&lock);
	WRITE_ONCE(v->want_offline, true);
	if (v->run != RUN_RUNNING)
		WRITE_ONCE(v->run, RUN_OFFLINE);
	spin_unlock(&lock);
}

void sched_online(struct vcpu *v)
{
	spin_lock(&lock);
	WRITE_ONCE(v->want_offline, false);
	if (READ_ONCE(v->run) == RUN_OFFLINE)
		WRITE_ONCE(v->run, RUN_RUNNABLE);
	spin_unlock(&lock);
}

bool sched_is_up(const struct vcpu *v)
{
	bool up;

	spin_lock(&lock);
	up = READ_ONCE(v->run) != RUN_OFFLINE && !v->want_offline;
	spin_unlock(&lock);
	return up;
}

void sched_offline(struct vcpu *v)
{
	while (READ_ONCE(v->run) == RUN_RUNNING) {
		sim_cpu_interrupt(v->domain);
		if (READ_ONCE(v->run) == RUN_RUNNING)
			port_spin();
	}
}

/* The CPU that runs it is told, and leaves it on its way to the guest. */
void sched_pause(struct vcpu *v)
{
	spin_lock(&lock);
	if (READ_ONCE(v->run) == RUN_RUNNABLE)
		WRITE_ONCE(v->run, RUN_PAUSED);
	spin_unlock(&lock);
	if (READ_ONCE(v->run) == RUN_RUNNING)
		sim_cpu_interrupt(v->domain);
}

void sched_resume(struct vcpu *v)
{
	spin_lock(&lock);
	if (READ_ONCE(v->run) == RUN_PAUSED)
		WRITE_ONCE(v->run, RUN_RUNNABLE);
	spin_unlock(&lock);
}

/* Another one's turn, which may be at what this one waits for. */
void sched_yield_cpu(struct vcpu *v)
{
	port_spin();
}

void state_left(struct vcpu *v)
{
	struct domain *d = v->domain;

	spin_lock(&lock);
	WRITE_ONCE(v->run, READ_ONCE(d->paused) && !v->want_offline &&
		 READ_ONCE(d->state) == DOM_RUNNING ? RUN_PAUSED : RUN_OFFLINE);
	spin_unlock(&lock);
}

/* Who waits is not simulated: no operation here blocks. */
void sched_kick(struct vcpu *v) { }
void sched_poll_wake(struct vcpu *v, uint32_t port) { }

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	*out = (struct vcpu_runstate_info){ .state = RUNSTATE_running };
}

void lapic_timer_set(uint64_t deadline_ns) { }

uint32_t tsc_pv_mul = 1;
int8_t tsc_pv_shift;
uint64_t tsc_to_ns(uint64_t ticks) { return ticks; }

void cpu_cr4_set_guest(uint64_t bits) { }
void gdt_load(uint64_t base_va) { }
void gdt_load_idle(void) { }
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
