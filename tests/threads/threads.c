/* SPDX-License-Identifier: MIT */
/*
 * The simulator's machine, with real threads as its CPUs, under gcc's
 * ThreadSanitizer: it tells of two accesses to one word, one of them a write,
 * that nothing orders, also where no schedule of the simulator's went wrong.
 *
 *   threads SECONDS [SEED]      rounds for that long
 *   threads round SEED [TIMES]  one of them, in as many processes
 *
 * A round is a process: the prepared machine (tests/sim/state.h), then each CPU
 * does a few operations of tests/sim/ops*.c, drawn by the seed, while the other
 * one does its own; then the counts, the audit and the locks are judged.
 *
 * TH1  A CPU answers requests to flush where the real one does: in its wait
 *      loops, on its way to the guest, and in its guest, which is here between
 *      two operations and after the last one.
 * TH2  What READ_ONCE() and WRITE_ONCE() touch is an access of one word that
 *      orders nothing; only atomics and locks do.
 * TH3  A guest's access goes by its tables as they are, in one step: no flush
 *      is answered between the walk and the access.
 */
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/ops.h"
#include "sim/sim.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

#define STEPS_MAX	6u	/* operations of a CPU in a round */
#define ROUND_SECONDS	120u	/* more, and it never ends, too */
#define RACE_STATUS	66	/* ThreadSanitizer's */

SIM_PER_THREAD unsigned int sim_cpu;

static struct percpu areas[SIM_CPUS];
static unsigned int left;	/* CPUs that are not done, nor asleep */
/* CPUs with operations to do; atomic */
static unsigned int at_work;
static bool running;		/* there are threads */
static uint64_t ipi[SIM_CPUS];	/* atomic: one of the scheduler's waits */

/* An operation with its arguments, all made before the first one runs. */
struct step {
	const struct op *op;
	struct hypercall_args args;
	uint8_t pages[2][PAGE_SIZE];
};

static struct turn {
	struct side *side;
	unsigned int count;
	uint64_t draws;
	void *args[2];		/* the guest's pages for arguments */
	struct step step[STEPS_MAX];
} turns[SIM_CPUS];

/* --- what the machine asks of its CPUs (tests/sim/sim.h) --- */

struct percpu *this_cpu(void)
{
	struct percpu *cpu = &areas[sim_cpu];

	if (!cpu->self) {
		cpu->self = cpu;
		cpu->id = sim_cpu;
		cpu->online = 1;
	}
	return cpu;
}

static void describe(FILE *to)
{
	unsigned int cpu, i;

	for (cpu = 0; cpu < SIM_CPUS; cpu++) {
		fprintf(to, "%s", cpu ? " | " : "");
		for (i = 0; i < turns[cpu].count; i++)
			fprintf(to, " %s", turns[cpu].step[i].op->name);
	}
	fprintf(to, "%s\n", turns[0].side && turns[0].side->d == turns[1].side->d ?
		" (one domain)" : "");
}

void sim_fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "FAILURE: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nthe CPUs did:");
	describe(stderr);
	__sanitizer_print_stack_trace();
	_exit(1);
}

/* --- interrupts --- */

/*
 * Before and after the threads, in place of a CPU that is in its guest, and
 * then with no lock held.
 */
static void interrupt(unsigned int cpu)
{
	unsigned int me = sim_cpu;

	if (__atomic_load_n(&left, __ATOMIC_SEQ_CST))
		return;		/* TH1: it looks by itself */
	sim_cpu = cpu;
	tlb_answer();
	sim_cpu = me;
}

void lapic_send_ipi(unsigned int cpu, enum vector vector)
{
	if (vector == VEC_TLB)
		interrupt(cpu);
	else if (vector == VEC_RESCHED)
		__atomic_store_n(&ipi[cpu], 1, __ATOMIC_SEQ_CST);
}

bool sim_interrupt_waits(void)
{
	return __atomic_load_n(&ipi[sim_cpu], __ATOMIC_SEQ_CST);
}

bool sim_interrupted(void)
{
	return __atomic_exchange_n(&ipi[sim_cpu], 0, __ATOMIC_SEQ_CST);
}

/*
 * Who takes an interrupt counts as one of those left before, so while none is
 * left and none waits, nobody can send one.
 */
static bool is_over(void)
{
	unsigned int cpu, waiting = 0;

	if (__atomic_load_n(&left, __ATOMIC_SEQ_CST))
		return false;
	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		waiting += __atomic_load_n(&ipi[cpu], __ATOMIC_SEQ_CST) != 0;
	return !waiting && !__atomic_load_n(&left, __ATOMIC_SEQ_CST);
}

bool sim_idle(void)
{
	bool woken = false;

	if (!running)
		return false;
	__atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST);
	while (!woken && !is_over()) {
		tlb_answer();
		sched_yield();
		woken = sim_interrupt_waits();
	}
	__atomic_add_fetch(&left, 1, __ATOMIC_SEQ_CST);
	return woken && sim_interrupted();
}

/* Before and after the threads, who waits lets the others pass. */
void sim_wait(void)
{
	unsigned int me = sim_cpu;

	if (running) {
		sched_yield();
		return;
	}
	for (sim_cpu = 0; sim_cpu < SIM_CPUS; sim_cpu++)
		if (sim_cpu != me && sim_interrupted())
			state_exit();
	sim_cpu = me;
}

/* It passes by itself. */
bool sim_time_passes(uint64_t ns)
{
	return false;
}

void sim_access(const void *at, size_t bytes, bool write) { }
void sim_tlb_flush_page(unsigned int cpu, uint64_t va) { }
void sim_tlb_walked(unsigned int cpu, mfn_t mfn) { }

/* TH3 */
uint64_t *sim_tlb_access(unsigned int cpu, uint64_t va, bool write)
{
	struct vcpu *v = areas[cpu].current;
	unsigned int level;
	mfn_t at;
	pte_t e;

	if (!v)
		return NULL;
	at = v->kernel_l4;
	for (level = 4; level; level--) {
		e = READ_ONCE(((const pte_t *)mfn_to_virt(at))
			      [va >> (PAGE_SHIFT + 9 * (level - 1)) & (PT_SLOTS - 1)]);
		if (!(e & PTE_P) || (write && !(e & PTE_RW)))
			return NULL;
		at = pte_mfn(e);
	}
	return (void *)((uint8_t *)mfn_to_virt(at) + (va & ~PAGE_MASK));
}

/* A fake's generator is one CPU's. */
uint64_t random_u64(void)
{
	return random_next(&turns[sim_cpu].draws);
}

uint64_t now_ns(void)
{
	struct timespec t;

	CHECK(!clock_gettime(CLOCK_MONOTONIC, &t));
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void __asan_poison_memory_region(const void *at, size_t n) { }

/* --- ThreadSanitizer's questions --- */

/*
 * Calls of guests' that write a page which guests can write at the same time:
 * the bytes are theirs, and so is the race.
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "race:^bytes_move$\n"	/* grant copy */
	       "race:^page_write$\n"	/* a result to a machine address */
	       "race:^info_move$\n";	/* a new place of a vcpu_info */
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "halt_on_error=1:history_size=4";
}

/* --- TH2: what gcc calls at a volatile access --- */

uint8_t __tsan_atomic8_load(const volatile void *at, int order);
uint16_t __tsan_atomic16_load(const volatile void *at, int order);
uint32_t __tsan_atomic32_load(const volatile void *at, int order);
uint64_t __tsan_atomic64_load(const volatile void *at, int order);
uint8_t __tsan_atomic8_fetch_or(volatile void *at, uint8_t v, int order);
uint16_t __tsan_atomic16_fetch_or(volatile void *at, uint16_t v, int order);
uint32_t __tsan_atomic32_fetch_or(volatile void *at, uint32_t v, int order);
uint64_t __tsan_atomic64_fetch_or(volatile void *at, uint64_t v, int order);

#define VOLATILE(bytes, bits) \
	void __tsan_volatile_read##bytes(void *at); \
	void __tsan_volatile_read##bytes(void *at) \
	{ \
		(void)__tsan_atomic##bits##_load(at, __ATOMIC_RELAXED); \
	} \
	void __tsan_volatile_write##bytes(void *at); \
	void __tsan_volatile_write##bytes(void *at) \
	{ \
		(void)__tsan_atomic##bits##_fetch_or(at, 0, __ATOMIC_RELAXED); \
	}
VOLATILE(1, 8)
VOLATILE(2, 16)
VOLATILE(4, 32)
VOLATILE(8, 64)

/* --- a round --- */

static uint64_t draw(uint64_t *seed, uint64_t limit)
{
	return random_next(seed) % limit;
}

static bool is_end(const struct op *op)
{
	return op->finish && strcmp(op->name, "domain-create");
}

static bool is_allowed(const struct op *op, bool one_domain, bool first)
{
	if (op->where == OP_FIRST)
		return one_domain || first;
	return op->where != (one_domain ? OP_TWO_DOMAINS : OP_ONE_DOMAIN);
}

/* `prepare` writes into the guest's pages of arguments: they are kept. */
static void prepare(struct turn *t, struct step *step)
{
	unsigned int i;

	step->op->prepare(t->side);
	step->args = t->side->args;
	for (i = 0; i < 2; i++)
		memcpy(step->pages[i], t->args[i], PAGE_SIZE);
}

/* Who shuts itself down has all stay that end so: a matter of its own. */
static bool is_shut(const struct turn *t)
{
	return t->count && t->step[0].op->run == op_run_shut;
}

static bool is_too_much(const struct op *op, const struct turn *t)
{
	const struct turn *other = &turns[1 - t->side->cpu];

	return is_end(op) && (t->count || is_shut(other) ||
			      (op->run == op_run_shut && other->count &&
			       is_end(other->step[0].op)));
}

/* An end is all that its CPU does: it begins before the first operation. */
static void draw_turn(struct turn *t, uint64_t *seed, bool one_domain, bool first)
{
	unsigned int want = 1 + (unsigned int)draw(seed, STEPS_MAX);
	const struct op *op;

	while (t->count < want) {
		op = op_at(draw(seed, op_count()));
		if (!is_allowed(op, one_domain, first) || is_too_much(op, t))
			continue;
		t->step[t->count++].op = op;
		if (is_end(op))
			break;
	}
}

static void prepare_all(void)
{
	unsigned int cpu, i;

	for (i = 0; i < STEPS_MAX; i++)
		for (cpu = 0; cpu < SIM_CPUS; cpu++)
			if (i < turns[cpu].count)
				prepare(&turns[cpu], &turns[cpu].step[i]);
}

static void run_step(struct turn *t, struct step *step)
{
	unsigned int i;

	for (i = 0; i < 2; i++)
		memcpy(t->args[i], step->pages[i], PAGE_SIZE);
	t->side->args = step->args;
	(void)step->op->run(t->side);
	state_exit();
}

/* It is asked for after its operations. */
static void come_back(void)
{
	if (!sim_interrupt_waits())
		return;
	__atomic_add_fetch(&left, 1, __ATOMIC_SEQ_CST);
	if (sim_interrupted())
		state_exit();
	__atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST);
}

static void *run_cpu(void *arg)
{
	struct turn *t = arg;
	unsigned int i;

	sim_cpu = t->side->cpu;
	/* An end's CPU has no guest from the start. */
	for (i = 0; i < t->count && (!i || this_cpu()->current); i++)
		run_step(t, &t->step[i]);
	__atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST);
	__atomic_sub_fetch(&at_work, 1, __ATOMIC_SEQ_CST);
	/* Another one may idle in the midst of its operations. */
	while (__atomic_load_n(&at_work, __ATOMIC_SEQ_CST) || !is_over()) {
		tlb_answer();
		come_back();
		sched_yield();
	}
	return NULL;
}

static void run_cpus(void)
{
	pthread_t thread[SIM_CPUS];
	unsigned int cpu;

	left = at_work = SIM_CPUS;
	running = true;
	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		CHECK(!pthread_create(&thread[cpu], NULL, run_cpu, &turns[cpu]));
	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		CHECK(!pthread_join(thread[cpu], NULL));
	running = false;
}

static void finish(struct turn *t)
{
	unsigned int i;

	for (i = 0; i < t->count; i++)
		if (t->step[i].op->finish)
			t->step[i].op->finish(t->side);
}

static void round_of(uint64_t seed)
{
	bool one_domain = draw(&seed, 2);
	unsigned int first = (unsigned int)draw(&seed, SIM_CPUS), cpu, i;

	if (one_domain)
		state_one_domain();
	for (cpu = 0; cpu < SIM_CPUS; cpu++) {
		turns[cpu].side = &sides[cpu];
		turns[cpu].draws = seed + cpu;
		for (i = 0; i < 2; i++)
			turns[cpu].args[i] = fake_page(sides[cpu].d, page +
						       sides[cpu].args_page + i);
		draw_turn(&turns[cpu], &seed, one_domain, cpu == first);
	}
	alarm(ROUND_SECONDS);
	prepare_all();
	run_cpus();
	for (cpu = 0; cpu < SIM_CPUS; cpu++)
		finish(&turns[cpu]);
	state_check();
}

/* --- rounds --- */

/* How it ended: 0, or something is wrong, and it said what. */
static bool round_is_good(uint64_t seed)
{
	pid_t child = fork();
	int status;

	CHECK(child >= 0);
	if (!child) {
		round_of(seed);
		exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child);
	if (!status)
		return true;
	printf("FAILURE: round %lu: %s\n", seed,
	       WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM ? "it never ends" :
	       WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) :
	       WEXITSTATUS(status) == RACE_STATUS ? "a data race" : "a wrong state");
	return false;
}

static int rounds(unsigned int seconds, uint64_t seed)
{
	time_t end = time(NULL) + seconds;
	unsigned long count = 0, bad = 0;

	do {
		count++;
		bad += !round_is_good(seed + count);
	} while (time(NULL) < end && bad < 10);
	printf("%lu rounds, %lu bad\n", count, bad);
	return bad != 0;
}

/* What a seed drew; how its threads meet is the host's. */
static int again(uint64_t seed, unsigned long times)
{
	unsigned long i, bad = 0;

	for (i = 0; i < times; i++)
		bad += !round_is_good(seed);
	printf("%lu times, %lu bad\n", times, bad);
	return bad != 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2) {
		fprintf(stderr, "threads: SECONDS [SEED], or round SEED [TIMES]\n");
		return 2;
	}
	state_prepare();
	if (!strcmp(argv[1], "round") && argc > 2)
		return again(strtoul(argv[2], NULL, 0),
			     argc > 3 ? strtoul(argv[3], NULL, 0) : 1);
	return rounds((unsigned int)atoi(argv[1]),
		      argc > 2 ? strtoul(argv[2], NULL, 0) : (uint64_t)time(NULL));
}
