/* SPDX-License-Identifier: MIT */
/*
 * Run queues: one for each CPU, ordered by the virtual time of the domains
 * (sched_account.h).
 *
 * RUNQ1  v->cpu names the queue that v belongs to, whatever its state.  v->cpu
 *        changes only with the locks of the old and the new queue held; so a
 *        CPU that locked a queue and then finds that v->cpu names it
 *        (sched_queue_lock()) has locked v.
 * RUNQ2  while v waits, v->key is at most the larger of its domain's virtual
 *        time, which only grows, and v->yielded_to, which stays.  first() gives
 *        the vCPU at the head of a queue its key of now; if it is still at the
 *        head then, no other key is less.
 * RUNQ3  of vCPUs with equal keys, as siblings have, the one that has waited
 *        longest comes first.
 * RUNQ4  head_key is ~0 <=> the heap is empty.  A CPU that adds a vCPU writes
 *        head_key and then reads idle_cpus; a CPU that idles sets its bit and
 *        then reads every head_key.  Both have a full barrier in between, so
 *        one of them sees the other, and no vCPU waits while a CPU sleeps.
 * RUNQ5  virtual_now is the greatest key that was taken to run.  A vCPU that
 *        gets ready, or comes off a CPU, is at most SCHED_LAG behind it: no
 *        domain saves up a claim, be it by sleep or by a weight that is worth
 *        more than all its vCPUs can use.  SCHED_LAG is more than SCHED_STEAL,
 *        so a vCPU that only waits for its turn in a queue loses nothing.
 * RUNQ6  the CPU of a queue may run every vCPU that belongs to it, but for one
 *        that runs there just now and was barred meanwhile: it is asked to
 *        leave, and belongs to another queue from then on.  So the first vCPU
 *        of a queue can always be taken by that queue's CPU.  A CPU that is
 *        barred from the first vCPU of another queue overlooks the whole
 *        queue; whoever makes another vCPU the first therefore wakes an idle
 *        CPU that was barred from the one before, and is not from this one.
 *
 * Fairness.  A CPU takes from its own queue unless the first vCPU of another
 * queue is behind by more than SCHED_STEAL, or is as far and has waited a slice
 * longer.  Keys of other queues are read without their locks and may be too
 * small.  So a vCPU that is behind by more is overlooked, at worst, once for
 * each queue that only looked as if it had one.  So the vCPU that is taken
 * leads those that wait by a bounded time (SCHED_STEAL, or SCHED_WAKE_NS if it
 * has the rest of a sibling's slice), and until its next turn by one slice more
 * for each running vCPU of its domain.  This lead does not grow with time, so
 * in the long run shares go by the weights.
 *
 * GAP: not so of vCPUs that may not leave a CPU while another CPU is less in
 *      demand: the floor of RUNQ5 comes from that one, and each of them gets as
 *      many turns as the others, whatever its weight.
 *
 * Locks: two queues at once (a thief's and another's) by spin_lock_pair().  No
 * CPU takes another one's lock to enter a guest that waits in its own queue,
 * unless the first vCPU of the other queue looks as if it were worth it.
 */
#include <port.h>

#include "dom/sched.h"
#include "dom/sched_queue.h"
#include "x86/cpu.h"

#define NONE	(~(uint64_t)0)

static struct sched_queue queues[MAX_CPUS] = {
	[0 ... MAX_CPUS - 1] = {
		.lock = SPINLOCK_INIT(LOCK_SCHED),
		.head_key = NONE, .head_since = NONE, .opens_ns = NONE,
	},
};

static uint64_t idle_cpus;	/* atomic; RUNQ4 */
static uint64_t virtual_now;	/* atomic; RUNQ5 */

static unsigned int cpu_of(const struct sched_queue *q)
{
	return (unsigned int)(q - queues);
}

struct sched_queue *sched_queue_here(void)
{
	return &queues[this_cpu()->id];
}

locks_unchecked struct sched_queue *sched_queue_lock(const struct vcpu *v)
{
	for (;;) {
		unsigned int cpu = READ_ONCE(v->cpu);

		spin_lock(&queues[cpu].lock);
		if (v->cpu == cpu) /* RUNQ1 */
			return &queues[cpu];
		spin_unlock(&queues[cpu].lock);
	}
}

static bool is_barred(const struct vcpu *v, unsigned int cpu)
{
	return v->barred >> cpu & 1;
}

/* RUNQ6: the queue of a CPU that is not barred; of `cpu`, if that is not. */
static struct sched_queue *home_of(uint64_t barred, unsigned int cpu)
{
	return &queues[barred >> cpu & 1 ? (unsigned int)__builtin_ctzll(~barred) : cpu];
}

/* --- virtual time --- */

static uint64_t floor_now(void)
{
	uint64_t now = atomic_load_relaxed(&virtual_now);

	return now > SCHED_LAG ? now - SCHED_LAG : 0;
}

static void virtual_now_reaches(uint64_t key)
{
	uint64_t now = atomic_load_relaxed(&virtual_now);

	while (now < key &&
	       !atomic_cas(&virtual_now, &now, key))
		;
}

/* --- one queue; its lock held --- */

static struct vcpu *queued(const struct pheap_node *n)
{
	return container_of(n, struct vcpu, queued);
}

/* RUNQ3 */
static bool before(const struct pheap_node *a, const struct pheap_node *b)
{
	const struct vcpu *v = queued(a), *w = queued(b);

	return v->key < w->key || (v->key == w->key && v->since < w->since);
}

static void publish(struct sched_queue *q)
{
	const struct vcpu *v = q->heap.root ? queued(q->heap.root) : NULL;
	uint64_t overlooked = v ? q->head_barred & ~v->barred : 0;

	WRITE_ONCE(q->head_since, v ? v->since : NONE);
	WRITE_ONCE(q->head_barred, v ? v->barred : 0);
	atomic_store_release(&q->head_key, v ? v->key : NONE);
	if (likely(!overlooked))
		return;
	atomic_fence(); /* RUNQ4 */
	(void)sched_idle_wake(cpu_of(q), ~overlooked); /* RUNQ6 */
}

static uint64_t key_at(const struct vcpu *v, uint64_t now)
{
	return MAX(sched_account_vtime(&v->domain->account, now), v->yielded_to);
}

static void insert(struct sched_queue *q, struct vcpu *v, uint64_t now)
{
	v->key = key_at(v, now);
	pheap_insert(&q->heap, &v->queued, before);
	q->waiting++;
}

static void detach(struct sched_queue *q, struct vcpu *v)
{
	pheap_remove(&q->heap, &v->queued, before);
	q->waiting--;
	if (q->favoured == v)
		q->favoured = NULL;
	publish(q);
}

/*
 * Each vCPU waits from a different moment, so it is known which came first,
 * even if the clock stands still.
 */
void sched_queue_add(struct sched_queue *q, struct vcpu *v, uint64_t now)
{
	ASSERT(&queues[v->cpu] == q && !v->queued.link && list_empty(&v->parked));
	sched_account_raise(&v->domain->account, floor_now()); /* RUNQ5 */
	q->last_since = MAX(now, q->last_since + 1);
	WRITE_ONCE(v->since, q->last_since);
	insert(q, v, now);
	publish(q);
}

void sched_queue_remove(struct sched_queue *q, struct vcpu *v)
{
	list_remove(&v->parked);
	if (!v->queued.link)
		return;
	detach(q, v);
}

/* RUNQ2: the vCPU with the least key of now; NULL if none waits. */
static struct vcpu *first(struct sched_queue *q, uint64_t now)
{
	struct vcpu *v = NULL;
	uint64_t key;

	while (q->heap.root && queued(q->heap.root) != v) {
		v = queued(q->heap.root);
		key = key_at(v, now);
		if (v->key == key)
			break;
		pheap_remove(&q->heap, &v->queued, before);
		v->key = key;
		pheap_insert(&q->heap, &v->queued, before);
	}
	return v;
}

/* How long a slice is, by how many vCPUs wait in q. */
static uint64_t slice(const struct sched_queue *q)
{
	return q->waiting > SCHED_LONG_QUEUE ? SCHED_SHORT_NS : SCHED_SLICE_NS;
}

void sched_queue_run(struct sched_queue *q, struct vcpu *v, uint64_t now)
{
	ASSERT(!v || !q->running); /* SCHED1 */
	q->running = v;
	if (v) {
		WRITE_ONCE(q->run_key, key_at(v, now));
		WRITE_ONCE(q->run_since, now);
	}
	WRITE_ONCE(q->run_weight, v ? READ_ONCE(v->domain->account.weight) : 0);
}

/* --- who is told --- */

void sched_ask_cpu(unsigned int cpu)
{
	atomic_store_release(&cpu_areas[cpu]->need_resched, 1);
	if (cpu != this_cpu()->id)
		lapic_send_ipi(cpu, VEC_RESCHED);
}

bool sched_idle_wake(unsigned int wished, uint64_t barred)
{
	uint64_t idle = atomic_load(&idle_cpus) & ~barred;

	while (idle) {
		unsigned int cpu = idle >> wished & 1 ? wished :
				   (unsigned int)__builtin_ctzll(idle);
		uint64_t was = atomic_fetch_and(&idle_cpus, ~(1UL << cpu));

		if (was >> cpu & 1) {
			lapic_send_ipi(cpu, VEC_RESCHED);
			return true;
		}
		idle = was & ~barred;
	}
	return false;
}

/*
 * The CPU whose running vCPU has had most time, if a switch is worth it; else
 * -1.  The numbers are read without a lock: at worst the wrong CPU is
 * interrupted, or none, and v waits for the end of a slice.
 */
static int cpu_to_preempt(const struct vcpu *v, uint64_t now)
{
	uint64_t most = v->key + SCHED_VIRTUAL(SCHED_WAKE_NS);
	int found = -1;

	for (unsigned int cpu = 0; cpu < cpu_count; cpu++) {
		const struct sched_queue *q = &queues[cpu];
		uint32_t weight = READ_ONCE(q->run_weight);
		uint64_t since = READ_ONCE(q->run_since), key;

		if (!weight || is_barred(v, cpu))
			continue;
		key = READ_ONCE(q->run_key) +
		      (now > since ? (now - since) / weight : 0);
		if (key <= most)
			continue;
		most = key;
		found = (int)cpu;
	}
	return found;
}

void sched_queue_tell(struct sched_queue *q, const struct vcpu *v, uint64_t now)
{
	int cpu;

	atomic_fence(); /* RUNQ4 */
	if (sched_idle_wake(cpu_of(q), v->barred))
		return;
	cpu = cpu_to_preempt(v, now);
	if (cpu >= 0)
		sched_ask_cpu((unsigned int)cpu);
}

/* --- from which queue --- */

/*
 * Should a CPU, whose own queue is `own`, take the first of `other`?  Read
 * without locks; NONE is never before.
 */
static bool is_worth(const struct sched_queue *own, const struct sched_queue *other)
{
	uint64_t ours = atomic_load_acquire(&own->head_key);
	uint64_t key = atomic_load_acquire(&other->head_key);

	if (READ_ONCE(other->head_barred) >> cpu_of(own) & 1) /* RUNQ6 */
		return false;
	if (key == NONE || ours == NONE)
		return key != NONE;
	if (key > ours)
		return key - ours <= SCHED_STEAL &&
		       READ_ONCE(other->head_since) + SCHED_SLICE_NS <
		       READ_ONCE(own->head_since);
	return ours - key > SCHED_STEAL ||
	       READ_ONCE(other->head_since) + SCHED_SLICE_NS <
	       READ_ONCE(own->head_since);
}

/*
 * The queue to take from: our own unless another one's first is worth it; NULL:
 * all are empty.
 */
static struct sched_queue *choose(struct sched_queue *own)
{
	struct sched_queue *best = own;

	for (unsigned int cpu = 0; cpu < cpu_count; cpu++) {
		struct sched_queue *q = &queues[cpu];

		if (q != own && is_worth(own, q) &&
		    (best == own || READ_ONCE(q->head_key) <
				    READ_ONCE(best->head_key)))
			best = q;
	}
	return READ_ONCE(best->head_key) == NONE ? NULL : best;
}

/*
 * Of its own queue this CPU takes the first, or a vCPU that a sibling gave the
 * rest of its slice to, if that would not be preempted at once.
 */
static struct vcpu *first_or_favoured(struct sched_queue *q, struct vcpu *least,
				      uint64_t now)
{
	struct vcpu *v = q->favoured;

	q->favoured = NULL;
	if (v && now < q->favour_end_ns &&
	    key_at(v, now) <= least->key + SCHED_VIRTUAL(SCHED_WAKE_NS)) {
		v->granted_ns = q->favour_end_ns - now;
		return v;
	}
	least->granted_ns = slice(q);
	return least;
}

/*
 * Take a vCPU from one of two locked queues, by the keys of now; it belongs to
 * `own` from then on.  NULL: none waits.
 */
static struct vcpu *take(struct sched_queue *own, struct sched_queue *other,
			 uint64_t now)
{
	struct vcpu *v = first(own, now), *w = first(other, now);
	struct sched_queue *from = own;

	publish(own);
	publish(other);
	if (w && w != v && is_worth(own, other)) {
		from = other;
		v = w;
		v->granted_ns = slice(own);
	} else if (v) {
		v = first_or_favoured(own, v, now);
	} else {
		return NULL;
	}
	detach(from, v);
	WRITE_ONCE(v->cpu, cpu_of(own)); /* RUNQ1 */
	virtual_now_reaches(sched_account_vtime(&v->domain->account, now));
	return v;
}

/*
 * First our own queue's keys are brought up to now.  Other queues' keys are
 * read without their locks and may be old, that is, too small (RUNQ2).  So no
 * vCPU that is worth taking is overlooked; take() looks again with the locks.
 */
locks_unchecked struct vcpu *sched_queue_take(void)
{
	struct sched_queue *own = sched_queue_here(), *other;
	struct vcpu *v = NULL;

	do {
		spin_lock(&own->lock);
		(void)first(own, now_ns());
		publish(own);
		other = choose(own);
		if (other && other != own) {
			spin_unlock(&own->lock);
			spin_lock_pair(&own->lock, &other->lock);
		}
		if (other)
			v = take(own, other, now_ns());
		if (other && other != own)
			spin_unlock(&other->lock);
		if (!v)
			spin_unlock(&own->lock);
	} while (other && !v);
	return v;
}

bool sched_queue_nothing_here(void)
{
	for (unsigned int cpu = 0; cpu < cpu_count; cpu++)
		if (atomic_load_acquire(&queues[cpu].head_key) != NONE &&
		    !(READ_ONCE(queues[cpu].head_barred) >> this_cpu()->id & 1))
			return false;
	return true;
}

bool sched_queues_empty(void)
{
	for (unsigned int cpu = 0; cpu < cpu_count; cpu++)
		if (READ_ONCE(queues[cpu].head_key) != NONE)
			return false;
	return true;
}

/* --- which CPUs may run it --- */

/* Both locks are held.  What waited waits on, and is told of. */
static void move(struct sched_queue *from, struct sched_queue *to, struct vcpu *v,
		 uint64_t now)
{
	bool waited = v->run == RUN_RUNNABLE;

	if (waited)
		sched_queue_remove(from, v);
	WRITE_ONCE(v->cpu, cpu_of(to)); /* RUNQ1 */
	if (!waited)
		return;
	sched_queue_add(to, v, now);
	sched_queue_tell(to, v, now);
}

locks_unchecked void sched_queue_bar(struct vcpu *v, uint64_t barred)
{
	struct sched_queue *from, *to;

	for (;;) {
		from = &queues[READ_ONCE(v->cpu)];
		to = home_of(barred, cpu_of(from));
		spin_lock_pair(&from->lock, &to->lock);
		if (&queues[v->cpu] == from)
			break;
		spin_unlock_pair(&from->lock, &to->lock);
	}
	WRITE_ONCE(v->barred, barred);
	if (v->run != RUN_RUNNING)
		move(from, to, v, now_ns());
	else if (from != to)
		sched_ask_cpu(cpu_of(from)); /* RUNQ6 */
	spin_unlock_pair(&from->lock, &to->lock);
}

locks_unchecked struct sched_queue *sched_queue_lock_leaving(const struct vcpu *v)
{
	struct sched_queue *here = sched_queue_here(), *home;

	for (;;) {
		home = home_of(READ_ONCE(v->barred), cpu_of(here));
		spin_lock_pair(&here->lock, &home->lock);
		if (home == home_of(v->barred, cpu_of(here)))
			return home;
		spin_unlock_pair(&here->lock, &home->lock);
	}
}

void sched_queue_leaves(struct sched_queue *home, struct vcpu *v, uint64_t now)
{
	sched_queue_run(sched_queue_here(), NULL, now);
	WRITE_ONCE(v->cpu, cpu_of(home)); /* RUNQ1 */
}

/* --- caps --- */

void sched_queue_park(struct sched_queue *q, struct vcpu *v, uint64_t now)
{
	if (!q->parked.next)
		list_init(&q->parked);
	list_insert_before(&q->parked, &v->parked);
	q->opens_ns = MIN(q->opens_ns, sched_account_opens(now));
}

void sched_queue_unpark(uint64_t now)
{
	struct sched_queue *q = sched_queue_here();
	struct list *link;
	struct vcpu *v;

	if (now < q->opens_ns)
		return;
	spin_lock(&q->lock);
	q->opens_ns = NONE;
	while ((link = q->parked.next) != &q->parked) {
		v = list_entry(link, struct vcpu, parked);
		list_remove(link);
		sched_queue_add(q, v, now);
		sched_queue_tell(q, v, now);
	}
	spin_unlock(&q->lock);
}

/* --- giving way --- */

/* The sibling that waits longest, by a look without locks. */
static struct vcpu *longest_waiting(const struct vcpu *v)
{
	struct domain *d = v->domain;
	struct vcpu *found = NULL;

	for (uint32_t i = 0; i < d->vcpu_count; i++) {
		struct vcpu *w = d->vcpu[i];

		if (w != v && READ_ONCE(w->run) == RUN_RUNNABLE &&
		    (!found || READ_ONCE(w->since) < READ_ONCE(found->since)))
			found = w;
	}
	return found;
}

/*
 * The domain gets no more time than v would have had: the sibling runs on the
 * same account, and only for the rest of v's slice.
 */
void sched_queue_favour_sibling(struct vcpu *v)
{
	struct sched_queue *own = sched_queue_here(), *other;
	struct vcpu *w = longest_waiting(v);

	if (!w)
		return;
	other = &queues[READ_ONCE(w->cpu)];
	spin_lock_pair(&own->lock, &other->lock);
	if (&queues[w->cpu] == other && w->queued.link &&
	    !is_barred(w, cpu_of(own))) {
		detach(other, w);
		WRITE_ONCE(w->cpu, cpu_of(own)); /* RUNQ1 */
		insert(own, w, now_ns());
		own->favoured = w;
		own->favour_end_ns = v->ran_since_ns + v->granted_ns;
		publish(own);
	}
	spin_unlock_pair(&own->lock, &other->lock);
}

/* --- idle CPUs --- */

bool sched_idle_begin(void)
{
	atomic_or(&idle_cpus, 1UL << this_cpu()->id);
	if (sched_queue_nothing_here()) /* RUNQ4 */
		return true;
	sched_idle_end();
	return false;
}

void sched_idle_end(void)
{
	atomic_and(&idle_cpus, ~(1UL << this_cpu()->id));
}
