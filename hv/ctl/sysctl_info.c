/* SPDX-License-Identifier: MIT */
/*
 * See sysctl_info.h.
 *
 * The machine is one node and one pool with all its processors, each of which
 * counts as a core; what is free is what a new domain can be promised.
 */
#include <port.h>
#include <errno.h>

#include "ctl/cpu_map.h"
#include "ctl/cpu_policy.h"
#include "ctl/sysctl_info.h"
#include "dom/domain.h"
#include "dom/promise.h"
#include "mm/palloc.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

#define POOL		0
/* of a node to itself, as ACPI's tables put it */
#define DISTANCE_OWN	10
#define DEVICES_AT_ONCE	64u

static uint64_t free_pages(void)
{
	return domain_overcommit() ? palloc_free_count() :
	       MIN(palloc_free_count(), domain_promise_left());
}

long sysctl_info_machine(struct xen_sysctl_physinfo *info)
{
	*info = (struct xen_sysctl_physinfo){
		.threads_per_core = 1,
		.cores_per_socket = cpu_count,
		.nr_cpus = cpu_count,
		.max_cpu_id = cpu_count - 1,
		.nr_nodes = 1,
		.cpu_khz = (uint32_t)tsc_khz,
		.capabilities = XEN_SYSCTL_PHYSCAP_pv |
				XEN_SYSCTL_PHYSCAP_gnttab_v1 |
				XEN_SYSCTL_PHYSCAP_gnttab_v2,
		.total_pages = palloc_total_count(),
		.free_pages = free_pages(),
		.max_mfn = mfn_n(frame_max_mfn) - 1,
	};
	cpu_policy_hardware(info->hw_cap);
	return 0;
}

/* Its weights and caps have the meaning that they have here (sched_queue.c). */
long sysctl_info_scheduler(struct xen_sysctl_sched_id *info)
{
	info->sched_id = XEN_SCHEDULER_CREDIT2;
	return 0;
}

long sysctl_info_heap(struct xen_sysctl_availheap *info)
{
	info->avail_bytes = free_pages() << PAGE_SHIFT;
	return 0;
}

long sysctl_info_cpus(struct xen_sysctl_cputopoinfo *info)
{
	uint64_t va = (uintptr_t)info->cputopo.p;
	uint32_t i, most = va ? MIN(info->num_cpus, cpu_count) : 0;

	for (i = 0; i < most; i++) {
		xen_sysctl_cputopo_t cpu = { .core = i };

		if (copy_to_guest(va + i * sizeof(cpu), &cpu, sizeof(cpu)))
			return -EFAULT;
	}
	info->num_cpus = cpu_count;
	return 0;
}

long sysctl_info_nodes(struct xen_sysctl_numainfo *info)
{
	uint64_t memory = (uintptr_t)info->meminfo.p;
	uint64_t distance = (uintptr_t)info->distance.p;
	xen_sysctl_meminfo_t m = {
		.memsize = palloc_total_count() << PAGE_SHIFT,
		.memfree = free_pages() << PAGE_SHIFT,
	};
	uint32_t own = DISTANCE_OWN;

	if (memory && info->num_nodes && copy_to_guest(memory, &m, sizeof(m)))
		return -EFAULT;
	if (distance && info->num_nodes &&
	    copy_to_guest(distance, &own, sizeof(own)))
		return -EFAULT;
	info->num_nodes = 1;
	return 0;
}

/*
 * Some of them, since the tools ask again for the rest; of the one node, like
 * all that is here.
 */
long sysctl_info_devices(struct xen_sysctl_pcitopoinfo *info)
{
	uint64_t va = (uintptr_t)info->nodes.p;
	uint32_t i, node = 0;

	if (!info->devs.p || !va)
		return -EINVAL;
	info->num_devs = MIN(info->num_devs, DEVICES_AT_ONCE);
	for (i = 0; i < info->num_devs; i++)
		if (copy_to_guest(va + i * sizeof(node), &node, sizeof(node)))
			return -EFAULT;
	return 0;
}

long sysctl_info_pool(struct xen_sysctl_cpupool_op *op)
{
	switch (op->op) {
	case XEN_SYSCTL_CPUPOOL_OP_INFO:
		if (op->cpupool_id != POOL &&
		    op->cpupool_id != XEN_SYSCTL_CPUPOOL_PAR_ANY)
			return -ENOENT;
		op->cpupool_id = POOL;
		op->sched_id = XEN_SCHEDULER_CREDIT2;
		op->n_dom = domain_count();
		return cpu_map_put(&op->cpumap, true);
	case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
		return cpu_map_put(&op->cpumap, false);
	default:
		return -EOPNOTSUPP;
	}
}
