/* SPDX-License-Identifier: MIT */
/*
 * Proves event channels: delivery, masks per port and per vCPU, no lost event,
 * bad ports refused, and that an event inside a page fault does not disturb it.
 */
#include <gl/event.h>
#include <gl/memory.h>
#include <gl/start.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#include "../gl_test.h"

static char cookie;
static volatile unsigned int hits;
static volatile evtchn_port_t last_port;

static void hit(evtchn_port_t port, void *data)
{
	hits++;
	last_port = port;
	gl_test_check(gl_vcpu_info()->evtchn_upcall_mask);
	gl_test_check(data == &cookie);
}

static evtchn_port_t ipi;

static void test_send(void)
{
	hits = 0;
	gl_test_equal(gl_event_send(ipi), 0);
	gl_test_equal(hits, 1);
	gl_test_equal(last_port, ipi);
	gl_test_check(!gl_vcpu_info()->evtchn_upcall_mask);
}

static void test_port_mask(void)
{
	hits = 0;
	gl_event_mask(ipi);
	gl_test_equal(gl_event_send(ipi), 0);
	gl_test_equal(gl_event_send(ipi), 0);
	gl_test_equal(hits, 0);
	gl_event_unmask(ipi);
	gl_test_equal(hits, 1);
}

static void test_vcpu_mask(void)
{
	bool on;

	hits = 0;
	on = gl_events_save();
	gl_test_check(on);
	gl_test_equal(gl_event_send(ipi), 0);
	gl_test_equal(hits, 0);
	gl_events_restore(on);
	gl_test_equal(hits, 1);
}

/* Pending before we block: it must return at once. */
static void test_block(void)
{
	hits = 0;
	gl_events_save();
	gl_event_send(ipi);
	gl_block();
	gl_test_equal(hits, 1);
	gl_test_check(!gl_vcpu_info()->evtchn_upcall_mask);
}

static void test_two_ports(void)
{
	long second = gl_event_bind_ipi(hit, &cookie);
	bool on = gl_events_save();

	gl_test_check(second > 0);
	hits = 0;
	gl_event_send(ipi);
	gl_event_send((evtchn_port_t)second);
	gl_events_restore(on);
	gl_test_equal(hits, 2);
	gl_test_equal(gl_event_close((evtchn_port_t)second), 0);
	gl_test_check(gl_event_send((evtchn_port_t)second) < 0);
}

static void test_refusals(void)
{
	struct evtchn_bind_virq bad = { .virq = 99, .vcpu = 0 };
	struct evtchn_status st = { .dom = DOMID_SELF, .port = 0xffffff };

	gl_test_check(gl_event_send(0) < 0);
	gl_test_check(gl_event_send(0xffffff) < 0);
	gl_test_check(hypercall_event_channel_op(EVTCHNOP_bind_virq, &bad) < 0);
	gl_test_check(hypercall_event_channel_op(EVTCHNOP_status, &st) < 0);
	gl_test_check(gl_domid() != DOMID_INVALID);
}

/*
 * Sent from inside a page fault (events masked): it comes right after, and the
 * fault's work is done.
 */
static bool fault_and_send(struct gl_regs *regs)
{
	uint64_t at = gl_fault_address();

	gl_event_send(ipi);
	gl_test_equal(hits, 0);
	gl_test_equal(gl_fault_address(), at);
	regs->rip += 3;
	return true;
}

static void test_event_in_fault(void)
{
	hits = 0;
	gl_trap_handler_set(TRAP_page_fault, fault_and_send);
	__asm__ volatile("mov %%rax, (%%rcx)" : : "c"(64UL), "a"(1UL)
			 : "memory");
	gl_trap_handler_set(TRAP_page_fault, NULL);
	gl_test_equal(hits, 1);
}

void gl_main(void)
{
	long port = gl_event_bind_ipi(hit, &cookie);

	if (port <= 0)
		gl_test_error("no IPI port");
	ipi = (evtchn_port_t)port;
	for (unsigned int i = 0; i < 100; i++)
		test_send();
	test_port_mask();
	test_vcpu_mask();
	test_block();
	test_two_ports();
	test_refusals();
	test_event_in_fault();
	gl_test_done();
}
