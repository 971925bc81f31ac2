/* SPDX-License-Identifier: MIT */
/*
 * A second vCPU (VC1, VC2): every way to ask for it wrongly, up, down and up
 * again with all its state, an event for it.  And SH2, with both vCPUs running:
 * while one counts in a page, the other offers that page again and again; the
 * hypervisor breaks the share in the counter's fault; no count is lost, and
 * none goes back.
 */
#include <gl/event.h>
#include <gl/trap.h>

#include <xen/vcpu.h>

#include "../attack.h"

#define CS		0xe033UL
#define SS		0xe02bUL
#define HOLE		0x0000900000000000UL
#define OFFERS		400
#define STACK_WORDS	512

enum { COUNT, GO_DOWN, WRITE };

static struct vcpu_guest_context good;
static volatile uint64_t command, ticks, returns, kept, lost, written;
static uint64_t stack[STACK_WORDS];
static volatile uint64_t *page;
static long vcpus;

static long vcpu_op(unsigned int cmd, uint64_t id, const void *arg)
{
	return raw_call(__HYPERVISOR_vcpu_op, cmd, id, (uint64_t)arg, 0, 0);
}

/* Down, and back from the call with the registers that it went down with. */
static void go_down(void)
{
	uint64_t value = 0x1234567890abcdef;

	command = COUNT;
	__asm__ volatile("" : "+r"(value));
	(void)raw_call(__HYPERVISOR_vcpu_op, VCPUOP_down, 1, 0, 0, 0);
	__asm__ volatile("" : "+r"(value));
	kept = value;
	returns++;
}

static void write_on(void)
{
	uint64_t n = 0;

	while (command == WRITE) {
		page[7] = ++n;
		if (page[7] != n)
			lost++;
	}
	written = n;
}

static void second(void)
{
	for (;;) {
		ticks++;
		if (command == GO_DOWN)
			go_down();
		else if (command == WRITE)
			write_on();
	}
}

/* Give way to it, on one processor too. */
static bool comes(const volatile uint64_t *word, uint64_t value)
{
	for (unsigned int i = 0; i < 2000000 && *word < value; i++)
		hypercall_sched_op(SCHEDOP_yield, NULL);
	return *word >= value;
}

static uint64_t cr3(void)
{
	uint64_t value;

	/* emulated: the frame number */
	__asm__ volatile("mov %%cr3, %0" : "=r"(value));
	return value;
}

static void context_fill(void)
{
	memset(&good, 0, sizeof(good));
	good.flags = VGCF_in_kernel;
	good.user_regs.rip = (uint64_t)second;
	good.user_regs.rsp = (uint64_t)(stack + STACK_WORDS) - 8;
	good.user_regs.cs = CS;
	good.user_regs.ss = SS;
	good.user_regs.rflags = 0x200;
	good.kernel_sp = good.user_regs.rsp;
	good.kernel_ss = SS;
	good.ctrlreg[3] = cr3();
}

/* Which vCPUs there are, and what a vCPU without a context may do. */
static void ids(void)
{
	static const uint64_t none[] = { 31, 32, 63, 64, 1UL << 31, 1UL << 32, ~0UL };

	for (vcpus = 0; vcpu_op(VCPUOP_is_up, vcpus, NULL) >= 0; vcpus++)
		gl_test_equal(vcpu_op(VCPUOP_is_up, vcpus, NULL), vcpus == 0);
	for (unsigned int i = 0; i < 7; i++) {
		gl_test_equal(vcpu_op(VCPUOP_is_up, none[i], NULL), -XEN_ENOENT);
		gl_test_equal(vcpu_op(VCPUOP_initialise, none[i], &good), -XEN_ENOENT);
		gl_test_equal(vcpu_op(VCPUOP_up, none[i], NULL), -XEN_ENOENT);
		gl_test_equal(vcpu_op(VCPUOP_down, none[i], NULL), -XEN_ENOENT);
	}
	gl_test_equal(vcpu_op(VCPUOP_initialise, 0, &good), -XEN_EEXIST);
	gl_test_equal(vcpu_op(VCPUOP_up, 1, NULL), -XEN_EINVAL);
	gl_test_equal(vcpu_op(VCPUOP_down, 1, NULL), 0);	/* it is */
}

static void contexts(void)
{
	struct vcpu_guest_context bad = good;

	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, (void *)FAR_VA), -XEN_EFAULT);
	bad.user_regs.rip = HOLE;
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &bad), -XEN_EINVAL);
	bad = good;
	bad.trap_ctxt[200].address = HV_BASE;
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &bad), -XEN_EINVAL);
	bad = good;
	bad.gdt_ents = 8192;
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &bad), -XEN_EINVAL);
	bad = good;
	bad.ctrlreg[3] = gl_virt_to_mfn((uint64_t)stack) << 12;	/* no table */
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &bad), -XEN_EBUSY);
	bad = good;
	bad.ctrlreg[3] = 0;
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &bad), -XEN_EINVAL);
	gl_test_equal(vcpu_op(VCPUOP_up, 1, NULL), -XEN_EINVAL);
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &good), 0);
	gl_test_equal(vcpu_op(VCPUOP_initialise, 1, &good), -XEN_EEXIST);
	gl_test_equal(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
}

static void up_and_down(void)
{
	gl_test_equal(vcpu_op(VCPUOP_up, 1, NULL), 0);
	gl_test_equal(vcpu_op(VCPUOP_is_up, 1, NULL), 1);
	gl_test_equal(comes(&ticks, 1), true);
	for (uint64_t i = 1; i <= 20; i++) {
		command = GO_DOWN;
		for (unsigned int n = 0; n < 2000000 && vcpu_op(VCPUOP_is_up, 1, NULL); n++)
			hypercall_sched_op(SCHEDOP_yield, NULL);
		gl_test_equal(vcpu_op(VCPUOP_is_up, 1, NULL), 0);
		gl_test_equal(vcpu_op(VCPUOP_up, 1, NULL), 0);
		gl_test_equal(comes(&returns, i), true);
	}
	gl_test_equal(kept, 0x1234567890abcdef);
}

/* An event for it alone: its own pending bits, not ours. */
static void event(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 1 };
	struct evtchn_bind_ipi none = { .vcpu = vcpus };
	struct vcpu_info *its = &gl_shared_info.vcpu_info[1];

	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_bind_ipi, &none), -XEN_ENOENT);
	gl_test_equal(hypercall_event_channel_op(EVTCHNOP_bind_ipi, &ipi), 0);
	__atomic_fetch_and(&gl_shared_info.evtchn_mask[ipi.port / 64],
			   ~(1UL << ipi.port % 64), __ATOMIC_SEQ_CST);
	gl_test_equal(its->evtchn_upcall_pending, 0);
	gl_test_equal(gl_event_send(ipi.port), 0);
	gl_test_equal(its->evtchn_upcall_pending, 1);
	gl_test_equal(gl_shared_info.vcpu_info[0].evtchn_upcall_pending, 0);
}

static void offers(void)
{
	const struct shareop_mode m = {
		.version = SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST,
	};
	uint64_t last = 0, done = 0;
	uint64_t va = gl_page_alloc();

	memset((void *)va, 0, GL_PAGE_BYTES);
	page = (volatile uint64_t *)va;
	gl_test_equal(hypercall_make_ro_and_share(SHAREOP_mode, (uint64_t)&m, sizeof(m), 0), 0);
	command = WRITE;
	for (unsigned int i = 0; i < OFFERS; i++) {
		done += offer(va) >= 0;
		if (page[7] < last)
			gl_test_fail("%lu after %lu", page[7], last);
		last = page[7];
		hypercall_sched_op(SCHEDOP_yield, NULL);
	}
	command = COUNT;
	gl_test_equal(comes(&written, 1), true);
	gl_test_equal(lost, 0);
	gl_test_equal(page[7], written);
	gl_printf("%lu of %u offers done, %lu counts\n", done, OFFERS, written);
	if (done < OFFERS / 10)
		gl_test_fail("hardly an offer was done");
}

void gl_main(void)
{
	context_fill();
	ids();
	contexts();
	up_and_down();
	event();
	offers();
	gl_test_done();
}
