/* SPDX-License-Identifier: MIT */
/*
 * Which second preemptions can make a difference.
 *
 * A schedule is (n, m): CPU A runs to before its access n, B to before its
 * access m, A to its end, B to its end.  Accesses that touch different words,
 * or read the same, can change places.  So
 *
 * RED1  (n, m) is (n, m + 1) if B's access m touches nothing that A touches
 *       from its access n on, or both read it.
 * RED2  (n, m) is (n + 1, m) if A's access n touches nothing that B touches
 *       before its access m, or both read it.
 * RED3  What A touches from its access n on is what it touched there alone,
 *       with B at its end, and in each schedule of this n that ran: one that
 *       finds more makes RED1 be asked again.
 * RED4  If A runs in between, because B waits for it, A may be left there:
 *       before an access to what B touches, by RED1.  "Before m" in RED2 is
 *       before that wait then.
 *
 * RED5  Two sections of one lock may change places, too, if nothing else in
 *       them meets: locks are only taken, waited for and freed (no operation
 *       looks whether one is held: tests/sim/locks.c), so who had it first
 *       leaves nothing behind but the count of its tickets.  So RED1 and RED2
 *       go over several accesses at once, up to where the CPU holds none of
 *       the locks in common that it took on the way.  They do not go over the
 *       end of a section that began before: there the other one waits.
 *
 * RED6  Of three CPUs, C runs whole while A and B are left, then A and B, or B
 *       and A: so RED1 is asked of C's accesses, and A's where it goes on
 *       before B; RED2 of B's and C's.  What RED2 passes to A's end is among
 *       those where A is whole first, and B and C are a pair.
 *
 * RED7  A CPU that is left in a section keeps its lock until it goes on: what
 *       the others touch in sections of that lock only they do not touch
 *       meanwhile, so it meets nothing.  So one point of a section is enough,
 *       and one before each flush of a TLB in it (what the TLB has by then is
 *       seen by the accesses of no operation).
 *
 * RED8  What a CPU reads while it has stopped the others is not told: RED2 does
 *       not go over that.  B is in no call then, so RED1 is as it is.
 *
 * Each step leads to a larger n or m, so one of all that are the same runs.
 */
#include <string.h>

#include "sim/sim.h"

#define STEPS_MAX	65536u
#define POINTS_MAX	65536u
#define READ		1u
#define WRITTEN		2u
#define LOCK		4u	/* as one: taken and freed */
#define LOCKS_MAX	16u	/* that a CPU holds */
#define LOCK_BITS	64u

struct log {
	struct sim_step step[STEPS_MAX];
	unsigned int count;
	unsigned int first;	/* at the first preemption */
};

/* Words, and which locks are held at each access to them. */
struct touched {
	uint8_t flags[SIM_CONFLICTS];
	uint64_t held[SIM_CONFLICTS];
};

bool reduce_nothing;

static struct log now;			/* of this run */
static struct log alone[SIM_CPUS];
static struct log after;		/* where another one is whole first */
static struct log whole;		/* B to its end */
static unsigned int cpu_a;
static const struct log *a_alone;	/* and only then others */
static unsigned int cpu_gone;		/* whole first; SIM_CPUS: none */
/* Of three: who comes after B, and whether B goes on before A. */
static unsigned int cpu_c;
static bool b_first;
/*
 * What all but the CPU touch from the first preemption on (RED3; but for A, all
 * of it).
 */
static struct touched others[SIM_CPUS], rest_of_c;
static bool done[POINTS_MAX];

/* Locks that a CPU took, by the number of their word. */
struct locks {
	unsigned int lock[LOCKS_MAX], count;
};

static uint64_t held[SIM_CPUS];
static const void *lock_of_bit[LOCK_BITS];

/* In the order in which they are met; 0: there are too many. */
static uint64_t lock_bit(const void *lock)
{
	unsigned int i;

	for (i = 0; i < LOCK_BITS && lock_of_bit[i] && lock_of_bit[i] != lock; i++)
		;
	if (i == LOCK_BITS)
		return 0;
	lock_of_bit[i] = lock;
	return 1ul << i;
}

void reduce_restart(void)
{
	now.count = now.first = 0;
	memset(held, 0, sizeof(held));
}

void reduce_step(struct sim_step step)
{
	if (now.count == STEPS_MAX || step.point >= POINTS_MAX)
		sim_fail("a schedule has too many accesses");
	step.held = held[step.cpu];
	now.step[now.count++] = step;
}

void reduce_holds(const void *lock, bool holds)
{
	held[sim_cpu] &= ~lock_bit(lock);
	if (holds)
		held[sim_cpu] |= lock_bit(lock);
}

static void no_access(unsigned int cpu, unsigned int what)
{
	if (sim_active)
		reduce_step((struct sim_step){ .conflict = what, .cpu = (uint8_t)cpu });
}

void reduce_flushes(unsigned int cpu)
{
	no_access(cpu, SIM_FLUSHES);
}

void reduce_resumes(void)
{
	no_access(sim_cpu, SIM_RESUMES);
}

void reduce_stops(void)
{
	no_access(sim_cpu, SIM_STOPS);
}

void reduce_switched(unsigned int n)
{
	if (!n)
		now.first = now.count - 1;
	now.step[now.count - 1].late = true;
}

/* --- orders --- */

static struct {
	uint64_t wrote[SIM_CONFLICTS];	/* who, and which of his */
	uint64_t last[SIM_CPUS], count[SIM_CPUS], sum;
} order;

/* Who waits reads the same again.  Locks' sections change places (RED5). */
static void order_add(const struct sim_step *s)
{
	uint64_t me;

	if (s->conflict >= SIM_CONFLICTS || s->how > SIM_WRITES)
		return;
	me = (order.wrote[s->conflict] ^ (s->conflict + 1) * 0x9e3779b97f4a7c15ul) * 0xbf58476d1ce4e5b9ul + s->how;
	if (me == order.last[s->cpu])
		return;
	order.last[s->cpu] = me;
	me = (me ^ (++order.count[s->cpu] * SIM_CPUS + s->cpu)) * 0x94d049bb133111ebul;
	order.sum += me ^ me >> 31;
	if (s->how == SIM_WRITES)
		order.wrote[s->conflict] = order.count[s->cpu] * SIM_CPUS + s->cpu + 1;
}

uint64_t reduce_order(void)
{
	const struct sim_step *s, *late[SIM_CPUS] = { NULL };
	unsigned int cpu;

	memset(&order, 0, sizeof(order));
	for (s = now.step; s < now.step + now.count; s++) {
		if (late[s->cpu])
			order_add(late[s->cpu]);
		late[s->cpu] = s->late ? s : NULL;
		if (!s->late)
			order_add(s);
	}
	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		if (late[cpu])
			order_add(late[cpu]);
	return order.sum;
}

static void copy(struct log *to)
{
	to->count = now.count;
	to->first = now.first;
	memcpy(to->step, now.step, now.count * sizeof(now.step[0]));
}

void reduce_alone(unsigned int cpu)
{
	copy(&alone[cpu]);
}

static unsigned int access_of(const struct sim_step *s)
{
	static const uint8_t flag[] = {
		[SIM_READS] = READ, [SIM_WRITES] = WRITTEN,
		[SIM_TAKES] = LOCK, [SIM_FREES] = LOCK,
	};

	return flag[s->how];
}

/* A lock that is read or written as other words are is one of them. */
static bool meet(unsigned int a, unsigned int b)
{
	return a && b && (a | b) != READ && (a | b) != LOCK;
}

/* --- RED5 --- */

static void lock_add(struct locks *l, unsigned int lock)
{
	CHECK(l->count < LOCKS_MAX);
	l->lock[l->count++] = lock;
}

/* False: it is none of them. */
static bool lock_remove(struct locks *l, unsigned int lock)
{
	unsigned int i = l->count;

	while (i && l->lock[i - 1] != lock)
		i--;
	if (!i)
		return false;
	l->lock[i - 1] = l->lock[--l->count];
	return true;
}

static bool lock_is_in(const struct locks *l, unsigned int lock)
{
	unsigned int i;

	for (i = 0; i < l->count; i++)
		if (l->lock[i] == lock)
			return true;
	return false;
}

/*
 * Can the CPU do that step before or after all that the other one does?  keeps:
 * locks that it had where that is asked for, and has (RED7); taken: those that
 * both use, which it took since; theirs: the other one's.
 */
static bool step_passes(const struct sim_step *s, const struct touched *others, uint64_t keeps,
			const struct locks *theirs, struct locks *taken)
{
	unsigned int flags;

	if (s->conflict == SIM_FLUSHES)
		return !keeps;
	if (s->conflict == SIM_RESUMES)
		return true;
	if (s->conflict == SIM_STOPS) /* RED8 */
		return false;
	flags = others->flags[s->conflict];
	if (flags && others->held[s->conflict] & keeps)
		return true;
	if (meet(access_of(s), flags))
		return false;
	if (!(flags & LOCK))
		return true;
	if (s->how == SIM_FREES)
		return lock_remove(taken, s->conflict);
	if (theirs && lock_is_in(theirs, s->conflict))
		return false;
	lock_add(taken, s->conflict);
	return true;
}

/*
 * From step i on, up to a point of its CPU's where it may be left as well, or
 * to the end.
 */
static bool steps_pass(const struct log *l, unsigned int i, unsigned int end,
		       const struct touched *others, const struct locks *theirs)
{
	struct locks taken = { .count = 0 };
	unsigned int cpu = l->step[i].cpu;
	uint64_t keeps = l->step[i].held;

	for (; i < end && !reduce_nothing; i++) {
		keeps &= l->step[i].held;
		if (l->step[i].cpu != cpu ||
		    !step_passes(&l->step[i], others, keeps, theirs, &taken))
			return false;
		if (!taken.count && (i + 1 == end || (l->step[i + 1].cpu == cpu &&
						      l->step[i + 1].point)))
			return true;
	}
	return false;
}

static void touch(struct touched *t, const struct sim_step *s)
{
	if (s->conflict >= SIM_CONFLICTS)
		return;
	t->held[s->conflict] = s->held & (t->flags[s->conflict] ? t->held[s->conflict] : ~0ul);
	t->flags[s->conflict] |= access_of(s);
}

/* The CPU's accesses from that step on. */
static void rest_add(unsigned int cpu, const struct log *l, unsigned int from)
{
	unsigned int i, c;

	if (cpu == cpu_gone)
		return;
	for (i = from; i < l->count; i++)
		for (c = 0; c < SIM_CPUS && l->step[i].cpu == cpu; c++)
			if (c != cpu)
				touch(&others[c], &l->step[i]);
	for (i = from; i < l->count; i++)
		if (SIM_CPUS > 2 && cpu == cpu_c && l->step[i].cpu == cpu)
			touch(&rest_of_c, &l->step[i]);
}

static unsigned int step_of_point(const struct log *l, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < l->count; i++)
		if (l->step[i].cpu == cpu_a && l->step[i].point == n)
			break;
	return i;
}

/* After the CPU's last one. */
static unsigned int end_of(const struct log *l, unsigned int cpu)
{
	unsigned int i = l->count;

	while (i && l->step[i - 1].cpu != cpu)
		i--;
	return i;
}

void reduce_whole(void)
{
	copy(&whole);
}

void reduce_after_first(unsigned int first)
{
	copy(&after);
	cpu_gone = first;
}

void reduce_from(const struct sim_schedule *s)
{
	unsigned int cpu = (s->first + s->whole * s->step) % SIM_CPUS, n = s->at[0], c;

	if (!s->whole)
		cpu_gone = SIM_CPUS;
	cpu_a = cpu;
	a_alone = s->whole ? &after : &alone[cpu];
	cpu_c = s->whole ? SIM_CPUS : (cpu + 2 * s->step) % SIM_CPUS;
	b_first = s->back;
	memset(&rest_of_c, 0, sizeof(rest_of_c));
	memset(others, 0, sizeof(others));
	memset(done, 0, sizeof(done));
	rest_add(cpu, a_alone, step_of_point(a_alone, n));
	rest_add(cpu, &whole, whole.first);
	for (c = 0; c < SIM_CPUS; c++) {
		if (c == cpu)
			continue;
		rest_add(c, &alone[c], 0);
		rest_add(c, &whole, 0);
	}
}

void reduce_learn(void)
{
	unsigned int c;

	for (c = 0; c < SIM_CPUS; c++)
		rest_add(c, &now, c == cpu_a ? now.first : 0);
}

static unsigned int end_of_others(void)
{
	unsigned int c, end = 0;

	for (c = 0; c < SIM_CPUS; c++)
		if (c != cpu_a)
			end = MAX(end, end_of(&whole, c));
	return end;
}

/* What B did up to where it stands; of several, all that they do. */
static struct {
	struct touched touched;
	struct locks held;
} before;

static void before_add(const struct sim_step *s)
{
	touch(&before.touched, s);
	if (s->how == SIM_TAKES)
		lock_add(&before.held, s->conflict);
	else if (s->how == SIM_FREES)
		(void)lock_remove(&before.held, s->conflict);
}

/* RED2: A can be left later just as well. */
static bool a_passes(void)
{
	const struct log *l = a_alone;

	return steps_pass(l, step_of_point(l, whole.step[whole.first].point),
			  end_of(l, cpu_a), &before.touched, &before.held);
}

/* What runs while that CPU is left at its second preemption, or more. */
static const struct touched *meets_stopped(unsigned int cpu)
{
	bool is_b = cpu != cpu_a && cpu != cpu_c;

	return is_b && b_first ? &rest_of_c : &others[cpu];
}

/* B's last one leaves nobody to go on. */
unsigned int reduce_next(void)
{
	unsigned int i, end = end_of_others();
	const struct sim_step *s;
	bool waited = false;	/* RED4 */

	memset(&before, 0, sizeof(before));
	if (cpu_c < SIM_CPUS)
		before.touched = b_first ? others[cpu_a] : rest_of_c;
	for (i = whole.first + 1; i < end; i++) {
		s = &whole.step[i];
		if (s->cpu == cpu_a && !waited) {
			waited = true;
			if (a_passes())
				break;
		}
		if (s->point && !done[s->point] && (SIM_CPUS < 3 || s->cpu != cpu_c) &&
		    !steps_pass(&whole, i, end, meets_stopped(s->cpu), NULL) &&
		    (waited || !a_passes())) {
			done[s->point] = true;
			return s->point;
		}
		if (!waited)
			before_add(s);
	}
	return 0;
}
