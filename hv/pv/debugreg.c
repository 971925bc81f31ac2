/* SPDX-License-Identifier: MIT */
/*
 * A guest's debug registers.  These functions act on the caller's vCPU, which
 * runs here, so they need no lock.  debugreg_set() also acts on a vCPU that is
 * not up yet.
 *
 * DEBUG1  breakpoints' addresses are canonical and outside the hypervisor's
 *         range; the CPU's own registers never hold a breakpoint on an I/O
 *         port.
 */
#include <errno.h>
#include <port.h>

#include "pv/debugreg.h"
#include "pv/hypercall.h"
#include "x86/guestcopy.h"

#define DR6_ONES	0xffff0ff0UL
#define DR6_ZEROS	0xffffffff00001000UL
#define DR6_CAUSES	0xe00fUL
#define DR6_B0_B3	0xfUL
#define DR7_ONES	0x400UL
#define DR7_ZEROS	0xffffffff0000d800UL
#define DR7_GD		(1UL << 13)
#define DR7_ENABLED	0xffUL
#define DR7_RW_IO	2

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
 * Breakpoints on I/O ports need CR4.DE, which the CPU never has: their enable
 * bits are kept aside, and the emulation of `in` and `out` looks at them.
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

/*
 * While no breakpoint is on, DR0-3 and DR6 wait in the vCPU (dom/vcpu.c
 * switches them).
 */
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
	case 0 ... 3:
		/*
		 * not in the last page either: get_debugreg would return what
		 * looks like an error
		 */
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
	/* vcpu_switch() loads them when v first runs */
	if (v != current_vcpu())
		return 0;
	if (v->dr[7] & DR7_ENABLED)
		debugreg_load(v);
	else if (nr == 7)
		debugreg_write(7, value);
	return 0;
}

/*
 * DR6 gathers causes until the guest clears them.  Without breakpoints of its
 *     own
 * the vCPU may run with another's DR0-3 and DR6 in the CPU, so B0-B3 do not
 * count.
 */
void debugreg_note(struct vcpu *v, uint64_t causes)
{
	bool armed = v->dr[7] & DR7_ENABLED;

	v->dr[6] |= causes & (armed ? DR6_CAUSES : DR6_CAUSES & ~DR6_B0_B3);
	debugreg_write(6, armed ? v->dr[6] : DR6_ONES);
}

/*
 * The CPU's own registers have no breakpoint on a port, so B0-B3 are set here.
 */
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

/* The register's value is the call's result, as on Xen. */
long op_get_debugreg(struct hypercall_args *args)
{
	uint64_t value;
	int rc = debugreg_get(current_vcpu(), args->a[0], &value);

	return rc ? rc : (long)value;
}
