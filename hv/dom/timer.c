/* SPDX-License-Identifier: MIT */
/*
 * Timers: one heap per CPU, the earliest deadline first.  A CPU may have some
 * for each vCPU there is, tens of thousands, and its lock is also taken by
 * others that move or cancel one.  So none of that walks a list: a heap of n
 * takes a timer in constant time, and loses one in the logarithm of n on
 * average (lib/pheap.h).
 *
 * A timer's `cpu` says in whose heap it is.  It goes from -1 to n by a
 * compare-and-swap under CPU n's lock, and back to -1 under that lock, so any
 * number of CPUs may set and cancel one timer at the same time:
 *
 * TM1  t->cpu == n, seen under CPU n's lock  <=>  t is in CPU n's heap.
 * TM2  to fire, a CPU counts t->taken up, and then sets t->cpu to -1; after fn
 *      returned it counts t->returned up, and leaves t alone.  fn may arm t
 *      again.  So a CPU that sees, in this order, that all that were taken
 *      have returned, that t->cpu is -1, and that `taken` is as it was before,
 *      knows that fn has returned and will not start again.  (Without the last
 *      look, t could have been armed and taken again between the others.)
 * TM3  timer_run() fires at most TIMER_BATCH timers, and leaves the rest to the
 *      next interrupt.
 * TM4  of timers with one deadline, the one that came into the heap first fires
 *      first: however many there are, none is overlooked by batch after batch.
 */
#include <port.h>

#include "dom/timer.h"
#include "x86/cpu.h"
#include "x86/spinlock.h"

#define TIMER_BATCH	64
#define TIMER_NEVER	(~(uint64_t)0)

struct timer_queue {
	struct spinlock lock;	/* LOCK_TIMER: armed, turns */
	struct pheap armed;
	uint64_t turns;		/* timers that came into it, ever */
	struct timer *running;	/* only its CPU: in whose fn it is */
	bool noted;		/* only its CPU: the interrupt came */
} aligned_to(64);

static struct timer_queue queues[MAX_CPUS] = {
	[0 ... MAX_CPUS - 1] = { .lock = SPINLOCK_INIT(LOCK_TIMER) },
};

static struct timer_queue *queue_here(void)
{
	return &queues[this_cpu()->id];
}

static locks_unchecked struct timer_queue *queue_lock(unsigned int cpu)
{
	struct timer_queue *q = &queues[cpu];

	spin_lock(&q->lock);
	return q;
}

static locks_unchecked void queue_unlock(struct timer_queue *q)
{
	spin_unlock(&q->lock);
}

static struct timer *armed(const struct pheap_node *n)
{
	return container_of(n, struct timer, armed);
}

/* TM4 */
static bool before(const struct pheap_node *a, const struct pheap_node *b)
{
	const struct timer *t = armed(a), *u = armed(b);

	return t->deadline_ns < u->deadline_ns ||
	       (t->deadline_ns == u->deadline_ns && t->turn < u->turn);
}

static struct timer *queue_first(struct timer_queue *q)
{
	return q->armed.root ? armed(q->armed.root) : NULL;
}

/* Is it the earliest now? */
static bool queue_insert(struct timer_queue *q, struct timer *t)
{
	t->turn = q->turns++;
	pheap_insert(&q->armed, &t->armed, before);
	return queue_first(q) == t;
}

static void queue_remove(struct timer_queue *q, struct timer *t)
{
	pheap_remove(&q->armed, &t->armed, before);
}

void timer_init(struct timer *t, void (*fn)(void *arg), void *arg)
{
	t->armed = (struct pheap_node){ 0 };
	t->deadline_ns = 0;
	t->cpu = -1;
	t->taken = t->returned = 0;
	t->fn = fn;
	t->arg = arg;
}

/* Out of its heap, wherever that is. */
static void timer_disarm(struct timer *t)
{
	int32_t cpu;

	while ((cpu = atomic_load_acquire(&t->cpu)) >= 0) {
		struct timer_queue *q = queue_lock((unsigned int)cpu);

		if (t->cpu == cpu) { /* TM1 */
			queue_remove(q, t);
			atomic_store_release(&t->cpu, -1);
		}
		queue_unlock(q);
	}
}

/*
 * Put t, which is in no heap, in this CPU's; false if somebody else armed it.
 */
static bool timer_claim(struct timer *t, uint64_t deadline_ns, bool *first)
{
	unsigned int here = this_cpu()->id;
	struct timer_queue *q = queue_lock(here);
	int32_t none = -1;
	bool ours = atomic_cas(&t->cpu, &none, (int32_t)here);

	if (ours) {
		t->deadline_ns = deadline_ns;
		*first = queue_insert(q, t);
	}
	queue_unlock(q);
	return ours;
}

void timer_set(struct timer *t, uint64_t deadline_ns)
{
	bool first = false;

	deadline_ns = MIN(deadline_ns, TIMER_NEVER - 1);
	do {
		timer_disarm(t);
	} while (!timer_claim(t, deadline_ns, &first));
	if (first)
		timer_arm();
}

static bool timer_runs_elsewhere(const struct timer *t)
{
	/* In this order: if both are the same, it did not run at the first. */
	uint32_t returned = atomic_load_acquire(&t->returned);
	uint32_t runs = atomic_load_acquire(&t->taken) - returned;

	return runs > (queue_here()->running == t);
}

void timer_cancel(struct timer *t)
{
	uint32_t taken;

	do { /* TM2 */
		taken = atomic_load_acquire(&t->taken);
		timer_disarm(t);
		while (timer_runs_elsewhere(t))
			port_spin();
	} while (atomic_load_acquire(&t->cpu) >= 0 ||
		 atomic_load_acquire(&t->taken) != taken);
}

/* Take the first timer that is due at `now` out of this CPU's heap. */
static struct timer *timer_take_due(uint64_t now)
{
	struct timer_queue *q = queue_lock(this_cpu()->id);
	struct timer *t = queue_first(q);

	if (t && t->deadline_ns > now)
		t = NULL;
	if (t) {
		queue_remove(q, t);
		atomic_store_release(&t->taken, t->taken + 1);
		q->running = t;
		atomic_store_release(&t->cpu, -1);
	}
	queue_unlock(q);
	return t;
}

void timer_run(void)
{
	struct timer_queue *q = queue_here();
	uint64_t now = now_ns();
	unsigned int fired = 0;
	struct timer *t;

	q->noted = false;
	while (fired < TIMER_BATCH && (t = timer_take_due(now)) != NULL) {
		t->fn(t->arg);
		q->running = NULL;
		atomic_add(&t->returned, 1);
		fired++;
	}
}

uint64_t timer_next_ns(void)
{
	struct timer_queue *q = queue_lock(this_cpu()->id);
	struct timer *t = queue_first(q);
	uint64_t next = t ? t->deadline_ns : TIMER_NEVER;

	queue_unlock(q);
	return next;
}

void timer_arm(void)
{
	uint64_t end = this_cpu()->slice_end_tsc;
	uint64_t end_ns = end == TIMER_NEVER ? end : tsc_to_ns(end);
	uint64_t next = timer_next_ns();

	lapic_timer_set(MIN(end_ns, next));
}

void timer_note(void)
{
	queue_here()->noted = true;
}

bool timer_noted(void)
{
	return queue_here()->noted;
}

/*
 * The APIC's clock and the TSC differ a little, so an interrupt may come a
 * little before the timer is due.  The APIC timer fires once only, so it is
 * armed again in any case.
 */
void timer_poll(void)
{
	if (!timer_noted())
		return;
	timer_run();
	timer_arm();
}
