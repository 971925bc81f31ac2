/* SPDX-License-Identifier: MIT */
/*
 * As the first domain: other domains are made, given memory, ports and a vCPU,
 * run until they crash, stay, and are destroyed; and destroyed after each step
 * before that.  In the end as much memory is free as there was.
 *
 *   births=N     so many whole lives (0: the mistakes alone)
 *   quit_ms=T    nothing of this: wait that long, and power off
 */
#include <gl/event.h>
#include <gl/timer.h>

#include "../attack.h"

#include <xen/domctl.h>
#include <xen/sched.h>
#include <xen/sysctl.h>

#define PAGES		600
#define NOBODY		0x7000
#define ROUNDS		100000

static struct xen_domctl op;
static struct xen_sysctl sys;
static struct vcpu_guest_context context;
static uint64_t list[PAGES];
static volatile unsigned int told;

static void on_exception(evtchn_port_t port, void *data)
{
	told++;
}

static long domctl(uint32_t cmd, domid_t dom)
{
	op.cmd = cmd;
	op.domain = dom;
	op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	return raw_call(__HYPERVISOR_domctl, (uint64_t)&op, 0, 0, 0, 0);
}

static uint64_t free_bytes(void)
{
	sys.cmd = XEN_SYSCTL_availheap;
	sys.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	if (raw_call(__HYPERVISOR_sysctl, (uint64_t)&sys, 0, 0, 0, 0))
		gl_test_error("no availheap");
	return sys.u.availheap.avail_bytes;
}

/* --- one step of a birth each; 0 --- */

static domid_t born;

static long step_create(void)
{
	long rc;

	memset(&op.u, 0, sizeof(op.u));
	op.u.createdomain = (struct xen_domctl_createdomain){
		.handle = { 0xab, 0xcd }, .max_vcpus = 2,
		.max_evtchn_port = 1023, .max_grant_frames = -1,
		.max_maptrack_frames = -1, .grant_opts = 2,
	};
	rc = domctl(XEN_DOMCTL_createdomain, 0);
	born = op.domain;
	return rc;
}

static long step_vcpus(void)
{
	op.u.max_vcpus.max = 2;
	return domctl(XEN_DOMCTL_max_vcpus, born);
}

static long step_limit(void)
{
	op.u.max_mem.max_memkb = PAGES * 4;
	return domctl(XEN_DOMCTL_max_mem, born);
}

static long populate(unsigned int count, unsigned int order, unsigned int pfn)
{
	struct xen_memory_reservation r = { .nr_extents = count,
		.extent_order = order, .domid = born };

	for (unsigned int i = 0; i < count; i++)
		list[i] = pfn + ((uint64_t)i << order);
	r.extent_start.p = (void *)list;
	return hypercall_memory_op(XENMEM_populate_physmap, &r);
}

static long step_large(void)
{
	return populate(1, 9, 0) == 1 ? 0 : -1;
}

/* What is left of its pages; the last of them is not there. */
static long step_small(void)
{
	return populate(PAGES - 512 + 1, 0, 512) == PAGES - 512 ? 0 : -1;
}

static long step_port(void)
{
	struct evtchn_alloc_unbound u = { .dom = born, .remote_dom = 0 };
	struct evtchn_bind_interdomain b = { .remote_dom = born };
	long rc = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &u);

	b.remote_port = u.port;
	rc = rc ? rc : hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &b);
	return rc ? rc : gl_event_close(b.local_port);
}

static long step_weight(void)
{
	op.u.scheduler_op = (struct xen_domctl_scheduler_op){
		.sched_id = XEN_SCHEDULER_CREDIT2, .cmd = XEN_DOMCTL_SCHEDOP_putinfo,
		.u.credit2 = { .weight = 512 },
	};
	return domctl(XEN_DOMCTL_scheduler_op, born);
}

/* An address space with nothing in it: its first instruction is its last. */
static long step_context(void)
{
	memset(&context, 0, sizeof(context));
	context.flags = VGCF_in_kernel | VGCF_online;
	context.user_regs.rip = 0x1000;
	context.ctrlreg[3] = list[0] << GL_PAGE_SHIFT;
	op.u.vcpucontext.vcpu = 0;
	op.u.vcpucontext.ctxt.p = &context;
	return domctl(XEN_DOMCTL_setvcpucontext, born);
}

static long step_pause(void)
{
	return domctl(XEN_DOMCTL_pausedomain, born);
}

static long step_unpause(void)
{
	return domctl(XEN_DOMCTL_unpausedomain, born);
}

/* With this one it runs. */
static long step_start(void)
{
	return domctl(XEN_DOMCTL_unpausedomain, born);
}

static long (*const steps[])(void) = {
	step_create, step_vcpus, step_limit, step_large, step_small, step_port,
	step_weight, step_context, step_pause, step_unpause, step_start,
};
#define STEPS	(sizeof(steps) / sizeof(steps[0]))

static void take_steps(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		long rc = steps[i]();

		if (rc)
			gl_test_fail("step %u of d%u gave %ld", i, born, rc);
	}
}

static void destroy(void)
{
	gl_test_equal(domctl(XEN_DOMCTL_destroydomain, born), 0);
	gl_test_equal(domctl(XEN_DOMCTL_destroydomain, born), -XEN_ESRCH);
	gl_test_equal(domctl(XEN_DOMCTL_unpausedomain, born), -XEN_ESRCH);
}

/* It has crashed, stays as it was, and we were told; then it goes. */
static void wait_for_end(void)
{
	const uint32_t want = XEN_DOMINF_shutdown |
			      SHUTDOWN_crash << XEN_DOMINF_shutdownshift;
	unsigned int i, before = told;

	step_start();
	for (i = 0; i < ROUNDS; i++) {
		if (domctl(XEN_DOMCTL_getdomaininfo, born))
			gl_test_error("it is gone by itself");
		if (op.u.getdomaininfo.flags & XEN_DOMINF_shutdown)
			break;
		hypercall_sched_op(SCHEDOP_yield, NULL);
	}
	gl_test_equal(op.u.getdomaininfo.flags, want);
	gl_test_equal(op.u.getdomaininfo.tot_pages, PAGES);
	gl_test_equal(op.u.getdomaininfo.handle[1], 0xcd);
	for (i = 0; i < ROUNDS && told == before; i++)
		hypercall_sched_op(SCHEDOP_yield, NULL);
	gl_test_check(told > before);
}

static void lives(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		unsigned int last = i % STEPS + 1;

		if (last == STEPS) {
			take_steps(STEPS - 1);
			wait_for_end();
		} else {
			take_steps(last);
		}
		destroy();
	}
}

/* --- mistakes --- */

static void test_mistakes(void)
{
	gl_test_equal(domctl(XEN_DOMCTL_createdomain, 0), -XEN_EINVAL);
	take_steps(3);
	gl_test_equal(domctl(XEN_DOMCTL_createdomain, born), -XEN_EEXIST);
	gl_test_equal(domctl(XEN_DOMCTL_pausedomain, NOBODY), -XEN_ESRCH);
	gl_test_equal(domctl(XEN_DOMCTL_pausedomain, 0), -XEN_EINVAL);
	gl_test_equal(domctl(XEN_DOMCTL_unpausedomain, 0), -XEN_EINVAL);
	gl_test_equal(domctl(XEN_DOMCTL_destroydomain, 0), -XEN_EINVAL);
	op.u.max_vcpus.max = 3;
	gl_test_equal(domctl(XEN_DOMCTL_max_vcpus, born), -XEN_EINVAL);
	/* more than is free and it was promised before */
	op.u.max_mem.max_memkb = free_bytes() / 1024 + 2 * 4 * PAGES;
	gl_test_equal(domctl(XEN_DOMCTL_max_mem, born), -XEN_ENOMEM);
	list[0] = gl_virt_to_mfn((uint64_t)&list);
	gl_test_equal(step_context(), -XEN_EPERM);
	list[0] = ~0UL >> 13;
	gl_test_equal(step_context(), -XEN_EINVAL);
	op.u.vcpucontext.ctxt.p = (void *)FAR_VA;
	gl_test_equal(domctl(XEN_DOMCTL_setvcpucontext, born), -XEN_EFAULT);
	op.u.address_size.size = 32;
	gl_test_equal(domctl(XEN_DOMCTL_set_address_size, born), -XEN_EOPNOTSUPP);
	op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT;
	gl_test_equal(domctl(XEN_DOMCTL_scheduler_op, born), -XEN_EINVAL);
	for (unsigned int i = 0; i < 254; i++)
		gl_test_equal(domctl(XEN_DOMCTL_pausedomain, born), 0);
	gl_test_equal(domctl(XEN_DOMCTL_pausedomain, born), -XEN_E2BIG);
	destroy();
}

static void quit_after(uint64_t ms)
{
	uint64_t end = gl_now_ns() + ms * 1000000;

	while (gl_now_ns() < end)
		hypercall_sched_op(SCHEDOP_yield, NULL);
	gl_test_done();
}

/* The bystander ends by itself, before everybody has to. */
static void wait_for_neighbour(void)
{
	uint64_t end = gl_now_ns() + 60000000000UL;

	do {
		hypercall_sched_op(SCHEDOP_yield, NULL);
		if (domctl(XEN_DOMCTL_getdomaininfo, 1))
			gl_test_error("there is no bystander");
	} while (!(op.u.getdomaininfo.flags & XEN_DOMINF_shutdown) &&
		 gl_now_ns() < end);
}

void gl_main(void)
{
	uint64_t before, ms = gl_cmdline_u64("quit_ms", 0);

	if (ms)
		quit_after(ms);
	gl_event_init();
	if (gl_event_bind_virq(VIRQ_DOM_EXC, on_exception, NULL) < 0)
		gl_test_error("VIRQ_DOM_EXC cannot be bound");
	gl_events_enable();
	test_mistakes();
	before = free_bytes();
	lives(gl_cmdline_u64("births", 0));
	for (unsigned int i = 0; i < ROUNDS && free_bytes() != before; i++)
		hypercall_sched_op(SCHEDOP_yield, NULL);
	gl_test_equal(free_bytes(), before);
	audit("lives");
	wait_for_neighbour();
	gl_test_done();
}
