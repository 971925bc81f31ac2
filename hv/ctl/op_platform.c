/* SPDX-License-Identifier: MIT */
/*
 * The platform_op hypercall: firmware, clocks and power of the machine.  The
 * first domain is told which CPUs there are, and that nobody here drives their
 * power states: its kernel, which would have handed over what ACPI says of
 * them, goes on without.
 *
 * What else Linux asks it takes -ENOSYS for: EFI and EDD (as on a machine
 * without), the keyboard.  UEFI's variables would be its firmware run with all
 * rights, in the middle of us.
 *
 * PLAT1  Linux sizes tables by the greatest of ACPI's numbers that it is told.
 *        So no number is made up: a CPU that ACPI does not name is none.
 */
#include <port.h>
#include <errno.h>

#include <xen/platform.h>

#include "dom/privilege.h"
#include "pv/above.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

/*
 * ACPI's buffer for _PDC: its revision, how many words of bits, and the bits.
 * These are for ways into power states that are the CPU's own (MSRs, MWAIT);
 * the others are ports, or say how CPUs depend on each other.
 */
#define PDC_REVISION	1
#define PDC_BITS	2
#define PDC_CPU_OWN	(1u << 0 | 1u << 2 | 1u << 8 | 1u << 9)

/*
 * As on Xen a number without a CPU is an answer, too, and leaves its other
 * fields alone.
 */
static long cpu_info(struct xenpf_pcpuinfo *info)
{
	uint32_t id = info->xen_cpuid;

	info->max_present = cpu_count - 1;
	info->flags = XEN_PCPU_FLAGS_INVALID;
	if (id >= cpu_count || cpu_areas[id]->acpi_id == ACPI_ID_NONE)
		return 0;
	info->flags = XEN_PCPU_FLAGS_ONLINE;
	info->apic_id = cpu_areas[id]->apic_id;
	info->acpi_id = cpu_areas[id]->acpi_id;
	return 0;
}

/*
 * What the kernel is about to tell the firmware that the operating system can
 * do, without what nobody does here.
 */
static long power_bits(uint64_t va)
{
	uint32_t pdc[PDC_BITS + 1];

	if (copy_from_guest(pdc, va, sizeof(pdc)))
		return -EFAULT;
	if (pdc[0] != PDC_REVISION || !pdc[1])
		return -EINVAL;
	pdc[PDC_BITS] &= ~PDC_CPU_OWN;
	return copy_to_guest(va + PDC_BITS * sizeof(pdc[0]), &pdc[PDC_BITS],
			     sizeof(pdc[0])) ? -EFAULT : 0;
}

/* Linux says nothing where states are answered with -ENOSYS or -EINVAL. */
static long power_info(const struct xenpf_set_processor_pminfo *info)
{
	switch (info->type) {
	case XEN_PM_CX:
	case XEN_PM_PX:
	case XEN_PM_TX:
		return -ENOSYS;
	case XEN_PM_PDC:
		return power_bits((uintptr_t)info->u.pdc.p);
	default:
		return -EINVAL;
	}
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
	if (rc)
		return rc;
	if (op.cmd == XENPF_set_processor_pminfo)
		return power_info(&op.u.set_pminfo);
	rc = cpu_info(&op.u.pcpu_info);
	if (!rc && copy_to_guest(args->a[0], &op, sizeof(op)))
		rc = -EFAULT;
	return rc;
}
