/* SPDX-License-Identifier: MIT */
/* VC3: NMIs of a guest's own making. */
#include <gl/vcpu.h>

#include "attack_abi.h"

static volatile unsigned int hits, deepest;
static volatile bool masked;
static unsigned int to_send, depth;

static long send_nmi(uint64_t id, uint64_t arg)
{
	return raw_call(__HYPERVISOR_vcpu_op, VCPUOP_send_nmi, id, arg, 0, 0);
}

static bool on_nmi(struct gl_regs *regs)
{
	if (++depth > deepest)
		deepest = depth;
	masked = gl_vcpu_info()->evtchn_upcall_mask;
	for (; to_send; to_send--)
		(void)send_nmi(0, 0);
	hits++;
	depth--;
	return true;
}

/* How often the handler ran, of one NMI and so many that it sends itself. */
static long run_with(unsigned int more)
{
	hits = deepest = 0;
	to_send = more;
	gl_trap_handler_set(TRAP_nmi, on_nmi);
	if (send_nmi(0, 0))
		return -1;
	return hits;
}

static long callback(unsigned int op, uint64_t address)
{
	struct callback_register reg = { .type = CALLBACKTYPE_nmi, .address = address };

	return hypercall_callback_op(op, &reg);
}

static long vc3_argument(void) { return send_nmi(0, 8); }
static long vc3_nobody(void) { return send_nmi(1UL << 20, 0); }
static long vc3_itself(void) { return run_with(0); }
static long vc3_in_handler(void) { return run_with(3); }

static long vc3_nested(void)
{
	(void)run_with(3);
	return deepest;
}

static long vc3_events_masked(void)
{
	(void)run_with(0);
	return masked && !gl_vcpu_info()->evtchn_upcall_mask;
}

static long vc3_no_handler(void)
{
	extern const char gl_vector_stubs[];
	long r = callback(CALLBACKOP_unregister, 0);

	hits = 0;
	r = r ? r : send_nmi(0, 0);
	r = r ? r : callback(CALLBACKOP_register, (uint64_t)gl_vector_stubs + TRAP_nmi * 16);
	return r ? r : hits;
}

static long vc3_callback_in_hypervisor(void)
{
	return callback(CALLBACKOP_register, 1UL << 47);
}

const struct attack nmi_attacks[] = {
	{ "VC3-nmi-with-argument", vc3_argument, -XEN_EINVAL },
	{ "VC3-nmi-to-nobody", vc3_nobody, -XEN_ENOENT },
	{ "VC3-nmi-to-itself", vc3_itself, 1 },
	{ "VC3-three-nmis-in-handler", vc3_in_handler, 2 },
	{ "VC3-nmi-in-handler-waits", vc3_nested, 1 },
	{ "VC3-nmi-masks-events", vc3_events_masked, 1 },
	{ "VC3-nmi-without-handler", vc3_no_handler, 0 },
	{ "VC3-nmi-callback-not-canonical", vc3_callback_in_hypervisor, -XEN_EINVAL },
	{ 0 },
};
