/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that set a vCPU's own state: trap table, callbacks, stack,
 * segment bases, CR0.TS.  They all act on the caller's vCPU, which runs here,
 * so they need no lock.
 *
 * TRAP1  every address kept here is canonical; handlers are
 *        outside the hypervisor's range.
 */
#include <errno.h>
#include <port.h>
#include <xen/callback.h>

#include "dom/sched.h"
#include "pv/hypercall.h"
#include "pv/traps.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

bool traps_handler_ok(uint64_t address)
{
	return !address || guest_range_ok(address, 1);
}

long op_set_trap_table(struct hypercall_args *args)
{
	struct vcpu *v = current_vcpu();
	struct trap_info ti;

	if (!args->a[0]) {
		memset(v->traps, 0, sizeof(v->traps));
		return 0;
	}
	for (;;) {
		if (copy_from_guest(&ti, args->a[0], sizeof(ti)))
			return -EFAULT;
		if (!ti.address)
			return 0;
		if (!traps_handler_ok(ti.address))
			return -EINVAL;
		v->traps[ti.vector] = ti;
		args->a[0] += sizeof(ti);
		if (sched_preempt_pending())
			return -ERESTART;
	}
}

long op_stack_switch(struct hypercall_args *args)
{
	struct vcpu *v = current_vcpu();

	v->kernel_ss = (args->a[0] & 0xffff) | 3;
	v->kernel_sp = args->a[1];
	return 0;
}

static struct pv_callback *callback_of(struct vcpu *v, uint16_t type)
{
	switch (type) {
	case CALLBACKTYPE_event:
		return &v->event_cb;
	case CALLBACKTYPE_failsafe:
		return &v->failsafe_cb;
	case CALLBACKTYPE_syscall:
		return &v->syscall_cb;
	case CALLBACKTYPE_syscall32:
		return &v->syscall32_cb;
	case CALLBACKTYPE_sysenter:
	case CALLBACKTYPE_sysenter_deprecated:
		return &v->sysenter_cb;
	default:
		return NULL;
	}
}

/* Its callback is the entry of the trap table, on Xen too; events masked. */
static void nmi_handler_set(struct vcpu *v, uint64_t address)
{
	struct trap_info *ti = &v->traps[VEC_NMI];

	*ti = (struct trap_info){ .vector = VEC_NMI, .cs = FLAT_KERNEL_CS,
				  .address = address };
	TI_SET_IF(ti, 1);
}

static long callback_register(struct vcpu *v, uint16_t type, uint16_t flags,
			      uint64_t address)
{
	struct pv_callback *cb = callback_of(v, type);

	if (!cb && type != CALLBACKTYPE_nmi)
		return -ENOSYS;
	if (!traps_handler_ok(address))
		return -EINVAL;
	if (!cb) {
		nmi_handler_set(v, address);
		return 0;
	}
	cb->address = address;
	cb->mask_events = flags & CALLBACKF_mask_events;
	return 0;
}

static long callback_unregister(struct vcpu *v, uint16_t type)
{
	if (type == CALLBACKTYPE_nmi) {
		memset(&v->traps[VEC_NMI], 0, sizeof(v->traps[VEC_NMI]));
		return 0;
	}
	/* the others can only be replaced */
	return callback_of(v, type) ? -EINVAL : -ENOSYS;
}

long op_callback(struct hypercall_args *args)
{
	struct vcpu *v = current_vcpu();
	struct callback_register reg;
	struct callback_unregister unreg;

	switch (args->a[0]) {
	case CALLBACKOP_register:
		if (copy_from_guest(&reg, args->a[1], sizeof(reg)))
			return -EFAULT;
		return callback_register(v, reg.type, reg.flags, reg.address);
	case CALLBACKOP_unregister:
		if (copy_from_guest(&unreg, args->a[1], sizeof(unreg)))
			return -EFAULT;
		return callback_unregister(v, unreg.type);
	default:
		return -ENOSYS;
	}
}

/* The older call: event, failsafe, syscall at once. */
long op_set_callbacks(struct hypercall_args *args)
{
	struct vcpu *v = current_vcpu();

	for (unsigned int i = 0; i < 3; i++)
		if (!traps_handler_ok(args->a[i]))
			return -EINVAL;
	callback_register(v, CALLBACKTYPE_event, 0, args->a[0]);
	callback_register(v, CALLBACKTYPE_failsafe, 0, args->a[1]);
	callback_register(v, CALLBACKTYPE_syscall, 0, args->a[2]);
	return 0;
}

void traps_set_fpu_taskswitch(struct vcpu *v, bool on)
{
	v->cr0_ts = on;
	fpu_set_ts(on);
}

long op_fpu_taskswitch(struct hypercall_args *args)
{
	traps_set_fpu_taskswitch(current_vcpu(), args->a[0]);
	return 0;
}

/*
 * The selector is loaded now, its base counts from the next return to user
 * mode.  A bad selector becomes null.
 */
static void load_gs_user(struct vcpu *v, uint16_t selector)
{
	uint64_t kernel = segs_read_gs_base();

	segs_load_gs_user(selector);
	v->gs_base_user = segs_read_gs_base();
	segs_write_gs_base(kernel);
}

long op_set_segment_base(struct hypercall_args *args)
{
	struct vcpu *v = current_vcpu();
	uint64_t which = args->a[0], base = args->a[1];

	if (which != SEGBASE_GS_USER_SEL && !va_is_canonical(base))
		return -EINVAL;
	switch (which) {
	case SEGBASE_FS:
		segs_write_fs_base(base);
		return 0;
	case SEGBASE_GS_USER:
		v->gs_base_user = base;
		return 0;
	case SEGBASE_GS_KERNEL:
		segs_write_gs_base(base);	/* we are in kernel mode */
		return 0;
	case SEGBASE_GS_USER_SEL:
		load_gs_user(v, base);
		return 0;
	default:
		return -EINVAL;
	}
}
