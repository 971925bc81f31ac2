/* SPDX-License-Identifier: MIT */
/*
 * Every pair of operations, each of the two on its CPU; every schedule with at
 * most two preemptions.
 *
 *   sim PART PARTS       the pairs of that part, from 0
 *   sim A,B              one pair, of two domains
 *   sim A+B              the same of one domain's two vCPUs
 *   sim A,B,FIRST,N,M    one schedule: CPU FIRST starts, is left at its point
 *                        N, and comes
 *                        back when the other one is at its point M (0: at its
 *                        end)
 *   sim pairs            the names of all pairs
 *
 * A pair is a process of its own.  It prepares once; each schedule runs from
 * there, and what it wrote is undone.  A state that no schedule of the pair had
 * left before is judged by a child: counts, audit, and with what a domain's end
 * leaves.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/ops.h"
#include "sim/sim.h"

#define ORDERS		2	/* serial ones: first CPU 0's, first CPU 1's */
#define FAILURES_MAX	5	/* of a pair: more say nothing new */
#define ENDS		65536u	/* states of a pair that are remembered */

struct pair {
	const struct op *op[SIM_CPUS];
	bool one_domain;	/* two vCPUs of it */
	struct sim_outcome serial[ORDERS];
};

/* A state that some schedule of this pair left. */
struct end {
	bool judged;
	uint64_t changes, digest;
	char text[sizeof(sim_outcome.text)];	/* why it is wrong, or "" */
};

/* Shared with the processes of pairs, and theirs with the judges'. */
static struct results {
	unsigned long schedules;
	unsigned int failures;
	struct end judged;
} *results;

static struct sim_touched *touched[SIM_CPUS];
static struct { uint64_t changes, digest; } ends[ENDS];

static void *memory(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED) {
		perror("sim: memory");
		exit(1);
	}
	return p;
}

/* --- one schedule --- */

static long run_op(void *arg)
{
	struct side *s = arg;
	const struct op *op = s->op;

	return op->run(s);
}

static void prepare(const struct pair *p)
{
	unsigned int i;

	if (p->one_domain)
		state_one_domain();
	for (i = 0; i < SIM_CPUS; i++) {
		sides[i].op = p->op[i];
		p->op[i]->prepare(&sides[i]);
	}
	sim_tlb_start();
}

/* Both, one, or the other one and then this one, from the prepared state. */
static void run(const struct sim_schedule *s, bool with0, bool with1)
{
	const sim_fn fn[SIM_CPUS] = { with0 ? run_op : NULL,
				      with1 ? run_op : NULL };
	void *const arg[SIM_CPUS] = { &sides[0], &sides[1] };

	sim_run(s, fn, arg);
}

static void undo(void)
{
	sim_record(NULL);
	sim_undo();
	sim_tlb_undo();
}

/* --- the state that it left --- */

/* A process: it ends if something is wrong, and says so in sim_outcome.text. */
static void judge_end(const struct pair *p)
{
	unsigned int i;

	results->judged.digest = state_digest();
	for (i = 0; i < SIM_CPUS; i++)
		if (p->op[i]->finish)
			p->op[i]->finish(&sides[i]);
	state_check();
	results->judged.judged = true;
	_exit(0);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	if (pid < 0) {
		perror("sim: fork");
		exit(1);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* Its digest; or sim_outcome.text says what is wrong. */
static uint64_t end_new(const struct pair *p)
{
	pid_t pid;

	memset(&results->judged, 0, sizeof(results->judged));
	fflush(stdout);
	pid = fork();
	if (!pid)
		judge_end(p);
	if (wait_for(pid) && !results->judged.judged)
		snprintf(sim_outcome.text, sizeof(sim_outcome.text), "%s",
			 results->judged.text[0] ? results->judged.text :
			 "its state could not be judged");
	return results->judged.digest;
}

static uint64_t end_digest(const struct pair *p)
{
	uint64_t changes = sim_changes() | 1;
	unsigned int i = changes / 2 % ENDS, n;

	for (n = 0; n < 64 && ends[i].changes; n++, i = (i + 1) % ENDS)
		if (ends[i].changes == changes)
			return ends[i].digest;
	ends[i].digest = end_new(p);
	if (!sim_outcome.text[0])
		ends[i].changes = changes;
	return ends[i].digest;
}

/* A judge's last words. */
void sim_say(const char *text)
{
	if (results)
		snprintf(results->judged.text, sizeof(results->judged.text),
			 "%s", text);
}

static void run_schedule(struct pair *p, const struct sim_schedule *s)
{
	run(s, true, true);
	if (!sim_outcome.text[0])
		sim_outcome.digest = end_digest(p);
	undo();
	results->schedules++;
}

/* --- a pair --- */

static bool same_outcome(const struct sim_outcome *a, const struct sim_outcome *b)
{
	return a->result[0] == b->result[0] && a->result[1] == b->result[1] &&
	       a->digest == b->digest;
}

static char between(const struct pair *p)
{
	return p->one_domain ? '+' : ',';
}

static void fail(const struct pair *p, const struct sim_schedule *s)
{
	results->failures++;
	printf("  FAILURE  %s%c%s,%u,%u,%u: ", p->op[0]->name, between(p),
	       p->op[1]->name, s->first, s->at[0], s->at[1]);
}

/* The verdict on a schedule. */
static void judge(struct pair *p, const struct sim_schedule *s)
{
	const struct sim_outcome *o = &sim_outcome, *a = &p->serial[0],
		*b = &p->serial[1];

	if (o->text[0]) {
		fail(p, s);
		printf("%s\n", o->text);
	} else if (!same_outcome(o, a) && !same_outcome(o, b) &&
		   !op_end_is_known(p->op[0]->name, p->op[1]->name, p->one_domain,
				    o->result)) {
		fail(p, s);
		printf("results %ld and %ld (state %lx); in order %ld %ld (%lx) or %ld %ld (%lx)\n",
		       o->result[0], o->result[1], o->digest, a->result[0],
		       a->result[1], a->digest, b->result[0], b->result[1],
		       b->digest);
	}
}

/*
 * The second preemption at each point of the CPU that the first one led to.
 * False: the first one's CPU has no point n.
 */
static bool explore_from(struct pair *p, unsigned int first, unsigned int n)
{
	struct sim_schedule s = { .first = first, .at = { n, 0 } };

	for (; results->failures < FAILURES_MAX; s.at[1]++) {
		run_schedule(p, &s);
		if (!sim_outcome.switched[0])
			return false;
		judge(p, &s);
		if (s.at[1] && !sim_outcome.switched[1])
			return true;
	}
	return false;
}

/* What the operation of CPU `cpu` touches, alone and after the other one. */
static void record(unsigned int cpu)
{
	const struct sim_schedule s = { .first = cpu }, o = { .first = 1 - cpu };

	sim_record(touched[cpu]);
	run(&s, cpu == 0, cpu == 1);
	undo();
	run(&o, cpu == 1, cpu == 0);
	sim_record(touched[cpu]);
	run(&s, cpu == 0, cpu == 1);
	undo();
}

static void start_pair(struct pair *p)
{
	struct sim_schedule s = { 0 };
	unsigned int i;

	sim_catch_signals();
	prepare(p);
	for (i = 0; i < SIM_CPUS; i++)
		record(i);
	sim_conflicts(touched);
	for (i = 0; i < ORDERS; i++) {
		s.first = i;
		run_schedule(p, &s);
		p->serial[i] = sim_outcome;
		if (sim_outcome.text[0])
			judge(p, &s);
	}
}

/*
 * Nothing of all those schedules is left: the first one does again what it did.
 */
static void check_undone(struct pair *p)
{
	struct sim_schedule s = { 0 };

	run_schedule(p, &s);
	if (!same_outcome(&sim_outcome, &p->serial[0]) ||
	    sim_outcome.points[0] != p->serial[0].points[0] ||
	    sim_outcome.points[1] != p->serial[0].points[1]) {
		fail(p, &s);
		printf("a schedule was not undone\n");
	}
}

static void explore(struct pair *p)
{
	unsigned int first, n;

	start_pair(p);
	for (first = 0; first < SIM_CPUS; first++)
		for (n = 1; explore_from(p, first, n); n++)
			;
	if (!results->failures)
		check_undone(p);
}

/* In a process of its own. */
static void pair_run(struct pair *p)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		explore(p);
		exit(0);
	}
	if (!wait_for(pid))
		return;
	results->failures++;
	printf("  FAILURE  %s%c%s: the simulator ended\n", p->op[0]->name,
	       between(p), p->op[1]->name);
}

/* --- what is asked for --- */

static const struct op *op_by_name(const char *name)
{
	unsigned int i;

	for (i = 0; i < op_count; i++)
		if (!strcmp(ops[i].name, name))
			return &ops[i];
	fprintf(stderr, "sim: no operation is called '%s'\n", name);
	exit(2);
}

static void one_schedule(struct pair *p, char *const word[])
{
	struct sim_schedule s = {
		.first = !!atoi(word[0]),
		.at = { (unsigned int)atoi(word[1]), (unsigned int)atoi(word[2]) },
	};

	start_pair(p);
	run_schedule(p, &s);
	judge(p, &s);
	printf("results %ld and %ld, points %lu and %lu\n",
	       sim_outcome.result[0], sim_outcome.result[1],
	       sim_outcome.points[0], sim_outcome.points[1]);
}

static bool is_allowed(const struct op *op, bool one_domain)
{
	return op->where != (one_domain ? OP_TWO_DOMAINS : OP_ONE_DOMAIN);
}

static bool pair_is_allowed(const struct pair *p)
{
	return is_allowed(p->op[0], p->one_domain) &&
	       is_allowed(p->op[1], p->one_domain);
}

static void bad_words(const char *why)
{
	fprintf(stderr, "sim: %s\n", why);
	exit(2);
}

/* "A,B" or "A+B", and perhaps three numbers. */
static void replay(char *text)
{
	struct pair p = { .one_domain = strchr(text, '+') };
	char *word[5] = { NULL };
	unsigned int n = 0;

	for (word[0] = strtok(text, ",+"); word[n] && n < 4;)
		word[++n] = strtok(NULL, ",+");
	if (!word[1] || (word[2] && !word[4]))
		bad_words("say A,B (two domains), A+B (two vCPUs), or A,B,FIRST,N,M");
	p.op[0] = op_by_name(word[0]);
	p.op[1] = op_by_name(word[1]);
	if (!pair_is_allowed(&p))
		bad_words("an operation is not for these two");
	if (word[4]) {
		one_schedule(&p, word + 2);
		return;
	}
	pair_run(&p);
	printf("%lu schedules\n", results->schedules);
}

/* fn for every pair: two domains', then one domain's. */
static void all_pairs(void (*fn)(struct pair *p, void *arg), void *arg)
{
	unsigned int one, a, b;

	for (one = 0; one < 2; one++)
		for (a = 0; a < op_count; a++)
			for (b = a; b < op_count; b++) {
				struct pair p = { .op = { &ops[a], &ops[b] },
						  .one_domain = one };

				if (pair_is_allowed(&p))
					fn(&p, arg);
			}
}

static void pair_print(struct pair *p, void *arg)
{
	printf("%s%c%s\n", p->op[0]->name, between(p), p->op[1]->name);
}

struct part {
	unsigned int part, parts;
	unsigned long seen, pairs, schedules, bad;
};

static void part_pair(struct pair *p, void *arg)
{
	struct part *part = arg;

	if (part->seen++ % part->parts != part->part)
		return;
	results->failures = 0;
	results->schedules = 0;
	pair_run(p);
	part->pairs++;
	part->schedules += results->schedules;
	part->bad += results->failures != 0;
}

/* The sum in the last line. */
static void part_of_pairs(struct part part)
{
	all_pairs(part_pair, &part);
	printf("pairs %lu schedules %lu violations %lu\n", part.pairs,
	       part.schedules, part.bad);
	results->failures = part.bad != 0;
}

int main(int argc, char **argv)
{
	unsigned int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "pairs")) {
		all_pairs(pair_print, NULL);
		return 0;
	}
	results = memory(sizeof(*results));
	for (i = 0; i < SIM_CPUS; i++)
		touched[i] = memory(sim_touched_bytes());
	state_prepare();
	if (argc == 2)
		replay(argv[1]);
	else if (argc == 3)
		part_of_pairs((struct part){
			.part = (unsigned int)atoi(argv[1]),
			.parts = (unsigned int)atoi(argv[2]),
		});
	return results->failures != 0;
}
