/* SPDX-License-Identifier: MIT */
/*
 * Ports that a guest's user programs may use, by Xen's calls for them (ioperm,
 * iopl); emulate.c does the accesses.  What is asked of devices is in
 * physdev_device.c.
 */
#include <errno.h>
#include <port.h>
#include <xen/physdev.h>

#include "dom/domain.h"
#include "pv/hypercall.h"
#include "pv/physdev.h"
#include "x86/guestcopy.h"

#define IO_PORTS	65536

static long set_iopl(uint64_t va)
{
	struct physdev_set_iopl iopl;

	if (copy_from_guest(&iopl, va, sizeof(iopl)))
		return -EFAULT;
	if (iopl.iopl > 3)
		return -EINVAL;
	/* where rflags has it */
	current_vcpu()->iopl = (uint64_t)iopl.iopl << 12;
	return 0;
}

/*
 * Only the bitmap's address is kept; emulate.c reads the bitmap at each access.
 */
static long set_iobitmap(uint64_t va)
{
	struct physdev_set_iobitmap map;
	struct vcpu *v = current_vcpu();
	uint64_t bits;

	if (copy_from_guest(&map, va, sizeof(map)))
		return -EFAULT;
	bits = (uintptr_t)map.bitmap.p;
	if (map.nr_ports > IO_PORTS || !guest_range_ok(bits, IO_PORTS / 8))
		return -EINVAL;
	v->iobitmap_va = bits;
	v->iobitmap_ports = map.nr_ports;
	return 0;
}

static long physdev(uint64_t cmd, uint64_t va)
{
	switch (cmd) {
	case PHYSDEVOP_set_iopl:
		return set_iopl(va);
	case PHYSDEVOP_set_iobitmap:
		return set_iobitmap(va);
	default:
		return physdev_device(cmd, va);
	}
}

long op_physdev(struct hypercall_args *args)
{
	return physdev(args->a[0], args->a[1]);
}

/* The old form: a struct that starts with the command. */
long op_physdev_compat(struct hypercall_args *args)
{
	uint32_t cmd;

	if (copy_from_guest(&cmd, args->a[0], sizeof(cmd)))
		return -EFAULT;
	return physdev(cmd, args->a[0] + offsetof(struct physdev_op, u));
}
