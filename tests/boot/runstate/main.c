/* SPDX-License-Identifier: MIT */
/*
 * What Linux's spinlocks and steal time rest on: on one CPU, while one vCPU
 * looks, the other one's area says that it does not run, but could (runnable),
 * and for how long that was so.
 */
#include <gl/timer.h>

#include "../attack.h"

#define CS		0xe033UL
#define SS		0xe02bUL
#define STACK_WORDS	512
#define MS		1000000UL
#define LOOK_NS		(400 * MS)

static struct vcpu_guest_context context;
static uint64_t stack[STACK_WORDS];
static volatile struct vcpu_runstate_info area;
static volatile uint64_t ticks;
static uint64_t seen[4];

static long vcpu_op(unsigned int cmd, uint64_t id, const void *arg)
{
	return raw_call(__HYPERVISOR_vcpu_op, cmd, id, (uint64_t)arg, 0, 0);
}

static void second(void)
{
	for (;;)
		ticks++;
}

static void start_second(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	context.flags = VGCF_in_kernel;
	context.user_regs.rip = (uint64_t)second;
	context.user_regs.rsp = (uint64_t)(stack + STACK_WORDS) - 8;
	context.user_regs.cs = CS;
	context.user_regs.ss = SS;
	context.kernel_sp = context.user_regs.rsp;
	context.kernel_ss = SS;
	context.ctrlreg[3] = value;
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &context), 0);
	gl_test_equal(vcpu_op(VCPUOP_up, 1, NULL), 0);
}

void gl_main(void)
{
	uint64_t va = (uint64_t)&area, start, stolen;

	gl_test_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 1, &va), 0);
	gl_test_equal(area.state, RUNSTATE_offline);
	start_second();
	/* It has run once: whoever yields sees the other one run. */
	while (!ticks)
		hypercall_sched_op(SCHEDOP_yield, NULL);
	start = gl_now_ns();
	stolen = area.time[RUNSTATE_runnable];
	while (gl_now_ns() < start + LOOK_NS)
		seen[area.state & 3]++;
	stolen = area.time[RUNSTATE_runnable] - stolen;
	gl_printf("running %lu, runnable %lu, blocked %lu, offline %lu; %lu ms stolen\n",
		  seen[0], seen[1], seen[2], seen[3], stolen / MS);
	gl_test_equal(seen[RUNSTATE_running], 0);
	gl_test_equal(seen[RUNSTATE_blocked] + seen[RUNSTATE_offline], 0);
	gl_test_check(seen[RUNSTATE_runnable] > 0);
	gl_test_check(stolen > LOOK_NS / 4 && stolen < LOOK_NS);
	gl_test_done();
}
