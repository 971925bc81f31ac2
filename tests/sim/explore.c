/* SPDX-License-Identifier: MIT */
/*
 * Every pair of operations, each of the two on its CPU; every schedule with at most two
 * preemptions.  A schedule is a child process of the prepared state.
 *
 *   sim PART PARTS       the pairs of that part, from 0
 *   sim list             the names of the operations
 *   sim A,B              one pair
 *   sim A,B,FIRST,N,M    one schedule: CPU FIRST starts, is left at its point N, and comes
 *                        back when the other one is at its point M (0: at its end)
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/ops.h"
#include "sim/sim.h"

#define ORDERS	2	/* serial ones: first CPU 0's, first CPU 1's */

struct pair {
	const struct op *op[SIM_CPUS];
	struct sim_outcome serial[ORDERS];
	unsigned long schedules, other;
};

static struct sim_touched *touched[SIM_CPUS];	/* shared with children */
static unsigned long failures;

static void *shared_memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("sim: shared memory");
		exit(1);
	}
	return p;
}

static long run_op(void *arg)
{
	struct side *s = arg;
	const struct op *op = (void *)s->op;

	return op->run(s);
}

static void prepare(const struct pair *p)
{
	unsigned int i;

	for (i = 0; i < SIM_CPUS; i++) {
		sides[i].op = p->op[i];
		p->op[i]->prepare(&sides[i]);
	}
}

static void finish(const struct pair *p)
{
	unsigned int i;

	for (i = 0; i < SIM_CPUS; i++)
		if (p->op[i]->finish)
			p->op[i]->finish(&sides[i]);
}

/* In a child: both, by the schedule. */
static void child(const struct pair *p, const struct sim_schedule *s)
{
	static const sim_fn fn[SIM_CPUS] = { run_op, run_op };
	void *const arg[SIM_CPUS] = { &sides[0], &sides[1] };

	prepare(p);
	sim_run(s, fn, arg);
	sim_outcome->digest = state_digest();
	finish(p);
	state_check();
	_exit(0);
}

static void wait_for(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		snprintf(sim_outcome->text, sizeof(sim_outcome->text),
			 "signal %d", WTERMSIG(status));
	else if (WEXITSTATUS(status) && !sim_outcome->text[0])
		snprintf(sim_outcome->text, sizeof(sim_outcome->text),
			 "exit %d", WEXITSTATUS(status));
}

static void run_schedule(struct pair *p, const struct sim_schedule *s)
{
	pid_t pid;

	memset(sim_outcome, 0, sizeof(*sim_outcome));
	pid = fork();
	if (pid < 0) {
		perror("sim: fork");
		exit(1);
	}
	if (!pid)
		child(p, s);
	wait_for(pid);
	p->schedules++;
}

/* What the operation of CPU `second` touches after that of the other one, which may be none. */
static void record(struct pair *p, unsigned int second, bool after)
{
	sim_fn fn[SIM_CPUS] = { NULL, NULL };
	void *const arg[SIM_CPUS] = { &sides[0], &sides[1] };
	pid_t pid = fork();

	if (pid) {
		wait_for(pid);
		return;
	}
	prepare(p);
	if (after) {
		fn[1 - second] = run_op;
		sim_run(&(struct sim_schedule){ .first = 1 - second }, fn, arg);
		fn[1 - second] = NULL;
	}
	fn[second] = run_op;
	sim_record(touched[second]);
	sim_run(&(struct sim_schedule){ .first = second }, fn, arg);
	_exit(0);
}

static bool same_outcome(const struct sim_outcome *a, const struct sim_outcome *b)
{
	return a->result[0] == b->result[0] && a->result[1] == b->result[1] &&
	       a->digest == b->digest;
}

static void print_schedule(const struct pair *p, const struct sim_schedule *s)
{
	printf("%s,%s,%u,%u,%u", p->op[0]->name, p->op[1]->name, s->first,
	       s->at[0], s->at[1]);
}

static void judge(struct pair *p, const struct sim_schedule *s)
{
	if (sim_outcome->text[0]) {
		failures++;
		printf("  FAILURE  ");
		print_schedule(p, s);
		printf(": %s\n", sim_outcome->text);
		return;
	}
	if (same_outcome(sim_outcome, &p->serial[0]) ||
	    same_outcome(sim_outcome, &p->serial[1]))
		return;
	if (may_differ(p) || p->other++)
		return;
	failures++;
	printf("  FAILURE  ");
	print_schedule(p, s);
	{
		printf(": %ld %ld %lx; in order: %ld %ld %lx or %ld %ld %lx\n",
		       sim_outcome->result[0], sim_outcome->result[1],
		       sim_outcome->digest, p->serial[0].result[0],
		       p->serial[0].result[1], p->serial[0].digest,
		       p->serial[1].result[0], p->serial[1].result[1],
		       p->serial[1].digest);
	}
}

/* The second preemption at each point of the CPU that the first one led to. */
static bool explore_from(struct pair *p, unsigned int first, unsigned int n)
{
	struct sim_schedule s = { .first = first, .at = { n, 0 } };

	for (;; s.at[1]++) {
		run_schedule(p, &s);
		if (!sim_outcome->switched[0] && !sim_outcome->text[0])
			return false;
		judge(p, &s);
		if (s.at[1] && !sim_outcome->switched[1])
			return true;
		if (failures > 20)
			return false;
	}
}

static void start_pair(struct pair *p)
{
	struct sim_schedule s = { 0 };
	unsigned int i;

	memset(touched[0], 0, sim_touched_bytes());
	memset(touched[1], 0, sim_touched_bytes());
	for (i = 0; i < SIM_CPUS; i++) {
		record(p, i, false);
		record(p, i, true);
	}
	sim_conflicts(touched);
	for (i = 0; i < ORDERS; i++) {
		s.first = i;
		run_schedule(p, &s);
		if (sim_outcome->text[0])
			judge(p, &s);
		p->serial[i] = *sim_outcome;
	}
}

static void explore(struct pair *p)
{
	unsigned int first, n;

	start_pair(p);
	if (failures)
		return;
	for (first = 0; first < SIM_CPUS; first++)
		for (n = 1; explore_from(p, first, n); n++)
			;
}

static const struct op *op_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < op_count; i++)
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	fprintf(stderr, "sim: no operation is called '%s'\n", name);
	exit(2);
}

static void one_pair(char *text)
{
	struct pair p = { 0 };
	struct sim_schedule s = { 0 };
	char *word[5] = { NULL };
	unsigned int n = 0;

	for (word[0] = strtok(text, ","); word[n] && n < 4;)
		word[++n] = strtok(NULL, ",");
	if (!word[1]) {
		fprintf(stderr, "sim: A,B or A,B,FIRST,N,M\n");
		exit(2);
	}
	p.op[0] = op_by_name(word[0]);
	p.op[1] = op_by_name(word[1]);
	if (!word[4]) {
		explore(&p);
		printf("%lu schedules, %lu with other results\n", p.schedules,
		       p.other);
		return;
	}
	start_pair(&p);
	s = (struct sim_schedule){ (unsigned int)atoi(word[2]),
		{ (unsigned int)atoi(word[3]), (unsigned int)atoi(word[4]) } };
	run_schedule(&p, &s);
	judge(&p, &s);
	printf("results %ld %ld, points %lu %lu\n", sim_outcome->result[0],
	       sim_outcome->result[1], sim_outcome->points[0],
	       sim_outcome->points[1]);
}

/* One line a pair that is not as it should be, and the sum in the last line. */
static void part_of_pairs(unsigned int part, unsigned int parts)
{
	unsigned long n = 0, pairs = 0, schedules = 0, bad = 0;
	unsigned int a, b;

	for (a = 0; a < op_count; a++)
		for (b = a; b < op_count; b++) {
			struct pair p = { .op = { &ops[a], &ops[b] } };

			if (n++ % parts != part)
				continue;
			failures = 0;
			explore(&p);
			pairs++;
			schedules += p.schedules;
			bad += failures != 0;
			fprintf(stderr, "%s,%s: %lu schedules\n",
				ops[a].name, ops[b].name, p.schedules);
		}
	printf("pairs %lu schedules %lu violations %lu\n", pairs, schedules,
	       bad);
	failures = bad;
}

static void list(void)
{
	unsigned int i;

	for (i = 0; i < op_count; i++)
		puts(ops[i].name);
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "list")) {
		list();
		return 0;
	}
	sim_outcome = shared_memory(sizeof(*sim_outcome));
	touched[0] = shared_memory(sim_touched_bytes());
	touched[1] = shared_memory(sim_touched_bytes());
	state_prepare();
	if (argc == 2)
		one_pair(argv[1]);
	else if (argc == 3)
		part_of_pairs((unsigned int)atoi(argv[1]),
			      (unsigned int)atoi(argv[2]));
	return failures != 0;
}
