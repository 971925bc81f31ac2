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
 * Each step leads to a larger n or m, so one of all that are the same runs.
 */
#include <string.h>

#include "sim/sim.h"

#define STEPS_MAX	65536u
#define POINTS_MAX	65536u
#define READ		1u
#define WRITTEN		2u

struct log {
	struct sim_step step[STEPS_MAX];
	unsigned int count;
	unsigned int first;	/* at the first preemption */
};

static struct log now;			/* of this run */
static struct log alone[SIM_CPUS];
static struct log whole;		/* B to its end */
static unsigned int cpu_a;
/* What each touches from the first preemption on (RED3; of B, all of it). */
static uint8_t rest[SIM_CPUS][SIM_CONFLICTS];
static bool done[POINTS_MAX];

void reduce_restart(void)
{
	now.count = now.first = 0;
}

void reduce_step(struct sim_step step)
{
	if (now.count == STEPS_MAX || step.point >= POINTS_MAX)
		sim_fail("a schedule has too many accesses");
	now.step[now.count++] = step;
}

void reduce_switched(void)
{
	now.first = now.count - 1;
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
	return s->write ? WRITTEN : READ;
}

static bool meet(unsigned int a, unsigned int b)
{
	return a && b && ((a | b) & WRITTEN);
}

/* The CPU's accesses from that step on. */
static void rest_add(unsigned int cpu, const struct log *l, unsigned int from)
{
	unsigned int i;

	for (i = from; i < l->count; i++)
		if (l->step[i].cpu == cpu)
			rest[cpu][l->step[i].conflict] |= access_of(&l->step[i]);
}

static unsigned int step_of_point(const struct log *l, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < l->count; i++)
		if (l->step[i].cpu == cpu_a && l->step[i].point == n)
			break;
	return i;
}

void reduce_from(unsigned int cpu, unsigned int n)
{
	cpu_a = cpu;
	copy(&whole);
	memset(rest, 0, sizeof(rest));
	memset(done, 0, sizeof(done));
	rest_add(cpu, &alone[cpu], step_of_point(&alone[cpu], n));
	rest_add(cpu, &whole, whole.first);
	rest_add(1 - cpu, &alone[1 - cpu], 0);
	rest_add(1 - cpu, &whole, 0);
}

void reduce_learn(void)
{
	rest_add(cpu_a, &now, now.first);
	rest_add(1 - cpu_a, &now, 0);
}

/* After B's last one there is nobody left to go on. */
static unsigned int end_of_b(void)
{
	unsigned int i = whole.count;

	while (i > whole.first + 1 && whole.step[i - 1].cpu == cpu_a)
		i--;
	return i;
}

unsigned int reduce_next(void)
{
	const struct sim_step *a = &whole.step[whole.first], *s;
	bool waited = false, met = false;	/* RED4, RED2 */
	unsigned int i, end = end_of_b();

	for (i = whole.first + 1; i < end && (met || !waited); i++) {
		s = &whole.step[i];
		waited |= s->cpu == cpu_a;
		if (met && s->point && !done[s->point] &&
		    meet(rest[1 - s->cpu][s->conflict], access_of(s))) {
			done[s->point] = true;
			return s->point;
		}
		met |= !waited && s->conflict == a->conflict &&
		       meet(access_of(s), access_of(a));
	}
	return 0;
}
