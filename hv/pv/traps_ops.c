/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that set a vCPU's own state: trap table, callbacks, stack,
 * segment bases, debug registers, CR0.TS.  They all act on the caller's vCPU,
 * which runs here, so they need no lock.
 *
 * TRAP1  every address kept here is canonical; handlers and breakpoints are
 *        outside the hypervisor's range.
 */
#include <errno.h>
#include <port.h>
#include <xen/callback.h>

#include "dom/sched.h"
#include "pv/pv.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

#define DR6_ONES	0xffff0ff0UL
#define DR6_ZEROS	0xffffffff00001000UL
#define DR6_CAUSES	0xe00fUL
#define DR6_B0_B3	0xfUL
#define DR7_ONES	0x400UL
#define DR7_ZEROS	0xffffffff0000d800UL
#define DR7_GD		(1UL << 13)
#define DR7_ENABLED	0xffUL
#define DR7_RW_IO	2

static bool handler_ok(uint64_t address)
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
		if (!handler_ok(ti.address))
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
	case CALLBACKTYPE_nmi:
		return &v->nmi_cb;
	default:
		return NULL;
	}
}

static long callback_register(struct vcpu *v, uint16_t type, uint16_t flags,
			      uint64_t address)
{
	struct pv_callback *cb = callback_of(v, type);

	if (!cb)
		return -ENOSYS;
	if (!handler_ok(address))
		return -EINVAL;
	cb->address = address;
	cb->mask_events = flags & CALLBACKF_mask_events;
	return 0;
}

static long callback_unregister(struct vcpu *v, uint16_t type)
{
	if (!callback_of(v, type))
		return -ENOSYS;
	if (type != CALLBACKTYPE_nmi)
		return -EINVAL;		/* the others can only be replaced */
	memset(&v->nmi_cb, 0, sizeof(v->nmi_cb));
	return 0;
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
		if (!handler_ok(args->a[i]))
			return -EINVAL;
	callback_register(v, CALLBACKTYPE_event, 0, args->a[0]);
	callback_register(v, CALLBACKTYPE_failsafe, 0, args->a[1]);
	callback_register(v, CALLBACKTYPE_syscall, 0, args->a[2]);
	return 0;
}

void fpu_taskswitch_set(struct vcpu *v, bool on)
{
	v->cr0_ts = on;
	fpu_set_ts(on);
}

long op_fpu_taskswitch(struct hypercall_args *args)
{
	fpu_taskswitch_set(current_vcpu(), args->a[0]);
	return 0;
}

/*
 * The selector is loaded now, its base counts from the next return to user mode.
 * A bad selector becomes null.
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

/* The enable bits of breakpoint i. */
static uint64_t dr7_enables(uint64_t value, unsigned int i)
{
	return value & 3UL << (2 * i);
}

/* Those of all that are on I/O ports. */
static uint64_t dr7_io_enables(uint64_t value)
{
	uint64_t io = 0;

	for (unsigned int i = 0; i < 4; i++)
		if ((value >> (16 + 4 * i) & 3) == DR7_RW_IO)
			io |= dr7_enables(value, i);
	return io;
}

/*
 * Breakpoints on I/O ports need CR4.DE, which the CPU never has: their enable bits
 * are kept aside, and the emulation of `in` and `out` looks at them.
 */
static long dr7_check(struct vcpu *v, uint64_t *value)
{
	uint64_t io;

	if (*value & DR7_GD)
		return -EPERM;
	*value = (*value & ~DR7_ZEROS) | DR7_ONES;
	io = dr7_io_enables(*value);
	if (io && !(v->cr4 & CR4_DE))
		return -EPERM;
	v->dr7_io = io;
	*value &= ~io;
	return 0;
}

bool debugreg_exists(const struct vcpu *v, uint64_t nr)
{
	return nr <= 7 && !((nr == 4 || nr == 5) && v->cr4 & CR4_DE);
}

/* While no breakpoint is on, DR0-3 and DR6 wait in the vCPU (dom/vcpu.c switches them). */
static void debugreg_load(const struct vcpu *v)
{
	for (unsigned int i = 0; i < 4; i++)
		debugreg_write(i, v->dr[i]);
	debugreg_write(6, v->dr[6]);
	debugreg_write(7, v->dr[7]);
}

long debugreg_set(struct vcpu *v, uint64_t nr, uint64_t value)
{
	if (!debugreg_exists(v, nr))
		return -ENODEV;
	switch (nr) {
	case 0 ... 3:	/* not the last bytes either: get_debugreg would look like an error */
		if (!guest_range_ok(value, PAGE_SIZE))
			return -EPERM;
		break;
	case 4: case 6:
		nr = 6;
		value = (value & ~DR6_ZEROS) | DR6_ONES;
		break;
	default:	/* 5, 7 */
		nr = 7;
		if (dr7_check(v, &value))
			return -EPERM;
		break;
	}
	v->dr[nr] = value;
	if (v->dr[7] & DR7_ENABLED)
		debugreg_load(v);
	else if (nr == 7)
		debugreg_write(7, value);
	return 0;
}

/*
 * DR6 gathers causes until the guest clears them.  Without breakpoints of its own
 * the vCPU may run with another's DR0-3 and DR6 in the CPU, so B0-B3 do not count.
 */
void debugreg_note(struct vcpu *v, uint64_t causes)
{
	bool armed = v->dr[7] & DR7_ENABLED;

	v->dr[6] |= causes & (armed ? DR6_CAUSES : DR6_CAUSES & ~DR6_B0_B3);
	debugreg_write(6, armed ? v->dr[6] : DR6_ONES);
}

/* The port is in none of them that this CPU has: B0-B3 are set here. */
bool debugreg_port(struct vcpu *v, uint32_t port, unsigned int width)
{
	static const uint8_t lengths[4] = { 1, 2, 8, 4 };
	uint64_t hits = 0;

	for (unsigned int i = 0; v->cr4 & CR4_DE && i < 4; i++) {
		uint64_t first = v->dr[i];
		uint64_t end = first + lengths[v->dr[7] >> (18 + 4 * i) & 3];

		if (dr7_enables(v->dr7_io, i) && first < port + width &&
		    end > port)
			hits |= 1UL << i;
	}
	v->dr[6] |= hits;
	if (hits && v->dr[7] & DR7_ENABLED)
		debugreg_write(6, v->dr[6]);
	return hits;
}

int debugreg_get(struct vcpu *v, uint64_t nr, uint64_t *value)
{
	if (!debugreg_exists(v, nr))
		return -ENODEV;
	if (nr == 4 || nr == 5)
		nr += 2;
	*value = v->dr[nr] | (nr == 7 ? v->dr7_io : 0);
	return 0;
}

long op_set_debugreg(struct hypercall_args *args)
{
	return debugreg_set(current_vcpu(), args->a[0], args->a[1]);
}

/* The value comes back as the result, as on Xen. */
long op_get_debugreg(struct hypercall_args *args)
{
	uint64_t value;
	int rc = debugreg_get(current_vcpu(), args->a[0], &value);

	return rc ? rc : (long)value;
}
