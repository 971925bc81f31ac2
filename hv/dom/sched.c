/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: what state a vCPU is in, and the loop of each CPU.
 * sched_queue.c decides which vCPU comes next, sched_account.c how much a
 * domain may have.
 *
 * SCHED1  RUNNING <=> the vCPU is `running` of the queue that it belongs to,
 *         and its registers, tables or FPU state may be on that CPU.  Only that
 *         CPU ends this (sched_leave()), after it saved the state; until then
 *         others only leave wishes (want_*).  So the state of a vCPU on a queue
 *         is always saved, and no CPU waits to take it.
 * SCHED2  RUNNABLE <=> in its queue, or parked there until its domain has
 *         budget again.
 * SCHED3  no wake-up is lost: the sender of an event sets its bits, then calls
 *         sched_wake().  sched_block() looks at the bits with the lock of the
 *         vCPU's queue held; so either sched_block() sees the bits, or the
 *         sender takes that lock later, and then clears want_block or finds the
 *         vCPU BLOCKED.
 * SCHED4  a CPU whose bit is in idle_cpus sleeps or will sleep at once, with
 *         interrupts off until then; so the IPI of the CPU that clears the bit
 *         is not lost.  A bit is set only while no vCPU waits that the CPU
 *         would find (RUNQ4, RUNQ6).
 * SCHED5  what a vCPU ran is on its domain's account before it is on a queue
 *         again.
 * SCHED6  whoever makes a vCPU RUNNABLE or RUNNING looks at its domain's pause
 *         count with the lock of the vCPU's queue held, and makes it PAUSED
 *         instead.  The count goes up before sched_pause() takes that lock, and
 *         to 0 before sched_resume() does: no vCPU is overlooked.
 *
 * Preemption: interrupts are off in the hypervisor, so long work compares the
 * TSC with the slice's end (sched_preempt_pending()).  need_resched is for
 * wishes.
 *
 * Waiting for another CPU to leave a vCPU (sched_offline()).  That CPU may be
 * in a guest (the IPI brings it in), or in a hypercall where it spins for a
 * lock, or in the same wait for a vCPU of ours.  So the waiter holds no lock,
 * not even LOCK_DOMLIST, and has no vCPU that somebody could wait for: only the
 * reaper waits, and sched_loop() leaves the current vCPU before it lets the
 * reaper work.  The waiter answers TLB flushes (port_spin()) and stops for an
 * audit (stop_point()).  Code that holds locks only asks: sched_stop() for a
 * vCPU, and sched_hurry() for those of a domain that may run no more.
 */
#include <port.h>

#include "dom/above.h"
#include "dom/console.h"
#include "dom/evtchn.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "dom/stop.h"
#include "dom/store.h"
#include "x86/above.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

/*
 * The reaper's turn when a vCPU of this CPU waits for a death: in each it is
 * left and entered, which costs as much as a step; and all others of this CPU
 * wait so long.
 */
#define REAP_TURN_NS	200000UL
#define REAP_TURN_STEPS	32u

/*
 * each CPU its own: no reaping before this time, if a guest can run; whether
 * one waits for it
 */
static uint64_t reap_at_ns[MAX_CPUS];
static bool reap_awaited[MAX_CPUS];

void (*sched_all_gone)(void);
void (*sched_between_guests)(void);

static bool may_run(const struct vcpu *v)
{
	return READ_ONCE(v->domain->state) == DOM_RUNNING; /* D3 */
}

/* SCHED6 */
static bool is_paused(const struct vcpu *v)
{
	return READ_ONCE(v->domain->paused);
}

/* --- with the lock of v's queue --- */

static void runstate_set(struct vcpu *v, int state, uint64_t now)
{
	struct vcpu_runstate_info *r = &v->runstate;

	if (now > r->state_entry_time)
		r->time[r->state] += now - r->state_entry_time;
	r->state_entry_time = now;
	r->state = state;
}

static void make_paused(struct vcpu *v, uint64_t now)
{
	WRITE_ONCE(v->run, RUN_PAUSED);
	runstate_set(v, RUNSTATE_offline, now);
}

static void make_runnable(struct sched_queue *q, struct vcpu *v)
{
	uint64_t now = now_ns();

	if (is_paused(v)) {
		make_paused(v, now);
		return;
	}
	WRITE_ONCE(v->run, RUN_RUNNABLE);
	runstate_set(v, RUNSTATE_runnable, now);
	sched_queue_add(q, v, now);
	sched_queue_tell(q, v, now);
}

static void wake_locked(struct sched_queue *q, struct vcpu *v)
{
	WRITE_ONCE(v->poll_wait, false);
	WRITE_ONCE(v->want_block, false); /* SCHED3 */
	if (v->run == RUN_BLOCKED)
		make_runnable(q, v);
}

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	struct sched_queue *q = sched_queue_lock(v);

	runstate_set(v, v->runstate.state, now_ns());
	*out = v->runstate;
	sched_queue_unlock(q);
}

/* --- what others may ask --- */

void sched_wake(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);

	wake_locked(q, v);
	sched_queue_unlock(q);
}

/*
 * A kick of the current vCPU does nothing, as it sees events on its way out;
 * unless it wants to block: then the wish has to be taken back.
 */
static bool kick_has_no_effect(const struct vcpu *v)
{
	return v == current_vcpu() && !READ_ONCE(v->want_block) &&
	       !READ_ONCE(v->poll_wait);
}

void sched_kick(struct vcpu *v)
{
	struct sched_queue *q;

	if (kick_has_no_effect(v))
		return;
	q = sched_queue_lock(v);
	if (v->run == RUN_RUNNING && v->cpu != this_cpu()->id)
		lapic_send_ipi(v->cpu, VEC_RESCHED);
	wake_locked(q, v);
	sched_queue_unlock(q);
}

static void leave_soon(void)
{
	atomic_store_release(&this_cpu()->need_resched, 1);
}

void sched_block(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);

	if (!evtchn_deliverable(v) && !vcpu_nmi_deliverable(v)) { /* SCHED3 */
		WRITE_ONCE(v->want_block, true);
		leave_soon();
	}
	sched_queue_unlock(q);
}

void sched_yield_cpu(struct vcpu *v)
{
	v->want_yield = true;	/* the current vCPU's; nobody else looks */
	leave_soon();
}

/*
 * This CPU writes poll_wait and then reads the port's bit; the sender sets the
 * bit and then reads poll_wait.  The fence here, and the locked instruction
 * that sets the bit, make sure that one of the two sees the other's write.
 */
void sched_poll_start(struct vcpu *v, uint32_t port)
{
	struct sched_queue *q = sched_queue_lock(v);

	v->poll_port = port;
	WRITE_ONCE(v->poll_wait, true);
	WRITE_ONCE(v->want_block, true);
	leave_soon();
	sched_queue_unlock(q);
	atomic_fence();
}

void sched_poll_abort(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);

	WRITE_ONCE(v->poll_wait, false);
	WRITE_ONCE(v->want_block, false);
	sched_queue_unlock(q);
}

void sched_poll_wake(struct vcpu *v, uint32_t port)
{
	struct sched_queue *q;

	if (!READ_ONCE(v->poll_wait))
		return;
	q = sched_queue_lock(v);
	if (v->poll_wait && (!v->poll_port || !port || v->poll_port == port))
		wake_locked(q, v);
	sched_queue_unlock(q);
}

void sched_stop(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);

	v->want_offline = true;
	if (v->run == RUN_RUNNING) {
		sched_ask_cpu(v->cpu);
	} else if (v->run != RUN_OFFLINE) {
		sched_queue_remove(q, v); /* no effect if BLOCKED */
		WRITE_ONCE(v->run, RUN_OFFLINE);
		runstate_set(v, RUNSTATE_offline, now_ns());
	}
	sched_queue_unlock(q);
	/* most likely there is a domain to reap */
	(void)sched_idle_wake(this_cpu()->id, 0);
}

void sched_pause(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);

	if (v->run == RUN_RUNNING) {
		sched_ask_cpu(v->cpu);
	} else if (v->run == RUN_RUNNABLE) {
		sched_queue_remove(q, v);
		make_paused(v, now_ns());
	}
	sched_queue_unlock(q);
}

void sched_resume(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);

	if (v->run == RUN_PAUSED)
		make_runnable(q, v);
	sched_queue_unlock(q);
}

static bool runs_elsewhere(const struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);
	bool elsewhere = v->run == RUN_RUNNING && v->cpu != this_cpu()->id;

	sched_queue_unlock(q);
	return elsewhere;
}

void sched_offline(struct vcpu *v)
{
	sched_stop(v);
	while (runs_elsewhere(v)) {
		/* See the top of this file. */
		ASSERT(spin_level_held() == LOCK_NONE && !this_cpu()->current);
		while (READ_ONCE(v->run) == RUN_RUNNING) {
			/*
			 * That CPU may wait for us to stop: a timer of its own
			 * audits.
			 */
			stop_point();
			port_spin();
		}
	}
}

void sched_online(struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);

	v->want_offline = false;
	if (v->run == RUN_OFFLINE && may_run(v))
		make_runnable(q, v);
	sched_queue_unlock(q);
}

bool sched_is_up(const struct vcpu *v)
{
	struct sched_queue *q = sched_queue_lock(v);
	bool up = v->run != RUN_OFFLINE && !v->want_offline;

	sched_queue_unlock(q);
	return up;
}

void sched_hurry(const struct vcpu *v)
{
	if (READ_ONCE(v->run) == RUN_RUNNING)
		sched_ask_cpu(READ_ONCE(v->cpu));
}

/* --- this CPU --- */

static inline bool time_is_up(const struct percpu *cpu)
{
	return atomic_load_acquire(&cpu->need_resched) ||
	       tsc_read() >= cpu->slice_end_tsc;
}

/*
 * Between two units of a call nothing relies on what the TLB knows.  So who
 * waits for a flush of this CPU's does not wait until the call ends (TL11).
 * Apart, so that the question alone is inlined where it is asked.
 */
static __attribute__((noinline, cold)) bool answer_and_look(const struct percpu *cpu)
{
	tlb_answer();
	return time_is_up(cpu);
}

inline bool sched_preempt_pending(void)
{
	const struct percpu *cpu = this_cpu();

	if (unlikely(atomic_load_acquire(&cpu->need_resched) | READ_ONCE(cpu->tlb_asked)))
		return answer_and_look(cpu);
	return tsc_read() >= cpu->slice_end_tsc;
}

static inline bool must_leave(void)
{
	const struct percpu *cpu = this_cpu();
	const struct vcpu *v = cpu->current;

	return time_is_up(cpu) || !may_run(v) || is_paused(v);
}

bool sched_check_wanted(void)
{
	return timer_noted() || must_leave();
}

void sched_check(void)
{
	timer_poll();
	if (must_leave())
		stack_reset_call(sched_loop);
}

/* From x86/trap.c; the reason is looked at on the way out (sched_check()). */
void cpu_interrupt(enum vector vector)
{
	if (vector == VEC_TIMER)
		timer_note();
}

/* SCHED5 */
static void account(struct vcpu *v, uint64_t now)
{
	uint64_t ran = now > v->ran_since_ns ? now - v->ran_since_ns : 0;

	sched_account_end(&v->domain->account, now, v->granted_ns, ran);
}

/*
 * Its state is saved: what becomes of v?  It belongs to `home` from now on,
 * whose lock is held, and that of this CPU's queue.
 */
static void requeue(struct sched_queue *home, struct vcpu *v, uint64_t now)
{
	struct sched_queue *q = sched_queue_here();

	ASSERT(v->run == RUN_RUNNING && q->running == v); /* SCHED1 */
	account(v, now);
	sched_queue_leaves(home, v, now);
	if (v->want_offline || !may_run(v)) {
		WRITE_ONCE(v->run, RUN_OFFLINE);
		runstate_set(v, RUNSTATE_offline, now);
	} else if (v->want_block) {
		WRITE_ONCE(v->run, RUN_BLOCKED);
		runstate_set(v, RUNSTATE_blocked, now);
	} else if (is_paused(v)) {
		make_paused(v, now);
	} else {
		WRITE_ONCE(v->run, RUN_RUNNABLE);
		if (v->want_yield)
			v->yielded_to = SCHED_VIRTUAL(SCHED_SLICE_NS) +
				sched_account_vtime(&v->domain->account, now);
		runstate_set(v, RUNSTATE_runnable, now);
		sched_queue_add(home, v, now);
		if (home != q)
			sched_queue_tell(home, v, now);
	}
	WRITE_ONCE(v->want_block, false);
	v->want_yield = false;
}

/*
 * Show the guest's other vCPUs that v does not run, so that one that waits for
 * v's lock yields.  A wake-up from now on shows only when v runs again.
 */
static void tell_leaving(struct vcpu *v)
{
	struct vcpu_runstate_info runstate;
	struct sched_queue *q;

	if (!READ_ONCE(v->runstate_va) || !may_run(v))
		return;
	q = sched_queue_lock(v);
	runstate_set(v, v->want_offline ? RUNSTATE_offline :
			v->want_block ? RUNSTATE_blocked :
			is_paused(v) ? RUNSTATE_offline : RUNSTATE_runnable,
		     now_ns());
	runstate = v->runstate;
	sched_queue_unlock(q);
	vcpu_show_runstate(v, &runstate);
}

/* Save v's registers and tables, and what others may read of v. */
static void unload(struct vcpu *v)
{
	console_drain(v->domain);
	store_serve(v->domain);
	vcpu_ticks_stop(v);
	tell_leaving(v);
	vcpu_switch(v, NULL);
	if (v->want_yield || READ_ONCE(v->poll_wait))
		sched_queue_favour_sibling(v);
}

/*
 * Leave the current vCPU, if any.  After the unlock it may run elsewhere, or be
 * gone.  A slice starts for whatever the hypervisor itself does next.
 */
static locks_unchecked void sched_leave(void)
{
	struct sched_queue *here = sched_queue_here(), *home;
	struct percpu *cpu = this_cpu();
	struct vcpu *v = cpu->current;

	if (v) {
		unload(v);
		home = sched_queue_lock_leaving(v);
		requeue(home, v, now_ns());
		if (here->waiting > 1) /* one is ours, one is not */
			(void)sched_idle_wake(cpu->id, 0);
		spin_unlock_pair(&here->lock, &home->lock);
	}
	WRITE_ONCE(cpu->need_resched, 0);
	cpu->slice_end_tsc = ns_to_tsc(now_ns() + SCHED_SLICE_NS);
}

/*
 * v, taken for this CPU, runs from now on; false: its domain is dead, paused,
 * or has no budget.
 */
static bool start_slice(struct sched_queue *q, struct vcpu *v, uint64_t now)
{
	if (!may_run(v)) {
		WRITE_ONCE(v->run, RUN_OFFLINE);
		runstate_set(v, RUNSTATE_offline, now);
		return false;
	}
	if (is_paused(v)) {
		make_paused(v, now);
		return false;
	}
	v->granted_ns = sched_account_begin(&v->domain->account, now,
					    v->granted_ns);
	if (!v->granted_ns) {
		sched_queue_park(q, v, now);
		return false;
	}
	WRITE_ONCE(v->run, RUN_RUNNING);
	v->yielded_to = 0;
	v->ran_since_ns = now;
	sched_queue_run(q, v, now);
	runstate_set(v, RUNSTATE_running, now);
	this_cpu()->slice_end_tsc =
		ns_to_tsc(MIN(now + v->granted_ns, q->opens_ns));
	return true;
}

/* The next vCPU, RUNNING here from now on; NULL: there is none. */
static struct vcpu *sched_pick(void)
{
	struct sched_queue *q = sched_queue_here();
	struct vcpu *v;
	bool started;

	WRITE_ONCE(this_cpu()->need_resched, 0);
	sched_queue_unpark(now_ns());
	while ((v = sched_queue_take()) != NULL) {
		started = start_slice(q, v, now_ns());
		sched_queue_unlock(q);
		if (started)
			return v;
	}
	return NULL;
}

static void sched_idle(void)
{
	struct percpu *cpu = this_cpu();
	uint64_t opens = sched_queue_here()->opens_ns;

	if (!sched_idle_begin()) /* SCHED4 */
		return;
	cpu->slice_end_tsc = opens == ~(uint64_t)0 ? opens : ns_to_tsc(opens);
	reclaim_flush_all();
	timer_arm();
	cpu_idle_wait();
	sched_idle_end();
	cpu->slice_end_tsc = ns_to_tsc(now_ns() + SCHED_SLICE_NS);
}

void sched_reap_soon(void)
{
	reap_at_ns[this_cpu()->id] = 0;
	reap_awaited[this_cpu()->id] = true;
}

/* Up to so many steps in the time of a turn; DONE: there was none to do. */
static enum progress reap_steps(unsigned int most)
{
	uint64_t end = now_ns() + REAP_TURN_NS;
	unsigned int i;

	for (i = 0; i < most && reaper_step() == MORE; i++)
		if (now_ns() >= end)
			return MORE;
	return i ? MORE : DONE;
}

/*
 * A turn of the reaper; while vCPUs wait, only one step in each slice, but for
 * who waits for a death.  MORE: there may be.
 */
static enum progress sched_reap(void)
{
	unsigned int here = this_cpu()->id, most = reap_awaited[here] ? REAP_TURN_STEPS : 1;

	if (!sched_queue_nothing_here() && now_ns() < reap_at_ns[here])
		return DONE;
	reap_awaited[here] = false;
	if (reap_steps(most) == DONE)
		return DONE;
	reap_at_ns[here] = now_ns() + SCHED_SLICE_NS;
	if (here != 0 && domain_count() == 0)
		lapic_send_ipi(0, VEC_RESCHED); /* it calls sched_all_gone() */
	return MORE;
}

void sched_loop(void)
{
	sched_leave();
	for (;;) {
		struct vcpu *v;
		bool more;

		stop_point();
		timer_run();
		more = sched_reap();
		if (this_cpu()->id == 0 && sched_between_guests)
			sched_between_guests();
		if (this_cpu()->id == 0 && sched_all_gone &&
		    domain_count() == 0 && sched_queues_empty())
			sched_all_gone();
		if (more && sched_queue_nothing_here())
			continue;
		v = sched_pick();
		if (!v) {
			sched_idle();
			continue;
		}
		vcpu_switch(NULL, v);
		vcpu_ticks_start(v);
		timer_arm();
		pv_exit_to_guest(v);
	}
}
