/* SPDX-License-Identifier: MIT */
/*
 * VC2, DD11: four vCPUs initialise, start, stop and register each other from
 * all sides at once, with good arguments and bad ones; then all go down at
 * once, and the last of them ends the domain.
 */
#include <gl/timer.h>

#include "../attack.h"

#define CS		0xe033UL
#define SS		0xe02bUL
#define VCPUS		4
#define STACK_WORDS	1024
#define ROUNDS		4000
/* on a busy host fewer rounds must do: the other vCPUs call meanwhile, too */
#define ROUNDS_MIN	200
#define NS_MAX		30000000000UL

static struct vcpu_guest_context contexts[VCPUS];
static uint64_t stacks[VCPUS][STACK_WORDS];
static struct vcpu_runstate_info areas[VCPUS];
/* calls made, and answers that cannot be */
static uint64_t calls[VCPUS], odd[VCPUS];
static uint64_t info_mfn;
static volatile bool stop;

static long vcpu_op(unsigned int cmd, uint64_t id, const void *arg)
{
	return raw_call(__HYPERVISOR_vcpu_op, cmd, id, (uint64_t)arg, 0, 0);
}

static bool is_one_of(long r, long a, long b)
{
	return r == a || r == b;
}

/* One call of vCPU `me` on `id`, which is never 0: so one of them stays up. */
static bool call_ok(unsigned int what, uint64_t id)
{
	struct vcpu_register_vcpu_info info = { .mfn = info_mfn, .offset = 64 * (uint32_t)id };
	struct vcpu_guest_context *c = &contexts[id];
	uint64_t area = (uint64_t)&areas[id];
	long r;

	switch (what) {
	case 0: case 1:
		return is_one_of(vcpu_op(VCPUOP_initialise, id, c), 0, -XEN_EEXIST);
	case 2:
		return vcpu_op(VCPUOP_initialise, id, (void *)FAR_VA) == -XEN_EFAULT;
	case 3:
		return vcpu_op(VCPUOP_down, id, NULL) == 0;
	case 4:
		r = vcpu_op(VCPUOP_is_up, id, NULL);
		return is_one_of(r, 0, 1);
	case 5:
		return vcpu_op(VCPUOP_register_runstate_memory_area, id, &area) == 0;
	case 6:	/* once, of one that is not up */
		return is_one_of(vcpu_op(VCPUOP_register_vcpu_info, id, &info), 0, -XEN_EINVAL);
	default:
		return is_one_of(vcpu_op(VCPUOP_up, id, NULL), 0, -XEN_EINVAL);
	}
}

static void work(unsigned int me, uint64_t seed)
{
	seed = seed * 6364136223846793005UL + 1442695040888963407UL;
	calls[me]++;
	if (!call_ok(seed >> 60, 1 + (seed >> 40) % (VCPUS - 1)))
		odd[me]++;
}

static void other(uint64_t me)
{
	for (uint64_t n = me; !stop; n += VCPUS)
		work((unsigned int)me, n);
	for (;;)
		(void)vcpu_op(VCPUOP_down, me, NULL);
}

static uint64_t cr3(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static void context_fill(unsigned int id)
{
	struct vcpu_guest_context *c = &contexts[id];

	c->flags = VGCF_in_kernel;
	c->user_regs.rip = (uint64_t)other;
	c->user_regs.rdi = id;
	c->user_regs.rsp = (uint64_t)(stacks[id] + STACK_WORDS) - 8;
	c->user_regs.cs = CS;
	c->user_regs.ss = SS;
	c->kernel_sp = c->user_regs.rsp;
	c->kernel_ss = SS;
	c->ctrlreg[3] = cr3();
}

static bool goes_on(uint64_t rounds, uint64_t start_ns)
{
	return rounds < ROUNDS_MIN ||
	       (rounds < ROUNDS && gl_now_ns() - start_ns < NS_MAX);
}

void gl_main(void)
{
	uint64_t start_ns = gl_now_ns();

	info_mfn = gl_virt_to_mfn(must_alloc());
	for (unsigned int id = 1; id < VCPUS; id++)
		context_fill(id);
	for (uint64_t n = 0; goes_on(n, start_ns); n++) {
		work(0, n * VCPUS);
		if (n % 8 == 0)
			hypercall_sched_op(SCHEDOP_yield, NULL);
	}
	for (unsigned int id = 0; id < VCPUS; id++) {
		gl_test_equal(odd[id], 0);
		gl_test_check(calls[id] > 0);
	}
	if (gl_test_failures)
		gl_test_done();
	gl_printf("%lu calls of the others\n", calls[1] + calls[2] + calls[3]);
	gl_printf("Test result: SUCCESS\n");
	for (unsigned int id = 1; id < VCPUS; id++)
		(void)vcpu_op(VCPUOP_up, id, NULL);
	stop = true;
	for (;;)
		(void)vcpu_op(VCPUOP_down, 0, NULL);
}
