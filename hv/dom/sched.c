/* SPDX-License-Identifier: MIT */
/*
 * The scheduler.
 *
 * One queue of runnable vCPUs, sorted by virtual run time; all CPUs take from
 * its head.  A vCPU that wakes starts at most half a slice ahead of the others,
 * whatever it slept, so sleeping saves up no claim, and spinning earns none.
 *
 * SCHED1  RUNNING <=> the vCPU is running[v->cpu], and its registers, tables or
 *         FPU state may be on that CPU.  Only that CPU ends this
 *         (sched_leave()), after it saved the state; until then others only
 *         leave wishes (want_*).  So a vCPU that is on the queue is always
 *         whole, and no CPU waits to take it.
 * SCHED2  RUNNABLE <=> on the queue.
 * SCHED3  a sleeper is never missed: who sends an event sets its bits, then
 *         calls sched_wake().  sched_block() looks at the bits with LOCK_SCHED
 *         held; so either it sees them, or the waker takes the lock later and
 *         takes back want_block, or finds the vCPU BLOCKED.
 * SCHED4  a CPU whose bit is in idle_cpus sleeps, or will at once, with
 *         interrupts off until it does: the IPI of whoever clears the bit is
 *         not lost.
 *
 * Preemption: interrupts are off in the hypervisor, so long work compares the TSC
 * with the slice's end (sched_preempt_pending()).  need_resched is for wishes.
 *
 * Waiting for another CPU to leave a vCPU (sched_offline()).  That CPU may be in a
 * guest (the IPI brings it in), or in a hypercall where it spins for a lock, or
 * in the same wait for a vCPU of ours.  So the waiter holds no lock, not even
 * LOCK_DOMLIST, and has no vCPU that somebody could wait for: only the reaper waits, and
 * sched_loop() leaves the current vCPU before it lets the reaper work.  The
 * waiter answers TLB flushes (port_spin()) and stops for an audit (stop_point()).  Who stops a domain elsewhere
 * (domain_shutdown()) uses sched_stop(), which only asks.
 */
#include <port.h>

#include "dom/above.h"
#include "dom/console.h"
#include "dom/evtchn.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "dom/stop.h"
#include "dom/store.h"
#include "x86/above.h"
#include "x86/cpu.h"

static struct spinlock sched_lock = SPINLOCK_INIT(LOCK_SCHED);

/* --- under sched_lock --- */
static struct list run_queue = { &run_queue, &run_queue };
static uint64_t min_vruntime;	/* of whoever was picked last; never goes back */
static uint64_t idle_cpus;	/* SCHED4 */
static struct vcpu *running[MAX_CPUS]; /* SCHED1 */

static uint64_t reap_at_ns[MAX_CPUS]; /* each CPU its own: no reaping before, if a guest can run */

void (*sched_all_gone)(void);
void (*sched_between_guests)(void);

static bool may_run(const struct vcpu *v)
{
	return READ_ONCE(v->domain->state) == DOM_RUNNING; /* D3 */
}

/* --- accounting: sched_lock held --- */

static void runstate_set(struct vcpu *v, int state, uint64_t now)
{
	struct vcpu_runstate_info *r = &v->runstate;

	if (now > r->state_entry_time)
		r->time[r->state] += now - r->state_entry_time;
	r->state_entry_time = now;
	r->state = state;
}

void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out)
{
	spin_lock(&sched_lock);
	runstate_set(v, v->runstate.state, now_ns());
	*out = v->runstate;
	spin_unlock(&sched_lock);
}

static uint64_t vruntime_now(const struct vcpu *v, uint64_t now)
{
	return v->vruntime_ns + (now > v->ran_since_ns ?
				 now - v->ran_since_ns : 0);
}

static void account(struct vcpu *v, uint64_t now)
{
	uint64_t ran = vruntime_now(v, now) - v->vruntime_ns;

	v->vruntime_ns += ran;
	v->cpu_time_ns += ran;
}

/* --- the queue: sched_lock held --- */

static struct vcpu *queue_entry(struct list *link)
{
	return list_entry(link, struct vcpu, queue);
}

/* Those who come from a CPU go near the tail, those who wake near the head. */
static void queue_insert(struct vcpu *v)
{
	struct list *at = &run_queue;

	if (!list_empty(&run_queue) &&
	    queue_entry(run_queue.next)->vruntime_ns > v->vruntime_ns)
		at = run_queue.next;
	while (at->prev != &run_queue && at != run_queue.next &&
	       queue_entry(at->prev)->vruntime_ns > v->vruntime_ns)
		at = at->prev;
	list_insert_before(at, &v->queue);
}

static void ask_cpu(unsigned int cpu)
{
	atomic_store_release(&cpu_areas[cpu]->need_resched, 1);
	if (cpu != this_cpu()->id)
		lapic_send_ipi(cpu, VEC_RESCHED);
}

static void wake_idle_cpu(unsigned int wished)
{
	unsigned int cpu = wished;

	if (!(idle_cpus >> wished & 1))
		cpu = (unsigned int)__builtin_ctzll(idle_cpus);
	idle_cpus &= ~(1UL << cpu);
	lapic_send_ipi(cpu, VEC_RESCHED);
}

/* The CPU whose vCPU had most, if that is worth a switch; -1 else. */
static int cpu_to_preempt(const struct vcpu *v, uint64_t now)
{
	uint64_t most = v->vruntime_ns + SCHED_WAKE_NS;
	int found = -1;

	for (unsigned int cpu = 0; cpu < cpu_count; cpu++) {
		if (!running[cpu] || vruntime_now(running[cpu], now) <= most)
			continue;
		most = vruntime_now(running[cpu], now);
		found = (int)cpu;
	}
	return found;
}

/* v is new on the queue: who should look? */
static void tell_a_cpu(const struct vcpu *v, uint64_t now)
{
	int cpu;

	if (idle_cpus) {
		wake_idle_cpu(v->cpu);
		return;
	}
	cpu = cpu_to_preempt(v, now);
	if (cpu >= 0)
		ask_cpu((unsigned int)cpu);
}

static void make_runnable(struct vcpu *v, uint64_t now)
{
	uint64_t head_start = SCHED_SLICE_NS / 2;

	if (min_vruntime > head_start)
		v->vruntime_ns = MAX(v->vruntime_ns, min_vruntime - head_start);
	v->run = RUN_RUNNABLE;
	runstate_set(v, RUNSTATE_runnable, now);
	queue_insert(v);
	tell_a_cpu(v, now);
}

static void wake_locked(struct vcpu *v)
{
	v->poll_wait = false;
	v->want_block = false; /* SCHED3 */
	if (v->run == RUN_BLOCKED)
		make_runnable(v, now_ns());
}

/* --- what others may ask --- */

void sched_wake(struct vcpu *v)
{
	spin_lock(&sched_lock);
	wake_locked(v);
	spin_unlock(&sched_lock);
}

void sched_kick(struct vcpu *v)
{
	spin_lock(&sched_lock);
	if (v->run == RUN_RUNNING && v->cpu != this_cpu()->id)
		lapic_send_ipi(v->cpu, VEC_RESCHED);
	wake_locked(v);
	spin_unlock(&sched_lock);
}

static void leave_soon(void)
{
	atomic_store_release(&this_cpu()->need_resched, 1);
}

void sched_block(struct vcpu *v)
{
	spin_lock(&sched_lock);
	if (!evtchn_deliverable(v)) { /* SCHED3 */
		v->want_block = true;
		leave_soon();
	}
	spin_unlock(&sched_lock);
}

void sched_yield_cpu(struct vcpu *v)
{
	spin_lock(&sched_lock);
	v->want_yield = true;
	leave_soon();
	spin_unlock(&sched_lock);
}

/*
 * The mark and the port's bit are written and read by two CPUs in opposite
 * order; the fence, and the locked instruction that sets the bit, see to it that one of them sees the other's.
 */
void sched_poll_start(struct vcpu *v, uint32_t port)
{
	spin_lock(&sched_lock);
	v->poll_port = port;
	v->poll_wait = true;
	v->want_block = true;
	leave_soon();
	spin_unlock(&sched_lock);
	atomic_fence();
}

void sched_poll_abort(struct vcpu *v)
{
	spin_lock(&sched_lock);
	v->poll_wait = false;
	v->want_block = false;
	spin_unlock(&sched_lock);
}

void sched_poll_wake(struct vcpu *v, uint32_t port)
{
	if (!READ_ONCE(v->poll_wait))
		return;
	spin_lock(&sched_lock);
	if (v->poll_wait && (!v->poll_port || !port || v->poll_port == port))
		wake_locked(v);
	spin_unlock(&sched_lock);
}

void sched_stop(struct vcpu *v)
{
	spin_lock(&sched_lock);
	v->want_offline = true;
	if (v->run == RUN_RUNNING) {
		ask_cpu(v->cpu);
	} else if (v->run != RUN_OFFLINE) {
		list_remove(&v->queue); /* no effect if BLOCKED */
		v->run = RUN_OFFLINE;
		runstate_set(v, RUNSTATE_offline, now_ns());
	}
	if (idle_cpus) /* there is a domain to bury, most likely */
		wake_idle_cpu(this_cpu()->id);
	spin_unlock(&sched_lock);
}

static bool runs_elsewhere(const struct vcpu *v)
{
	bool elsewhere;

	spin_lock(&sched_lock);
	elsewhere = v->run == RUN_RUNNING && v->cpu != this_cpu()->id;
	spin_unlock(&sched_lock);
	return elsewhere;
}

void sched_offline(struct vcpu *v)
{
	sched_stop(v);
	while (runs_elsewhere(v)) {
		/* See the top of this file. */
		ASSERT(spin_level_held() == LOCK_NONE && !this_cpu()->current);
		while (READ_ONCE(v->run) == RUN_RUNNING) {
			/* That CPU may wait for us to stop: a timer of its own audits. */
			stop_point();
			port_spin();
		}
	}
}

void sched_online(struct vcpu *v)
{
	spin_lock(&sched_lock);
	v->want_offline = false;
	if (v->run == RUN_OFFLINE && may_run(v))
		make_runnable(v, now_ns());
	spin_unlock(&sched_lock);
}

bool sched_is_up(const struct vcpu *v)
{
	bool up;

	spin_lock(&sched_lock);
	up = v->run != RUN_OFFLINE && !v->want_offline;
	spin_unlock(&sched_lock);
	return up;
}

void sched_hurry(const struct vcpu *v)
{
	if (READ_ONCE(v->run) == RUN_RUNNING)
		ask_cpu(READ_ONCE(v->cpu));
}

/* --- this CPU --- */

bool sched_preempt_pending(void)
{
	const struct percpu *cpu = this_cpu();

	return atomic_load_acquire(&cpu->need_resched) ||
	       tsc_read() >= cpu->slice_end_tsc;
}

void sched_check(void)
{
	timer_poll();
	if (sched_preempt_pending() || !may_run(this_cpu()->current))
		stack_reset_call(sched_loop);
}

/* From x86/trap.c; the reason is looked at on the way out (sched_check()). */
void cpu_interrupt(enum vector vector)
{
	if (vector == VEC_TIMER)
		timer_note();
}

/* Its state is saved: what becomes of v?  sched_lock held. */
static void settle(struct vcpu *v, uint64_t now)
{
	account(v, now);
	if (v->want_offline || !may_run(v)) {
		v->run = RUN_OFFLINE;
		runstate_set(v, RUNSTATE_offline, now);
	} else if (v->want_block) {
		v->run = RUN_BLOCKED;
		runstate_set(v, RUNSTATE_blocked, now);
	} else {
		if (v->want_yield && !list_empty(&run_queue))
			v->vruntime_ns = MAX(v->vruntime_ns,
				queue_entry(run_queue.prev)->vruntime_ns);
		v->run = RUN_RUNNABLE;
		runstate_set(v, RUNSTATE_runnable, now);
		queue_insert(v);
	}
	v->want_block = v->want_yield = false;
}

/* The guest's other vCPUs are to see that it does not run (who waits for its lock yields, then). */
static void tell_leaving(struct vcpu *v)
{
	struct vcpu_runstate_info runstate;

	if (!v->runstate_va || !may_run(v))
		return;
	spin_lock(&sched_lock);
	runstate_set(v, v->want_offline ? RUNSTATE_offline :
			v->want_block ? RUNSTATE_blocked : RUNSTATE_runnable,
		     now_ns());
	runstate = v->runstate;
	spin_unlock(&sched_lock);
	vcpu_show_runstate(v, &runstate);
}

/*
 * Leave the current vCPU, if any.  After the unlock it may run elsewhere, or be
 * gone.  A slice starts for whatever the hypervisor itself does next.
 */
static void sched_leave(void)
{
	struct percpu *cpu = this_cpu();
	struct vcpu *v = cpu->current;

	if (v) {
		console_drain(v->domain);
		store_serve(v->domain);
		tell_leaving(v);
		vcpu_switch(v, NULL);
	}
	spin_lock(&sched_lock);
	if (v) {
		settle(v, now_ns());
		running[cpu->id] = NULL;
		if (idle_cpus && !list_empty(&run_queue) &&
		    run_queue.next != run_queue.prev)
			wake_idle_cpu(cpu->id); /* one is ours, one is not */
	}
	cpu->need_resched = 0;
	cpu->slice_end_tsc = ns_to_tsc(now_ns() + SCHED_SLICE_NS);
	spin_unlock(&sched_lock);
}

/* The head of the queue, NULL if there is none; those whose domain died on the way drop out. */
static struct vcpu *queue_take(uint64_t now)
{
	while (!list_empty(&run_queue)) {
		struct vcpu *v = queue_entry(run_queue.next);

		list_remove(&v->queue);
		if (may_run(v))
			return v;
		v->run = RUN_OFFLINE;
		runstate_set(v, RUNSTATE_offline, now);
	}
	return NULL;
}

static void start_slice(struct vcpu *v, uint64_t now)
{
	struct percpu *cpu = this_cpu();

	min_vruntime = MAX(min_vruntime, v->vruntime_ns);
	v->run = RUN_RUNNING;
	v->cpu = cpu->id;
	v->ran_since_ns = now;
	running[cpu->id] = v;
	idle_cpus &= ~(1UL << cpu->id);
	runstate_set(v, RUNSTATE_running, now);
	cpu->slice_end_tsc = ns_to_tsc(now + SCHED_SLICE_NS);
}

/* The next vCPU, RUNNING here from now on; NULL: none, and this CPU counts as idle. */
static struct vcpu *sched_pick(void)
{
	struct percpu *cpu = this_cpu();
	uint64_t now = now_ns();
	struct vcpu *v;

	spin_lock(&sched_lock);
	cpu->need_resched = 0;
	v = queue_take(now);
	if (v)
		start_slice(v, now);
	else
		idle_cpus |= 1UL << cpu->id; /* SCHED4 */
	spin_unlock(&sched_lock);
	return v;
}

static void sched_idle(void)
{
	struct percpu *cpu = this_cpu();

	cpu->slice_end_tsc = ~(uint64_t)0;
	reclaim_flush_all();
	timer_arm();
	cpu_idle_wait();
	spin_lock(&sched_lock);
	idle_cpus &= ~(1UL << cpu->id);
	cpu->slice_end_tsc = ns_to_tsc(now_ns() + SCHED_SLICE_NS);
	spin_unlock(&sched_lock);
}

static bool guests_wait(void)
{
	return READ_ONCE(run_queue.next) != &run_queue;
}

/*
 * One step for the dead; while the living wait, one step a slice.  True: there may
 * be more to do.
 */
static bool sched_reap(void)
{
	unsigned int here = this_cpu()->id;

	if (guests_wait() && now_ns() < reap_at_ns[here])
		return false;
	if (!reaper_step())
		return false;
	reap_at_ns[here] = now_ns() + SCHED_SLICE_NS;
	if (here != 0 && domain_count() == 0)
		lapic_send_ipi(0, VEC_RESCHED); /* it calls sched_all_gone() */
	return true;
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
		if (this_cpu()->id == 0 && sched_all_gone && !guests_wait() &&
		    domain_count() == 0)
			sched_all_gone();
		if (more && !guests_wait())
			continue;
		v = sched_pick();
		if (!v) {
			sched_idle();
			continue;
		}
		vcpu_switch(NULL, v);
		timer_arm();
		pv_exit_to_guest(v);
	}
}
