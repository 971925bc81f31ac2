/* SPDX-License-Identifier: MIT */
/*
 * A pair of operations, each of the two on its CPU; every schedule with at most
 * two preemptions, but for those that are the same as another one (reduce.c).
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

#include <port.h>

#include <xen/grant_table.h>

#include "abi/share.h"
#include "sim/explore.h"
#include "sim/sim.h"

#define FAILURES_MAX	5	/* of a pair: more say nothing new */
#define ALL_CPUS	((1u << SIM_CPUS) - 1)
#define ENDS		65536u	/* states of a pair that are remembered */
#define ORDERS_MAX	(1u << 20)

struct results *results;

static struct sim_touched *touched[SIM_CPUS];
static struct { uint64_t changes, digest; } ends[ENDS];
static uint64_t orders[ORDERS_MAX];

void explore_start(void)
{
	results = mmap(NULL, sizeof(*results), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED) {
		perror("sim: memory");
		exit(1);
	}
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
	if (SIM_CPUS > 2)
		state_three();
	for (i = 0; i < SIM_CPUS; i++) {
		sides[i].op = p->op[i];
		p->op[i]->prepare(&sides[i]);
	}
	sim_tlb_start();
}

/* All, or some, from the state as it is; `who`: a bit for each CPU. */
static void run(const struct sim_schedule *s, unsigned int who)
{
	sim_fn fn[SIM_CPUS];
	void *arg[SIM_CPUS];
	unsigned int i;

	for (i = 0; i < SIM_CPUS; i++) {
		fn[i] = who >> i & 1 ? run_op : NULL;
		arg[i] = &sides[i];
	}
	sim_run(s, fn, arg);
}

static void undo(void)
{
	sim_record(NULL);
	sim_undo();
	sim_tlb_undo();
}

/* --- the state that it left --- */

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

/* What the guests see now; a process, for to look takes locks. */
static uint64_t digest_now(void)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		results->judged.digest = state_digest();
		_exit(0);
	}
	(void)wait_for(pid);
	return results->judged.digest;
}

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

static void count_order(void)
{
	uint64_t order = reduce_order() | 1;
	unsigned int i = order / 2 % ORDERS_MAX, n;

	for (n = 0; n < 64 && orders[i]; n++, i = (i + 1) % ORDERS_MAX)
		if (orders[i] == order)
			return;
	orders[i] = order;
	results->orders++;
}

static void run_schedule(struct pair *p, const struct sim_schedule *s)
{
	run(s, ALL_CPUS);
	count_order();
	if (!sim_outcome.text[0])
		sim_outcome.digest = end_digest(p);
	undo();
	results->schedules++;
}

/* --- a pair --- */

static bool same_outcome(const struct sim_outcome *a, const struct sim_outcome *b)
{
	return !memcmp(a->result, b->result, sizeof(a->result)) &&
	       a->digest == b->digest;
}

const char *explore_name(const struct pair *p)
{
	static char name[150];
	int n = snprintf(name, sizeof(name), "%s%c%s", p->op[0]->name,
			 p->one_domain ? '+' : ',', p->op[1]->name);

	if (SIM_CPUS > 2)
		snprintf(name + n, sizeof(name) - (size_t)n, ",%s",
			 p->op[SIM_CPUS - 1]->name);
	return name;
}

static void fail(const struct pair *p, const struct sim_schedule *s)
{
	results->failures++;
	printf("  FAILURE  %s,%u,%u,%u", explore_name(p), s->first, s->at[0], s->at[1]);
	if (SIM_CPUS > 2)
		printf(",%u,%u", s->step, s->whole ? 2 : s->back);
	printf(": ");
}

/* It was refused since another one is at the same thing, and did nothing. */
static bool says_busy(const struct op *op, long result)
{
	return result == -EBUSY ||
	       (!strncmp(op->name, "grant-", 6) && result == GNTST_eagain) ||
	       (!strcmp(op->name, "grant-transfer") && result == GNTST_bad_page);
}

/*
 * CPU a's was refused so: the other one did all that it does alone, or was
 * refused as well, with an error that it has in some order.
 */
static bool is_busy_end(const struct pair *p, const struct sim_outcome *o, unsigned int a)
{
	unsigned int b = 1 - a;
	long r = o->result[b];

	if (!says_busy(p->op[a], o->result[a]))
		return false;
	if (r == p->alone[b].result[b])
		return o->digest == p->alone[b].digest;
	return (says_busy(p->op[b], r) || r == p->serial[0].result[b] ||
		r == p->serial[1].result[b]) && o->digest == p->untouched;
}

/*
 * Of a batch one entry was refused so, and one was not: which other state that
 * leaves is not looked at.
 */
static bool is_half_busy(const struct pair *p, const struct sim_outcome *o, unsigned int a)
{
	long r = o->result[a], other = o->result[1 - a];

	return !strcmp(p->op[a]->name, "offer-batch") &&
	       (r == SHARE_OTHER_WRITABLE || r == SHARE_OTHER_MAPPING ||
		r == SHARE_GRANTED) &&
	       (says_busy(p->op[1 - a], other) ||
		other == p->serial[0].result[1 - a] ||
		other == p->serial[1].result[1 - a]);
}

/* Those of `who` end as in `want`, and the state is its. */
static bool ends_as(const struct sim_outcome *o, const struct sim_outcome *want,
		    unsigned int who)
{
	unsigned int i;

	for (i = 0; i < SIM_CPUS; i++)
		if (who >> i & 1 && o->result[i] != want->result[i])
			return false;
	return o->digest == want->digest;
}

/*
 * Of three, those that were refused so did nothing: the others end as in an
 * order of theirs alone.
 */
static bool is_busy_triple(const struct pair *p, const struct sim_outcome *o)
{
	unsigned int i, did = 0;

	for (i = 0; i < SIM_CPUS; i++)
		did |= (unsigned int)!says_busy(p->op[i], o->result[i]) << i;
	if (SIM_CPUS < 3 || did == ALL_CPUS)
		return false;
	if (!did)
		return o->digest == p->untouched;
	for (i = 0; i < SIM_CPUS; i++) {
		if (did == 1u << i && ends_as(o, &p->alone[i], did))
			return true;
		if (did == (ALL_CPUS & ~(1u << i)) &&
		    (ends_as(o, &p->without[i][0], did) ||
		     ends_as(o, &p->without[i][1], did)))
			return true;
	}
	return false;
}

/*
 * Who was ended in its call is told nothing, whatever became of it: the state
 * is that of an order, and so are the results of the others.
 */
static bool is_ended_call(const struct pair *p, const struct sim_outcome *o)
{
	unsigned int i, told = 0, ends = 0;

	for (i = 0; i < SIM_CPUS; i++) {
		told |= (unsigned int)(o->result[i] != -ESRCH) << i;
		ends += op_ends_other(p->op[i]->name);
	}
	for (i = 0; ends && i < ORDERS; i++)
		if (ends_as(o, &p->serial[i], told))
			return true;
	return false;
}

/* An order has the state, and the results but for a late store's. */
static bool is_late_store(const struct pair *p, const struct sim_outcome *o)
{
	unsigned int i, a, b, late = 0;

	for (a = 0; a < SIM_CPUS; a++)
		for (b = 0; b < SIM_CPUS; b++)
			if (op_is_late_store(p->op[a]->name, p->op[b]->name, o->result[a]))
				late |= 1u << a;
	for (i = 0; late && i < ORDERS; i++)
		if (ends_as(o, &p->serial[i], ALL_CPUS & ~late))
			return true;
	return false;
}

static bool is_right(const struct pair *p, const struct sim_outcome *o)
{
	unsigned int i;

	for (i = 0; i < ORDERS; i++)
		if (same_outcome(o, &p->serial[i]))
			return true;
	if (is_ended_call(p, o) || is_busy_triple(p, o) || is_late_store(p, o))
		return true;
	if (SIM_CPUS > 2)
		return false;
	return is_busy_end(p, o, 0) || is_busy_end(p, o, 1) ||
	       is_half_busy(p, o, 0) || is_half_busy(p, o, 1) ||
	       op_end_is_known(p->op[0]->name, p->op[1]->name, p->one_domain,
			       o->result);
}

/* The verdict on a schedule. */
static void judge(struct pair *p, const struct sim_schedule *s)
{
	const struct sim_outcome *o = &sim_outcome, *a = &p->serial[0],
		*b = &p->serial[1];

	if (o->text[0]) {
		fail(p, s);
		printf("%s\n", o->text);
	} else if (!is_right(p, o)) {
		fail(p, s);
		printf("results %ld and %ld (state %lx); in order %ld %ld (%lx) or %ld %ld (%lx)\n",
		       o->result[0], o->result[1], o->digest, a->result[0],
		       a->result[1], a->digest, b->result[0], b->result[1],
		       b->digest);
	}
}

static bool run_from(struct pair *p, const struct sim_schedule *s)
{
	run_schedule(p, s);
	if (sim_outcome.switched[0])
		judge(p, s);
	return sim_outcome.switched[0];
}

/* The second preemption at each point that matters. */
static void explore_second(struct pair *p, struct sim_schedule s)
{
	reduce_from(&s);
	while (results->failures < FAILURES_MAX && (s.at[1] = reduce_next())) {
		(void)run_from(p, &s);
		reduce_learn();
	}
}

/*
 * The first preemption at point n; of three, those that are left go on either
 * way round.  False: its CPU has no point n.
 */
static bool explore_from(struct pair *p, struct sim_schedule s, unsigned int n)
{
	s.at[0] = n;
	if (!run_from(p, &s))
		return false;
	reduce_whole();
	explore_second(p, s);
	s.back = true;
	if (SIM_CPUS > 2 && !s.whole)
		explore_second(p, s);
	return results->failures < FAILURES_MAX;
}

/* What the operation of CPU `cpu` touches, alone and after the other one. */
static void record(struct pair *p, unsigned int cpu)
{
	const struct sim_schedule s = { .first = cpu };
	unsigned int others;

	sim_record(touched);
	run(&s, 1u << cpu);
	p->alone[cpu] = sim_outcome;
	p->alone[cpu].digest = digest_now();
	undo();
	for (others = 1; others <= ALL_CPUS; others++) {
		if (others >> cpu & 1)
			continue;
		run(&s, others);
		sim_record(touched);
		run(&s, 1u << cpu);
		undo();
	}
}

/* Of three, the two others alone: either one first. */
static void record_without(struct pair *p, unsigned int cpu)
{
	unsigned int i;

	for (i = 0; i < 2 && SIM_CPUS > 2; i++) {
		struct sim_schedule s = {
			.first = (cpu + 1 + i) % SIM_CPUS, .step = 1 + i,
		};

		run(&s, ALL_CPUS & ~(1u << cpu));
		p->without[cpu][i] = sim_outcome;
		p->without[cpu][i].digest = digest_now();
		undo();
	}
}

/* The i-th serial order. */
static struct sim_schedule order(unsigned int i)
{
	return (struct sim_schedule){ .first = i % SIM_CPUS, .step = 1 + i / SIM_CPUS };
}

static void start_pair(struct pair *p)
{
	struct sim_schedule s;
	unsigned int i;

	sim_catch_signals();
	prepare(p);
	for (i = 0; i < SIM_CPUS; i++) {
		touched[i] = calloc(1, sim_touched_bytes());
		CHECK(touched[i]);
	}
	p->untouched = digest_now();
	for (i = 0; i < SIM_CPUS; i++) {
		record(p, i);
		record_without(p, i);
	}
	sim_conflicts(touched);
	for (i = 0; i < ORDERS; i++) {
		s = order(i);
		run_schedule(p, &s);
		if (i < SIM_CPUS)
			reduce_alone(i);
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
	struct sim_schedule s;
	unsigned int i, n;

	start_pair(p);
	for (i = 0; i < ORDERS; i++) {
		s = order(i);
		for (n = 1; explore_from(p, s, n); n++)
			;
		if (SIM_CPUS < 3)
			continue;
		run_schedule(p, &s);
		reduce_after_first(s.first);
		s.whole = true;
		for (n = 1; explore_from(p, s, n); n++)
			;
	}
	if (!results->failures)
		check_undone(p);
}

void explore_pair(struct pair *p)
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
	printf("  FAILURE  %s: the simulator ended\n", explore_name(p));
}

void explore_schedule(struct pair *p, char *const word[])
{
	struct sim_schedule s = {
		.first = (unsigned int)atoi(word[0]) % SIM_CPUS,
		.at = { (unsigned int)atoi(word[1]), (unsigned int)atoi(word[2]) },
		.step = SIM_CPUS < 3 ? 1 : 1 + !strcmp(word[3], "2"),
		.back = SIM_CPUS > 2 && atoi(word[4]) == 1,
		.whole = SIM_CPUS > 2 && atoi(word[4]) == 2,
	};

	start_pair(p);
	run_schedule(p, &s);
	judge(p, &s);
	printf("results %ld and %ld, points %lu and %lu\n",
	       sim_outcome.result[0], sim_outcome.result[1],
	       sim_outcome.points[0], sim_outcome.points[1]);
}
