/* SPDX-License-Identifier: MIT */
/* CPUs as coroutines; see sim.h. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "dom/stop.h"
#include "sim/sim.h"
#include "x86/cpu.h"
#include "x86/tlb.h"

#define STACK_BYTES	(256u << 10)
#define TIME_NS		1000000000u
#define STOP_NS		1000000u	/* longer than any stop is to be */
#define SECONDS_MAX	20u	/* and never ends, too */
#define WAITS_MAX	100000u	/* of one schedule: more, and it never ends */

struct cpu {
	struct percpu area;
	ucontext_t context;
	uint8_t *stack;
	sim_fn fn;
	void *arg;
	bool todo;		/* it has not come to its operation's end */
	bool in_hypervisor;	/* not before its turn, nor after that end */
	bool interrupted;	/* before its turn */
	bool idle;		/* it waits for an interrupt */
	bool stopped;		/* it waits for the end of a stop */
	unsigned int points;
};

struct sim_outcome sim_outcome;
bool sim_active;
unsigned int sim_cpu aligned_to(64); /* of no operation: it is not undone */

static struct cpu cpus[SIM_CPUS];
static ucontext_t explorer;
static struct sim_schedule schedule;
static unsigned int switches, waits;
static uint64_t time_ns = TIME_NS;
static bool all_run;		/* nobody's operation comes later */
/* an interrupt of an idle CPU runs on another one's stack: that one's */
static bool borrowed;
static unsigned int stack_of;
/* one of the scheduler's waits for the CPU: atomic there, and an access here */
static uint64_t ipi[SIM_CPUS];

struct percpu *this_cpu(void)
{
	struct cpu *c = &cpus[sim_cpu];

	if (!c->area.self) {
		c->area.self = &c->area;
		c->area.id = sim_cpu;
		c->area.online = 1;
	}
	return &c->area;
}

void sim_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(sim_outcome.text, sizeof(sim_outcome.text), fmt, ap);
	va_end(ap);
	if (!sim_active) {
		sim_say(sim_outcome.text);
		_exit(1);
	}
	sim_active = false;
	setcontext(&explorer);
	abort();
}

/* A crash of the code under test, or a loop that does not even wait. */
static void on_signal(int number)
{
	sim_fail("signal %d", number);
}

void sim_catch_signals(void)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE,
				       SIGABRT, SIGALRM };
	struct sigaction a = { .sa_handler = on_signal,
			       .sa_flags = SA_ONSTACK | SA_NODEFER };
	stack_t stack = { .ss_sp = malloc(STACK_BYTES),
			  .ss_size = STACK_BYTES };
	unsigned int i;

	CHECK(stack.ss_sp && !sigaltstack(&stack, NULL));
	for (i = 0; i < ARRAY_COUNT(numbers); i++)
		CHECK(!sigaction(numbers[i], &a, NULL));
}

static void go_on(unsigned int cpu)
{
	unsigned int me = sim_cpu, mine = stack_of;
	bool lent = borrowed;

	sim_cpu = stack_of = cpu;
	borrowed = false;
	swapcontext(&cpus[mine].context, &cpus[cpu].context);
	sim_cpu = me;
	stack_of = mine;
	borrowed = lent;
}

bool sim_todo(unsigned int cpu)
{
	return cpus[cpu].todo;
}

/*
 * Back: the third one, which was started last, has ended; those that were left
 * before go on in the other order, the one that was left last first.
 */
static bool turns_back(unsigned int step)
{
	return schedule.back && switches == SIM_SWITCHES &&
	       !cpus[(schedule.first + 2 * step) % SIM_CPUS].todo;
}

/*
 * Who goes on instead: the next one that does not wait, else the next one;
 * SIM_CPUS: nobody is left.
 */
static unsigned int next_cpu(void)
{
	unsigned int step = schedule.step ? schedule.step : 1, i, c,
		waits = SIM_CPUS;

	if (turns_back(step))
		step = SIM_CPUS - step;
	for (i = 1; i < SIM_CPUS; i++) {
		c = (sim_cpu + i * step) % SIM_CPUS;
		if (!cpus[c].todo || (borrowed && c == stack_of))
			continue;
		if (!sim_waits(c))
			return c;
		waits = waits == SIM_CPUS ? c : waits;
	}
	return waits;
}

static void let_next_go_on(void)
{
	unsigned int cpu = next_cpu();

	if (cpu < SIM_CPUS)
		go_on(cpu);
}

/* Of the log (reduce.c), and the point's number; 0: it is none. */
static unsigned int point_number(unsigned int conflict, enum sim_access how, bool is_point)
{
	struct cpu *c = &cpus[sim_cpu];
	unsigned int n = 0;

	if (is_point && !borrowed && !sim_other_waits())
		n = ++c->points;
	reduce_step((struct sim_step){
		.conflict = conflict, .point = n, .cpu = (uint8_t)sim_cpu,
		.how = how,
	});
	return n;
}

/*
 * The first CPU is left at the first preemption.  At the second one the next is
 * left, or the first again where that waits for it; of three, the last runs
 * whole, or the first did.
 */
static bool is_left_at(unsigned int n)
{
	const struct sim_schedule *s = &schedule;
	unsigned int first = (s->first + s->whole * s->step) % SIM_CPUS;

	if (!n || switches == SIM_SWITCHES || n != s->at[switches])
		return false;
	if (!switches)
		return sim_cpu == first;
	return SIM_CPUS < 3 || s->whole || sim_cpu != (first + 2 * s->step) % SIM_CPUS;
}

void sim_point(unsigned int conflict, enum sim_access how, bool is_point)
{
	if (!is_left_at(point_number(conflict, how, is_point)))
		return;
	/* Who was preempted goes on counting where it stands. */
	reduce_switched(switches);
	sim_outcome.switched[switches++] = true;
	let_next_go_on();
	reduce_resumes();
}

/* On the running CPU's stack, while the other one is in its guest. */
static void answer_for(unsigned int cpu)
{
	unsigned int me = sim_cpu;

	borrowed = true;
	sim_cpu = cpu;
	cpus[cpu].interrupted |= !cpus[cpu].in_hypervisor;
	tlb_answer();
	sim_cpu = me;
	borrowed = false;
}

/* Before and after a schedule nobody else runs: who waits lets them. */
static void interrupt_all(void)
{
	unsigned int me = sim_cpu, i, n = 0;

	for (i = 0; i < SIM_CPUS; i++) {
		sim_cpu = i;
		if (i != me && sim_interrupted()) {
			sim_exit();
			n++;
		}
	}
	sim_cpu = me;
	if (!n)
		sim_fail("a wait with one CPU");
}

void sim_wait(void)
{
	if (!sim_active) {
		interrupt_all();
		return;
	}
	if (++waits > WAITS_MAX)
		sim_fail("never ends: each CPU waits");
	let_next_go_on();
}

/* Time stands: what is due is so from the start.  (Threads have a clock.) */
uint64_t now_ns(void)
{
	static uint64_t looks;

	return time_ns + (sim_stopped ? ++looks % 2 * STOP_NS : 0);
}

bool sim_time_passes(uint64_t ns)
{
	if (!sim_active || !all_run || time_ns != TIME_NS || ns == ~(uint64_t)0)
		return false;
	time_ns = ns;
	return true;
}

/* --- interrupts: on in a guest or idle, else off (SIM2) --- */

/*
 * One of the scheduler's is a step of the CPU that gets it, in its own time: a
 * CPU that had come to its operation's end goes on for it.
 */
static void interrupt_soon(unsigned int cpu)
{
	sim_access(&ipi[cpu], sizeof(ipi[cpu]), true);
	ipi[cpu] = 1;
	cpus[cpu].todo |= sim_active;
}

void lapic_send_ipi(unsigned int cpu, enum vector vector)
{
	if (vector == VEC_RESCHED)
		interrupt_soon(cpu);
	else if (vector == VEC_TLB && (!cpus[cpu].in_hypervisor || cpus[cpu].idle))
		answer_for(cpu);
}

bool sim_interrupt_waits(void)
{
	sim_access(&ipi[sim_cpu], sizeof(ipi[0]), false);
	return ipi[sim_cpu];
}

bool sim_interrupted(void)
{
	if (!sim_interrupt_waits())
		return false;
	sim_access(&ipi[sim_cpu], sizeof(ipi[0]), true);
	ipi[sim_cpu] = 0;
	return true;
}

/* Nobody is left who could send one. */
static bool sleeps_for_ever(void)
{
	unsigned int i;

	for (i = 0; i < SIM_CPUS; i++)
		if (i != sim_cpu && cpus[i].todo && (!cpus[i].idle || ipi[i]))
			return false;
	return true;
}

bool sim_idle(void)
{
	struct cpu *c = &cpus[sim_cpu];
	bool woken;

	if (!sim_active)
		return false;
	c->idle = true;
	tlb_answer();
	while (!(woken = sim_interrupted()) && !sleeps_for_ever())
		port_spin();
	c->idle = false;
	return woken;
}

/* --- a CPU that stops all others (dom/stop.h has who does) --- */

void __wrap_stop_machine_begin(void);
void __wrap_stop_machine_end(void);
void __wrap_stop_wait(void);

/* Nobody is between his way in and a place where he would wait. */
static bool others_are_out(void)
{
	unsigned int i;

	for (i = 0; i < SIM_CPUS; i++)
		if (i != sim_cpu && cpus[i].in_hypervisor && !cpus[i].idle && !cpus[i].stopped)
			return false;
	return true;
}

static bool is_stopped(void)
{
	sim_access(&stop_now, sizeof(stop_now), false);
	return stop_now;
}

static void stop_set(uint64_t to)
{
	sim_access(&stop_now, sizeof(stop_now), true);
	stop_now = to;
}

void __wrap_stop_wait(void)
{
	struct cpu *c = &cpus[sim_cpu];

	c->stopped = true;
	while (is_stopped())
		port_spin();
	c->stopped = false;
}

void __wrap_stop_machine_begin(void)
{
	while (is_stopped())
		__wrap_stop_wait();
	stop_set(1);
	while (sim_active && !others_are_out())
		port_spin();
	reduce_stops();
	sim_stopped = true;
}

void __wrap_stop_machine_end(void)
{
	sim_stopped = false;
	stop_set(0);
}

/* Its operation is over, until an interrupt comes: then it comes back. */
static void rest(struct cpu *c)
{
	c->in_hypervisor = c->todo = false;
	sim_outcome.points[sim_cpu] = c->points;
	if (next_cpu() == SIM_CPUS)
		setcontext(&explorer);
	go_on(next_cpu());
	c->in_hypervisor = true;
}

static void enter(void)
{
	struct cpu *c = &cpus[sim_cpu];

	c->in_hypervisor = true;
	/* It came here before, and goes back to its guest first. */
	if (c->interrupted || sim_interrupted())
		sim_exit();
	if (c->fn)
		sim_outcome.result[sim_cpu] = c->fn(c->arg);
	for (;;) {
		tlb_answer();
		/* Who asked meanwhile found the CPU in the hypervisor. */
		if (sim_interrupted())
			sim_exit();
		else
			rest(c);
	}
}

static void prepare(struct cpu *c)
{
	if (!c->stack)
		c->stack = malloc(STACK_BYTES);
	CHECK(c->stack);
	getcontext(&c->context);
	c->context.uc_stack.ss_sp = c->stack;
	c->context.uc_stack.ss_size = STACK_BYTES;
	c->context.uc_link = NULL;
	makecontext(&c->context, enter, 0);
	c->points = 0;
	c->in_hypervisor = c->interrupted = c->idle = c->stopped = false;
	c->todo = c->fn;
}

void sim_run(const struct sim_schedule *s, const sim_fn fn[SIM_CPUS],
	     void *const arg[SIM_CPUS])
{
	unsigned int i;

	schedule = *s;
	switches = waits = 0;
	time_ns = TIME_NS;
	all_run = true;
	borrowed = false;
	memset(ipi, 0, sizeof(ipi));
	reduce_restart();
	memset(&sim_outcome, 0, sizeof(sim_outcome));
	for (i = 0; i < SIM_CPUS; i++) {
		cpus[i].fn = fn[i];
		cpus[i].arg = arg[i];
		all_run &= !!fn[i];
		prepare(&cpus[i]);
	}
	sim_cpu = s->first;
	if (!fn[sim_cpu])
		sim_cpu = next_cpu();
	stack_of = sim_cpu;
	sim_active = true;
	alarm(SECONDS_MAX);
	swapcontext(&explorer, &cpus[sim_cpu].context);
	alarm(0);
	sim_active = false;
	sim_cpu = 0;
	for (i = 0; i < SIM_CPUS; i++)
		cpus[i].in_hypervisor = false;
}
