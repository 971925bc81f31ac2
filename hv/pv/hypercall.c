/* SPDX-License-Identifier: MIT */
/*
 * The hypercall table.
 *
 * CALL1  A call gives -errno or a value in rax, and changes no other register
 *        but rcx and r11, which `syscall` itself changes.  The exceptions are
 *        iret, and the arguments of a call that went on (CALL2).
 * CALL2  -ERESTART never reaches a guest: the argument registers say what is
 *        left to do, rax is the call's number again, and rip is back on the
 *        `syscall`.  No mark of ours stays in them when it ends (again.h).
 *
 * What is not in the table gives -ENOSYS.  Calls that Xen keeps for the control
 * domain give what an unprivileged domain gets there.
 */
#include <errno.h>
#include <port.h>
#include <xen/event_channel.h>
#include <xen/physdev.h>
#include <xen/sched.h>

#include "abi/share.h"
#include "abi/xencomm.h"
#include "dom/console.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "pv/xencomm.h"
#include "x86/guestcopy.h"

#define SYSCALL_BYTES	2

static long call_set_timer(struct hypercall_args *args)
{
	return op_set_timer(args->a[0]);
}

static long call_console_io(struct hypercall_args *args)
{
	return op_console_io(args->a[0], &args->a[1], &args->a[2]);
}

static long call_vcpu(struct hypercall_args *args)
{
	return op_vcpu(args->a[0], args->a[1], args->a[2]);
}

static long call_sched(struct hypercall_args *args)
{
	return op_sched(args->a[0], args->a[1]);
}

/* The old form passes its one argument in the register. */
static long call_sched_compat(struct hypercall_args *args)
{
	switch (args->a[0]) {
	case SCHEDOP_yield:
	case SCHEDOP_block:
		return op_sched(args->a[0], 0);
	case SCHEDOP_shutdown:
		return op_sched_shutdown(args->a[1]);
	default:
		return -ENOSYS;
	}
}

static long call_event_channel(struct hypercall_args *args)
{
	return op_event_channel(&args->a[0], args->a[1]);
}

/*
 * The old form: a struct that starts with the command.  As on Xen it has none
 * that has no place in the struct, so none that goes on later.
 */
static long call_event_channel_compat(struct hypercall_args *args)
{
	uint32_t number;
	uint64_t cmd;

	if (copy_from_guest(&number, args->a[0], sizeof(number)))
		return -EFAULT;
	if (number >= EVTCHNOP_reset)
		return -ENOSYS;
	cmd = number;
	return op_event_channel(&cmd, args->a[0] + offsetof(struct evtchn_op, u));
}

_Static_assert(__HYPERVISOR_make_ro_and_share == __HYPERVISOR_arch_7, "ABI");

/*
 * Our addition to the ABI: sharing (abi/share.h), registered buffers
 * (abi/xencomm.h).
 */
static long call_pasture(struct hypercall_args *args)
{
	switch (args->a[0]) {
	case XENCOMMOP_register:
	case XENCOMMOP_unregister:
		return op_xencomm(args);
	default:
		return op_share(args);
	}
}

/* The first domain's on Xen; here it is nobody's. */
static long call_nobody(struct hypercall_args *args)
{
	return -EPERM;
}

/*
 * Calls on another domain's tables: there is no domain that the caller may
 * name.
 */
static long call_other_domain(struct hypercall_args *args)
{
	return -ESRCH;
}

static const hypercall_fn table[] = {
	[__HYPERVISOR_set_trap_table] = op_set_trap_table,
	[__HYPERVISOR_mmu_update] = op_mmu_update,
	[__HYPERVISOR_set_gdt] = op_set_gdt,
	[__HYPERVISOR_stack_switch] = op_stack_switch,
	[__HYPERVISOR_set_callbacks] = op_set_callbacks,
	[__HYPERVISOR_fpu_taskswitch] = op_fpu_taskswitch,
	[__HYPERVISOR_sched_op_compat] = call_sched_compat,
	[__HYPERVISOR_platform_op] = op_platform,
	[__HYPERVISOR_set_debugreg] = op_set_debugreg,
	[__HYPERVISOR_get_debugreg] = op_get_debugreg,
	[__HYPERVISOR_update_descriptor] = op_update_descriptor,
	[__HYPERVISOR_memory_op] = op_memory,
	[__HYPERVISOR_multicall] = op_multicall,
	[__HYPERVISOR_update_va_mapping] = op_update_va_mapping,
	[__HYPERVISOR_set_timer_op] = call_set_timer,
	[__HYPERVISOR_event_channel_op_compat] = call_event_channel_compat,
	[__HYPERVISOR_xen_version] = op_xen_version,
	[__HYPERVISOR_console_io] = call_console_io,
	[__HYPERVISOR_physdev_op_compat] = op_physdev_compat,
	[__HYPERVISOR_grant_table_op] = op_grant_table,
	[__HYPERVISOR_vm_assist] = op_vm_assist,
	[__HYPERVISOR_update_va_mapping_otherdomain] = call_other_domain,
	[__HYPERVISOR_iret] = op_iret,
	[__HYPERVISOR_vcpu_op] = call_vcpu,
	[__HYPERVISOR_set_segment_base] = op_set_segment_base,
	[__HYPERVISOR_mmuext_op] = op_mmuext,
	[__HYPERVISOR_sched_op] = call_sched,
	[__HYPERVISOR_callback_op] = op_callback,
	[__HYPERVISOR_event_channel_op] = call_event_channel,
	[__HYPERVISOR_physdev_op] = op_physdev,
	[__HYPERVISOR_xsm_op] = op_xsm,
	[__HYPERVISOR_sysctl] = op_sysctl,
	[__HYPERVISOR_domctl] = op_domctl,
	[__HYPERVISOR_kexec_op] = call_nobody,
	[__HYPERVISOR_arch_7] = call_pasture,
};

long hypercall_dispatch(uint64_t nr, struct hypercall_args *args)
{
	if (nr >= ARRAY_COUNT(table) || !table[nr])
		return -ENOSYS;
	return table[nr](args);
}

/* A call that goes on (CALL2), or the end of one that did. */
static void go_on_or_end(struct regs *r, const struct hypercall_args *args,
			 long rc)
{
	r->rdi = args->a[0];
	r->rsi = args->a[1];
	r->rdx = args->a[2];
	r->r10 = args->a[3];
	r->r8 = args->a[4];
	r->r9 = args->a[5];
	if (rc == -ERESTART)
		r->rip -= SYSCALL_BYTES;
	else
		r->rax = rc;
}

void hypercall_enter(struct vcpu *v)
{
	struct regs *r = &v->regs;
	struct hypercall_args args = {
		.a = { r->rdi, r->rsi, r->rdx, r->r10, r->r8, r->r9 },
	};
	long rc = hypercall_dispatch(r->rax, &args);

	if (likely(args.regs == REGS_KEPT && rc != -ERESTART))
		r->rax = rc;
	else if (args.regs != REGS_NEW)
		go_on_or_end(r, &args, rc);
}
