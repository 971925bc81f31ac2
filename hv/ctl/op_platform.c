/* SPDX-License-Identifier: MIT */
/*
 * The platform_op hypercall: firmware, clocks and power of the machine.  None
 * of it is handed to the first domain, whose kernel goes on without.
 *
 * Linux asks, and takes -ENOSYS: EFI and EDD (as on a machine without), the
 * keyboard, C- and P-states.  UEFI's variables would be its firmware run with
 * all rights, in the middle of us.
 * "xen_cpu: Failed to sync pcpu info" is all that it says: XENPF_get_cpuinfo
 * wants ACPI's number of each CPU, by which Linux sizes a table, so that no
 * number must be made up.
 */
#include <port.h>
#include <errno.h>

#include <xen/platform.h>

#include "dom/privilege.h"
#include "pv/above.h"
#include "x86/guestcopy.h"

long op_platform(struct hypercall_args *args)
{
	struct xen_platform_op op;

	if (copy_from_guest(&op, args->a[0], sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	return privilege_check(current_vcpu()->domain, PRIV_PLATFORM, op.cmd);
}
