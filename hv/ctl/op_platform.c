/* SPDX-License-Identifier: MIT */
/*
 * The platform_op hypercall: firmware, clocks and power of the machine.  The
 * first domain is told which CPUs there are, and gets nothing else: its kernel
 * goes on without.  Under UEFI that is the firmware's variables and clock:
 * services of the firmware run with all rights, in the middle of us.
 */
#include <port.h>
#include <errno.h>

#include <xen/platform.h>

#include "dom/privilege.h"
#include "pv/above.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"
#include "x86/percpu.h"

#define ACPI_ID_UNKNOWN	UINT32_MAX

/* As on Xen, a number without a CPU is an answer, too. */
static long cpu_info(struct xenpf_pcpuinfo *info)
{
	uint32_t id = info->xen_cpuid;
	bool there = id < cpu_count;

	*info = (struct xenpf_pcpuinfo){
		.xen_cpuid = id,
		.max_present = cpu_count - 1,
		.flags = there ? XEN_PCPU_FLAGS_ONLINE : XEN_PCPU_FLAGS_INVALID,
		.apic_id = there ? cpu_areas[id]->apic_id : 0,
		.acpi_id = ACPI_ID_UNKNOWN,
	};
	return 0;
}

long op_platform(struct hypercall_args *args)
{
	struct xen_platform_op op;
	long rc;

	if (copy_from_guest(&op, args->a[0], sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XENPF_INTERFACE_VERSION)
		return -EACCES;
	rc = privilege_check(current_vcpu()->domain, PRIV_PLATFORM, op.cmd);
	if (!rc)
		rc = cpu_info(&op.u.pcpu_info);
	if (!rc && copy_to_guest(args->a[0], &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
