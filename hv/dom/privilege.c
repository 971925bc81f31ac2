/* SPDX-License-Identifier: MIT */
/* See privilege.h. */
#include <port.h>
#include <errno.h>

#include <xen/domctl.h>
#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sysctl.h>
#include <xen/version.h>
#include <xen/xsm/flask_op.h>

#include "abi/control.h"
#include "dom/privilege.h"

/* PRIV2 */
static const struct {
	enum privileged_call call;
	uint32_t sub;
} allowed[] = {
	{ PRIV_DOMCTL, XEN_DOMCTL_createdomain },
	{ PRIV_DOMCTL, XEN_DOMCTL_destroydomain },
	{ PRIV_DOMCTL, XEN_DOMCTL_max_mem },
	{ PRIV_DOMCTL, XEN_DOMCTL_max_vcpus },
	{ PRIV_DOMCTL, XEN_DOMCTL_setvcpucontext },
	{ PRIV_DOMCTL, XEN_DOMCTL_getvcpucontext },
	{ PRIV_DOMCTL, XEN_DOMCTL_sendtrigger },
	{ PRIV_DOMCTL, XEN_DOMCTL_setdomainhandle },
	{ PRIV_DOMCTL, XEN_DOMCTL_pausedomain },
	{ PRIV_DOMCTL, XEN_DOMCTL_unpausedomain },
	{ PRIV_DOMCTL, XEN_DOMCTL_getdomaininfo },
	{ PRIV_DOMCTL, XEN_DOMCTL_getvcpuinfo },
	{ PRIV_DOMCTL, XEN_DOMCTL_getvcpuaffinity },
	{ PRIV_DOMCTL, XEN_DOMCTL_setvcpuaffinity },
	{ PRIV_DOMCTL, XEN_DOMCTL_getnodeaffinity },
	{ PRIV_DOMCTL, XEN_DOMCTL_setnodeaffinity },
	{ PRIV_DOMCTL, XEN_DOMCTL_scheduler_op },
	{ PRIV_DOMCTL, XEN_DOMCTL_settscinfo },
	{ PRIV_DOMCTL, XEN_DOMCTL_set_address_size },
	{ PRIV_DOMCTL, XEN_DOMCTL_get_address_size },
	{ PRIV_DOMCTL, XEN_DOMCTL_hypercall_init },
	{ PRIV_DOMCTL, XEN_DOMCTL_get_cpu_policy },
	{ PRIV_DOMCTL, XEN_DOMCTL_set_cpu_policy },
	{ PRIV_SYSCTL, XEN_SYSCTL_readconsole },
	{ PRIV_SYSCTL, XEN_SYSCTL_physinfo },
	{ PRIV_SYSCTL, XEN_SYSCTL_sched_id },
	{ PRIV_SYSCTL, XEN_SYSCTL_getdomaininfolist },
	{ PRIV_SYSCTL, XEN_SYSCTL_debug_keys },
	{ PRIV_SYSCTL, XEN_SYSCTL_availheap },
	{ PRIV_SYSCTL, XEN_SYSCTL_cputopoinfo },
	{ PRIV_SYSCTL, XEN_SYSCTL_numainfo },
	{ PRIV_SYSCTL, XEN_SYSCTL_pcitopoinfo },
	{ PRIV_SYSCTL, XEN_SYSCTL_cpupool_op },
	{ PRIV_SYSCTL, XEN_SYSCTL_scheduler_op },
	{ PRIV_SYSCTL, XEN_SYSCTL_get_cpu_policy },
	{ PRIV_SYSCTL, XEN_SYSCTL_get_cpu_featureset },
	{ PRIV_SYSCTL, PASTURE_SYSCTL_control },
	{ PRIV_PLATFORM, XENPF_get_cpuinfo },
	{ PRIV_PLATFORM, XENPF_set_processor_pminfo },
	{ PRIV_MEMORY, XENMEM_machine_memory_map },
	{ PRIV_MEMORY, XENMEM_get_sharing_freed_pages },
	{ PRIV_MEMORY, XENMEM_get_sharing_shared_pages },
	{ PRIV_MEMORY, XENMEM_populate_physmap },
	{ PRIV_MEMORY, XENMEM_increase_reservation },
	{ PRIV_MEMORY, XENMEM_current_reservation },
	{ PRIV_MEMORY, XENMEM_maximum_reservation },
	{ PRIV_MEMORY, XENMEM_set_memory_map },
	{ PRIV_MEMORY, XENMEM_claim_pages },
	/* of others' ports */
	{ PRIV_EVENT, EVTCHNOP_alloc_unbound },
	{ PRIV_EVENT, EVTCHNOP_status },
	{ PRIV_EVENT, EVTCHNOP_reset },
	/* of devices */
	{ PRIV_EVENT, EVTCHNOP_bind_pirq },
	{ PRIV_PHYSDEV, PHYSDEVOP_irq_status_query },
	{ PRIV_PHYSDEV, PHYSDEVOP_eoi },
	{ PRIV_PHYSDEV, PHYSDEVOP_apic_read },
	{ PRIV_PHYSDEV, PHYSDEVOP_alloc_irq_vector },
	{ PRIV_PHYSDEV, PHYSDEVOP_map_pirq },
	{ PRIV_PHYSDEV, PHYSDEVOP_unmap_pirq },
	{ PRIV_PHYSDEV, PHYSDEVOP_setup_gsi },
	{ PRIV_PHYSDEV, PHYSDEVOP_get_free_pirq },
	{ PRIV_PHYSDEV, PHYSDEVOP_manage_pci_add },
	{ PRIV_PHYSDEV, PHYSDEVOP_manage_pci_remove },
	{ PRIV_PHYSDEV, PHYSDEVOP_manage_pci_add_ext },
	{ PRIV_PHYSDEV, PHYSDEVOP_pci_device_add },
	{ PRIV_PHYSDEV, PHYSDEVOP_pci_device_remove },
	{ PRIV_PHYSDEV, PHYSDEVOP_restore_msi },
	{ PRIV_PHYSDEV, PHYSDEVOP_restore_msi_ext },
	{ PRIV_DEVICE, DEVICE_PORTS },
	{ PRIV_DEVICE, DEVICE_FRAMES },
	{ PRIV_DEVICE, DEVICE_APIC },
	{ PRIV_MEMORY, XENMEM_acquire_resource },
	{ PRIV_CONSOLE, CONSOLEIO_read },
	{ PRIV_MMU, MMU_NORMAL_PT_UPDATE },
	{ PRIV_MMU, MMU_MACHPHYS_UPDATE },
	{ PRIV_MMU, MMU_PT_UPDATE_PRESERVE_AD },
	{ PRIV_MMU, MMU_PT_UPDATE_NO_TRANSLATE },
	{ PRIV_MMUEXT, MMUEXT_PIN_L1_TABLE },
	{ PRIV_MMUEXT, MMUEXT_PIN_L2_TABLE },
	{ PRIV_MMUEXT, MMUEXT_PIN_L3_TABLE },
	{ PRIV_MMUEXT, MMUEXT_PIN_L4_TABLE },
	{ PRIV_MMUEXT, MMUEXT_UNPIN_TABLE },
	{ PRIV_MMUEXT, MMUEXT_CLEAR_PAGE },
	{ PRIV_MMUEXT, MMUEXT_COPY_PAGE },
	{ PRIV_XSM, FLASK_CONTEXT_TO_SID },
	{ PRIV_XSM, FLASK_SID_TO_CONTEXT },
	/* that it has a privilege at all */
	{ PRIV_VERSION, XENVER_get_features },
	{ PRIV_VERSION, XENVER_commandline },
};

int privilege_check(const struct domain *d, enum privileged_call call,
		    uint32_t sub)
{
	unsigned int i;

	if (!d->privileged)
		return -EPERM;
	for (i = 0; i < ARRAY_COUNT(allowed); i++)
		if (allowed[i].call == call && allowed[i].sub == sub)
			return 0;
	return -ENOSYS;
}
