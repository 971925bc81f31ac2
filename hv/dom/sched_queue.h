/* SPDX-License-Identifier: MIT */
/*
 * The run queues, one for each CPU: which vCPU waits where, which comes next,
 * which CPU is told of it.  Only for sched.c; sched_queue.c has the rules.
 */
#ifndef HV_DOM_SCHED_QUEUE_H
#define HV_DOM_SCHED_QUEUE_H

#include "dom/domain.h"

/* In virtual time: a vCPU that wakes is at most so far behind the others. */
#define SCHED_LAG	SCHED_VIRTUAL(SCHED_SLICE_NS / 2)
/*
 * A CPU takes another CPU's vCPU before its own if that vCPU is behind by more.
 */
#define SCHED_STEAL	SCHED_VIRTUAL(SCHED_WAKE_NS / 2)

struct sched_queue {
	/* LOCK_SCHED: all of it; what says so is also read without */
	struct spinlock lock;
	uint32_t waiting;	/* in `heap` */
	struct pheap heap;	/* RUNNABLE */
	/*
	 * RUNNABLE, of domains that have used their budget up; next NULL before
	 * the first use
	 */
	struct list parked;
	/*
	 * when the parked vCPUs' domains have budget again; ~0: none is parked
	 */
	uint64_t opens_ns;
	uint64_t last_since;
	struct vcpu *running;	/* on this CPU; SCHED1 */
	/* in `heap`: it has the rest of a slice that a sibling gave up */
	struct vcpu *favoured;
	uint64_t favour_end_ns;	/* until then */

	/*
	 * Read without the lock, by CPUs that look for work or for somebody to
	 * interrupt.
	 */
	uint64_t head_key, head_since; /* of the heap's root; ~0: none */
	uint64_t head_barred;	/* its `barred`; written before head_key */
	uint64_t run_key, run_since; /* of `running`; weight 0: none */
	uint32_t run_weight;
} aligned_to(64);

struct sched_queue *sched_queue_here(void);
/* Lock the queue that v belongs to. */
struct sched_queue *sched_queue_lock(const struct vcpu *v);
/* Not checked (lib/lockheld.h): which lock was taken, only the answer tells. */
static inline locks_unchecked void sched_queue_unlock(struct sched_queue *q)
{
	spin_unlock(&q->lock);
}

/* --- with the lock of v's queue q --- */
/* v waits there from now on; it is whole (SCHED1).  Nobody is told. */
void sched_queue_add(struct sched_queue *q, struct vcpu *v, uint64_t now);
void sched_queue_remove(struct sched_queue *q, struct vcpu *v);
/*
 * v, just added, wants a CPU: an idle one, or the one whose vCPU has had most,
 * is told.
 */
void sched_queue_tell(struct sched_queue *q, const struct vcpu *v, uint64_t now);
/* q's CPU runs v (NULL: nobody) from now on. */
void sched_queue_run(struct sched_queue *q, struct vcpu *v, uint64_t now);

/* --- without --- */
/*
 * The vCPU to run next on this CPU.  It is on no queue any more and belongs to
 * this CPU's, whose lock is held; v->granted_ns says how long its slice would
 * be.  NULL, and no lock is held: sched_queue_nothing_here().
 */
struct vcpu *sched_queue_take(void);
/*
 * v was just taken and its domain has no budget: it waits apart, where nobody
 * looks for work.  The lock is held.
 */
void sched_queue_park(struct sched_queue *q, struct vcpu *v, uint64_t now);
/* This CPU's parked vCPUs whose domains have budget again come back. */
void sched_queue_unpark(uint64_t now);
/*
 * v, which runs here, gives way: a sibling that waits gets the rest of the
 * slice.
 */
void sched_queue_favour_sibling(struct vcpu *v);
bool sched_queues_empty(void);
/* No vCPU waits that this CPU would find. */
bool sched_queue_nothing_here(void);
/*
 * The CPUs of these bits must not run v from now on (at least one that there is
 * may).  If one does just now, it leaves v soon.
 */
void sched_queue_bar(struct vcpu *v, uint64_t barred);
/*
 * v, which runs here, is about to leave: lock this CPU's queue and the one that
 * v belongs to then, which is the answer; mostly they are the same.
 * sched_queue_leaves(): this CPU runs nobody, and v belongs there.
 */
struct sched_queue *sched_queue_lock_leaving(const struct vcpu *v);
void sched_queue_leaves(struct sched_queue *home, struct vcpu *v, uint64_t now);

/*
 * This CPU is idle from now on; false: it is not, since a vCPU waits that it
 * would find.  SCHED4
 */
bool sched_idle_begin(void);
void sched_idle_end(void);
/*
 * Wake an idle CPU that is none of the barred ones; `wished` if it is one.
 * False: none is.
 */
bool sched_idle_wake(unsigned int wished, uint64_t barred);
/* it passes through the scheduler soon */
void sched_ask_cpu(unsigned int cpu);

#endif
