/* SPDX-License-Identifier: MIT */
/*
 * Periodic timers on two CPUs (TICK1, TICK2).  The vCPUs of one guest work a
 * little and sleep long, in turns, at first without, then each with a tick a
 * millisecond, which the vCPU itself or another one asked for.  A vCPU gets no
 * more ticks than it ran milliseconds, wherever it ran, and its sleep is not
 * cut short.  Another guest works all the time, on both CPUs: the ticks of who
 * sleeps take none of that.
 *
 * A simulated CPU that counts instructions stands still while the other one is
 * at work: so of the ticks that are due some are late, and some become one.
 */
#include <gl/event.h>
#include <gl/timer.h>
#include <gl/vcpu.h>

#include "../attack.h"

#define MS		1000000UL
/* since the start of the machine: looks and windows */
#define FIRST_MS	600
#define TICKS_MS	1400	/* from here on there are ticks */
#define SECOND_MS	1600
#define END_MS		2400
#define WORK		30000	/* turns between sleeps: some milliseconds */
#define SLEEP_NS	(100 * MS)
#define VCPUS		16

struct ticker {
	uint64_t events;	/* of its timer, of both kinds */
	/* with ticks: its own time, sleeps, blocks in these, events */
	uint64_t ran_ns, rounds, blocks, seen;
	uint64_t moves;
	unsigned int cpu;	/* where it was last */
};

static struct ticker tickers[VCPUS];
static volatile uint64_t work[2];
static unsigned int ended;	/* atomic */

static void timer_event(evtchn_port_t port, void *data)
{
	struct ticker *t = data;

	t->events++;
}

/* TCG does not hide it: the real CPU's number. */
static unsigned int cpu_number(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b >> 24;
}

static uint64_t ran_ns(void)
{
	struct vcpu_runstate_info r;

	gl_test_equal(hypercall_vcpu_op(VCPUOP_get_runstate_info, gl_vcpu_id(), &r), 0);
	return r.time[RUNSTATE_running];
}

static void work_own(struct ticker *t)
{
	for (volatile unsigned int i = 0; i < WORK; i++)
		;
	if (t->cpu != cpu_number())
		t->moves++;
	t->cpu = cpu_number();
}

/* Its timer alone ends it: a tick comes to who runs. */
static void sleep_own(struct ticker *t)
{
	struct vcpu_set_singleshot_timer at = { .timeout_abs_ns = gl_now_ns() + SLEEP_NS };

	gl_test_equal(hypercall_vcpu_op(VCPUOP_set_singleshot_timer, gl_vcpu_id(), &at), 0);
	gl_events_save();
	while (gl_now_ns() < at.timeout_abs_ns) {
		gl_block();
		t->blocks++;
		gl_events_save();
	}
	gl_events_enable();
}

static void rounds_until(struct ticker *t, uint64_t ms)
{
	while (gl_now_ns() < ms * MS) {
		work_own(t);
		sleep_own(t);
		t->rounds++;
	}
}

/* Every other one is asked for by the vCPU after it. */
static void ticks_ask(unsigned int me)
{
	struct vcpu_set_periodic_timer p = { .period_ns = MS };

	if (!(me & 1))
		return;
	gl_test_equal(hypercall_vcpu_op(VCPUOP_set_periodic_timer, me - 1, &p), 0);
	gl_test_equal(hypercall_vcpu_op(VCPUOP_set_periodic_timer, me, &p), 0);
}

static void tick(void *arg)
{
	struct ticker *t = arg;
	uint64_t ran;

	gl_test_check(gl_event_bind_virq(VIRQ_TIMER, timer_event, t) > 0);
	hypercall_vcpu_op(VCPUOP_stop_periodic_timer, gl_vcpu_id(), NULL);
	t->cpu = cpu_number();
	rounds_until(t, TICKS_MS);
	ticks_ask(gl_vcpu_id());
	rounds_until(t, SECOND_MS);
	t->events = t->rounds = t->blocks = 0;
	ran = ran_ns();
	rounds_until(t, END_MS);
	t->seen = t->events;
	t->ran_ns = ran_ns() - ran;
	__atomic_fetch_add(&ended, 1, __ATOMIC_SEQ_CST);
}

/*
 * Who comes back to its CPU gets the tick that it missed: after each sleep, and
 * after each slice of others in between.
 */
static void judge(const struct ticker *t, unsigned int id)
{
	uint64_t ms = t->ran_ns / MS;

	gl_printf("vCPU %u: %lu events in %lu ms of its own and %lu rounds, %lu blocks, %lu moves\n",
		  id, t->seen, ms, t->rounds, t->blocks, t->moves);
	gl_test_check(t->rounds >= 5);
	gl_test_check(t->blocks <= 4 * t->rounds);
	gl_test_check(t->seen > t->rounds + 1);
	gl_test_check(t->seen <= ms + 4 * t->rounds);
}

static void ticks(void)
{
	uint64_t moves = 0, rounds = 0, seen = 0;

	for (unsigned int id = 1; id < VCPUS; id++)
		gl_test_equal(gl_vcpu_start(id, tick, &tickers[id]), 0);
	tick(&tickers[0]);
	while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) < VCPUS)
		gl_yield();
	for (unsigned int id = 0; id < VCPUS; id++) {
		judge(&tickers[id], id);
		moves += tickers[id].moves;
		rounds += tickers[id].rounds;
		seen += tickers[id].seen;
	}
	gl_test_check(moves > VCPUS);
	gl_test_check(seen > 2 * rounds);
	gl_test_done();
}

/* --- the other guest --- */

static void work_on(void *arg)
{
	for (;;)
		work[1]++;
}

static uint64_t work_between(uint64_t from_ms, uint64_t until_ms)
{
	uint64_t before;

	while (gl_now_ns() < from_ms * MS)
		;
	before = work[0] + work[1];
	while (gl_now_ns() < until_ms * MS)
		for (unsigned int i = 0; i < 1000; i++)
			work[0]++;
	return work[0] + work[1] - before;
}

static void works(void)
{
	uint64_t without, with;

	gl_test_equal(gl_vcpu_start(1, work_on, NULL), 0);
	without = work_between(FIRST_MS, TICKS_MS);
	with = work_between(SECOND_MS, END_MS);
	gl_printf("work: %lu without ticks, %lu with, %lu permille\n", without, with,
		  with * 1000 / without);
	gl_test_check(with * 1000 >= without * 900);
	gl_test_done();
}

void gl_main(void)
{
	if (role_is("ticks"))
		ticks();
	works();
}
