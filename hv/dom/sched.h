/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: a run queue for each CPU (sched_queue.h), least virtual time
 * of the domain first (sched_account.h): a guest that spins for ever, or has
 * many vCPUs, gets its share and no more.
 *
 *   BLOCKED --sched_wake--> RUNNABLE --sched_loop--> RUNNING
 *   RUNNING --slice over, yield--> RUNNABLE
 *   RUNNING --sched_block--> BLOCKED
 *   any --sched_offline--> OFFLINE
 *   RUNNABLE, RUNNING --sched_pause--> PAUSED --sched_resume--> RUNNABLE
 */
#ifndef HV_DOM_SCHED_H
#define HV_DOM_SCHED_H

#include "dom/domain.h"

#define SCHED_SLICE_NS	5000000UL	/* 5 ms; */
#define SCHED_SHORT_NS	1000000UL	/* 1 ms, when so many wait: */
#define SCHED_LONG_QUEUE	4u

/*
 * a vCPU that wakes preempts one that is ahead by more than this (at the
 * default weight)
 */
#define SCHED_WAKE_NS	1000000UL

/* BLOCKED -> RUNNABLE; one that is about to block does not; else no effect */
void sched_wake(struct vcpu *v);
/*
 * The current vCPU gives up its CPU until woken; it is not blocked if an event
 * is already deliverable.
 */
void sched_block(struct vcpu *v);
/*
 * v goes behind those that have had about as much, and behind its siblings
 * first of all: a sibling that waits gets the rest of the slice.  The same when
 * v sleeps in SCHEDOP_poll, as it most likely waits for a sibling.
 */
void sched_yield_cpu(struct vcpu *v);
/*
 * sched_wake(); and if v runs on another CPU, that CPU passes through the
 * hypervisor soon and delivers events.
 */
void sched_kick(struct vcpu *v);
/*
 * An NMI for v.  One at a time, as on a CPU: a second one that comes before it
 * is the same.
 */
static inline void sched_send_nmi(struct vcpu *v)
{
	WRITE_ONCE(v->nmi_pending, true);
	sched_kick(v);
}
/*
 * SCHEDOP_poll: sleep until `port` (0: any) becomes pending.  _start marks the
 * current vCPU; the caller then looks at the ports once more and _aborts if one
 * is pending.
 */
void sched_poll_start(struct vcpu *v, uint32_t port);
void sched_poll_abort(struct vcpu *v);
void sched_poll_wake(struct vcpu *v, uint32_t port);
/*
 * Ask that nobody runs v until sched_online(); does not wait.  Any lock below
 * LOCK_SCHED may be held.
 */
void sched_stop(struct vcpu *v);
/*
 * sched_stop(), and no CPU runs it when this returns; v may be the caller's own
 * (then at its next exit).  It waits for another CPU, so the caller holds no
 * lock and has no current vCPU (the reaper, in the scheduling loop): see
 * sched.c.
 */
void sched_offline(struct vcpu *v);
void sched_online(struct vcpu *v);
/*
 * v's domain was paused: v leaves its queue, and soon its CPU; or it is paused
 * no more.  Calls for one domain come one after another (pause.c).
 */
void sched_pause(struct vcpu *v);
void sched_resume(struct vcpu *v);
/*
 * Is v online, or will it be?  The last call of sched_stop() or sched_online()
 * counts.
 */
bool sched_is_up(const struct vcpu *v);
/*
 * The caller waits for a death: this CPU's reaper has a turn when the current
 * vCPU yields, whoever else waits.
 */
void sched_reap_soon(void);
/* If v runs, its CPU passes through the hypervisor soon.  Any locks. */
void sched_hurry(const struct vcpu *v);
/*
 * Is it time to leave the current vCPU (slice over, or somebody asked)?  Long
 * operations poll this.
 */
bool sched_preempt_pending(void);
/*
 * If this CPU should run something else: switch; returns only if the current
 * vCPU may go on.
 */
void sched_check(void);
bool sched_check_wanted(void);	/* would it do anything? */
/*
 * Choose and enter a vCPU, or idle (reaping dead domains, firing timers); never
 * returns.  Empty stack.
 */
void sched_loop(void) noreturn;
/*
 * Called by the boot CPU's loop when the last domain has gone (boot/main.c sets
 * it).
 */
extern void (*sched_all_gone)(void);
/*
 * Work that a layer above has to do now and then; the boot CPU's loop calls it,
 * without a current vCPU.  NULL: nothing.
 */
extern void (*sched_between_guests)(void);

/* v's runstate, up to date. */
void sched_runstate(struct vcpu *v, struct vcpu_runstate_info *out);

long op_sched(unsigned long cmd, uint64_t arg);
/* SCHEDOP_shutdown of the caller's domain, for this reason */
long op_sched_shutdown(uint64_t reason);
long op_set_timer(uint64_t timeout_ns);
long op_vcpu(unsigned long cmd, uint64_t vcpu_id, uint64_t arg);

#endif
