/* SPDX-License-Identifier: MIT */
/*
 * How much of the machine this guest gets, by its own runstates, in the window
 * from=MS until=MS of system time, which is the same for all guests.  What it
 * does meanwhile:
 *   (nothing)    all its vCPUs spin; want=PERMILLE of one CPU, slack=PERMILLE:
 *                fail if it got more or less
 *   sleep=US     it sleeps so long at a time; at the end, how late it woke up
 *   period=US    the same, and nothing is said
 * Lines for benches: "BENCH share PERMILLE", "BENCH late_NN NS" (the NNth
 * percentile).
 */
#include <gl/event.h>
#include <gl/timer.h>

#include "../attack.h"

#define CS		0xe033UL
#define SS		0xe02bUL
#define VCPUS		8
#define STACK_WORDS	128
#define SAMPLES		4000
#define MS		1000000UL

static struct vcpu_guest_context context;
static uint64_t stacks[VCPUS][STACK_WORDS];
static uint64_t late[SAMPLES];

static long vcpu_op(unsigned int cmd, uint64_t id, const void *arg)
{
	return raw_call(__HYPERVISOR_vcpu_op, cmd, id, (uint64_t)arg, 0, 0);
}

static void spin(void)
{
	for (;;)
		;
}

static uint64_t cr3(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static void start_others(uint64_t vcpus)
{
	for (uint64_t id = 1; id < vcpus; id++) {
		context.flags = VGCF_in_kernel;
		context.user_regs.rip = (uint64_t)spin;
		context.user_regs.rsp = (uint64_t)(stacks[id] + STACK_WORDS) - 8;
		context.user_regs.cs = CS;
		context.user_regs.ss = SS;
		context.kernel_sp = context.user_regs.rsp;
		context.kernel_ss = SS;
		context.ctrlreg[3] = cr3();
		gl_test_equal(vcpu_op(VCPUOP_initialise, id, &context), 0);
		gl_test_equal(vcpu_op(VCPUOP_up, id, NULL), 0);
	}
}

static uint64_t running_ns(uint64_t vcpus)
{
	struct vcpu_runstate_info r;
	uint64_t ns = 0;

	for (uint64_t id = 0; id < vcpus; id++) {
		gl_test_equal(vcpu_op(VCPUOP_get_runstate_info, id, &r), 0);
		ns += r.time[RUNSTATE_running];
	}
	return ns;
}

static void spin_until(uint64_t ns)
{
	while (gl_now_ns() < ns)
		;
}

static void share(uint64_t from, uint64_t until)
{
	uint64_t vcpus = gl_cmdline_u64("vcpus", 1), ran, began, permille;
	uint64_t want = gl_cmdline_u64("want", 0), slack = gl_cmdline_u64("slack", 0);

	start_others(vcpus);
	spin_until(from);
	began = gl_now_ns();
	ran = running_ns(vcpus);
	spin_until(until);
	ran = running_ns(vcpus) - ran;
	permille = ran * 1000 / (gl_now_ns() - began);
	gl_printf("BENCH share %lu\n", permille);
	if (want && (permille + slack < want || permille > want + slack))
		gl_test_fail("%lu permille of a CPU, wanted %lu", permille, want);
}

static void sort(uint64_t *v, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++) {
		uint64_t x = v[i];
		unsigned int j = i;

		for (; j && v[j - 1] > x; j--)
			v[j] = v[j - 1];
		v[j] = x;
	}
}

/*
 * Other guests' interrupts, too, lie between the deadline and the first look at
 * the clock.
 */
static void sleep_on(uint64_t from, uint64_t until, uint64_t ns)
{
	unsigned int n = 0;

	while (gl_now_ns() < until && n < SAMPLES) {
		uint64_t due = gl_now_ns() + ns;

		gl_sleep_ns(ns);
		if (due > from)
			late[n++] = gl_now_ns() - due;
	}
	if (!gl_cmdline_u64("sleep", 0))
		return;
	gl_test_check(n > 100);
	sort(late, n);
	gl_printf("BENCH late_samples %u\n", n);
	gl_printf("BENCH late_50 %lu\n", late[n / 2]);
	gl_printf("BENCH late_99 %lu\n", late[n * 99 / 100]);
	gl_printf("BENCH late_100 %lu\n", late[n - 1]);
}

void gl_main(void)
{
	uint64_t from = gl_cmdline_u64("from", 500) * MS;
	uint64_t until = gl_cmdline_u64("until", 2500) * MS;
	uint64_t us = gl_cmdline_u64("sleep", gl_cmdline_u64("period", 0));

	gl_test_check(gl_now_ns() < from);
	if (us)
		sleep_on(from, until, us * 1000);
	else
		share(from, until);
	gl_test_done();
}
