/* SPDX-License-Identifier: MIT */
/*
 * VC3: VCPUOP_send_nmi.  To itself, with events masked; none while its handler
 * runs, and one afterwards, however many came; none without a handler; from one
 * vCPU to another that sleeps, spins, or is in its own handler; all registers
 * are as before.
 */
#include <gl/event.h>
#include <gl/sched.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

#include "../attack.h"

#define MANY 500

static volatile uint64_t hits[GL_VCPUS], depth[GL_VCPUS], nested;
static volatile unsigned int in_handler;	/* NMIs to send from there */
static volatile bool stop, masked_there;

static long send_nmi(uint64_t id)
{
	return raw_call(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, id, 0, 0, 0);
}

static bool on_nmi(struct gl_regs *regs)
{
	unsigned int me = gl_vcpu_id();

	nested += depth[me]++ != 0;
	masked_there = gl_vcpu_info()->evtchn_upcall_mask;
	for (; in_handler; in_handler--)
		gl_test_equal(send_nmi(me), 0);
	hits[me]++;
	depth[me]--;
	return true;
}

static long callback(unsigned int op, uint64_t address)
{
	struct callback_register reg = {
		.type = CALLBACKTYPE_nmi, .address = address,
	};

	return hypercall_callback_op(op, &reg);
}

static void to_itself(void)
{
	uint64_t kept = 0x1234567890abcdef, r11 = kept + 1;

	__asm__ volatile("" : "+r"(kept), "+r"(r11));
	gl_test_equal(send_nmi(0), 0);
	__asm__ volatile("" : "+r"(kept), "+r"(r11));
	gl_test_equal(kept, 0x1234567890abcdef);
	gl_test_equal(r11, kept + 1);
	gl_test_equal(hits[0], 1);
	gl_test_equal(masked_there, true);
	gl_test_equal(gl_vcpu_info()->evtchn_upcall_mask, 0);
	gl_events_save();
	gl_test_equal(send_nmi(0), 0);	/* events masked: no matter */
	gl_test_equal(hits[0], 2);
	gl_test_equal(gl_vcpu_info()->evtchn_upcall_mask, 1);
	gl_events_enable();
	in_handler = 3;			/* they are one */
	gl_test_equal(send_nmi(0), 0);
	gl_test_equal(hits[0], 4);
	gl_test_equal(nested, 0);
}

static void refused(void)
{
	gl_test_equal(raw_call(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, 0, 8, 0, 0), -XEN_EINVAL);
	gl_test_equal(send_nmi(gl_vcpu_count()), -XEN_ENOENT);
	gl_test_equal(send_nmi(1UL << 32), -XEN_ENOENT);
	gl_test_equal(callback(CALLBACKOP_register, HV_BASE), -XEN_EINVAL);
	gl_test_equal(callback(CALLBACKOP_register, 1UL << 47), -XEN_EINVAL);
	gl_test_equal(hits[0], 4);
}

/* Lost, as on Xen, and not kept for later. */
static void without_handler(void)
{
	extern const char gl_vector_stubs[];

	gl_test_equal(callback(CALLBACKOP_unregister, 0), 0);
	gl_test_equal(send_nmi(0), 0);
	gl_test_equal(callback(CALLBACKOP_register, (uint64_t)gl_vector_stubs + TRAP_nmi * 16), 0);
	gl_test_equal(hits[0], 4);
	gl_test_equal(send_nmi(0), 0);
	gl_test_equal(hits[0], 5);
}

static void sleep_or_spin(void *arg)
{
	while (!stop) {
		gl_events_save();
		if (!(hits[1] & 1))
			gl_block();
		else
			gl_events_enable();
	}
}

static void to_another(void)
{
	/* Before it has ever run: one waits for it. */
	gl_test_equal(send_nmi(1), 0);
	gl_test_equal(send_nmi(1), 0);
	gl_test_equal(gl_vcpu_start(1, sleep_or_spin, NULL), 0);
	for (unsigned int n = 1; n <= MANY; n++) {
		unsigned int turns;

		for (turns = 0; turns < 1000000 && hits[1] < n; turns++)
			gl_yield();
		if (hits[1] != n) {
			gl_test_fail("%lu NMIs of %u came", hits[1], n);
			break;
		}
		if (n < MANY)
			gl_test_equal(send_nmi(1), 0);
	}
	stop = true;
	gl_test_equal(send_nmi(1), 0);
	gl_vcpu_wait(1);
	gl_test_equal(hits[1], MANY + 1);
}

/* Faster than it can take them: at least one, none in another. */
static void flood(void)
{
	uint64_t before = hits[1];

	stop = false;
	gl_test_equal(gl_vcpu_start(1, sleep_or_spin, NULL), 0);
	for (unsigned int n = 0; n < MANY; n++)
		gl_test_equal(send_nmi(1), 0);
	while (hits[1] == before)
		gl_yield();
	stop = true;
	while (gl_vcpu_is_up(1))
		gl_test_equal(send_nmi(1), 0);
}

void gl_main(void)
{
	gl_trap_handler_set(TRAP_nmi, on_nmi);
	to_itself();
	refused();
	without_handler();
	if (gl_vcpu_count() > 1) {
		to_another();
		flood();
	}
	gl_test_equal(nested, 0);
	gl_printf("%lu and %lu NMIs\n", hits[0], hits[1]);
	gl_test_done();
}
