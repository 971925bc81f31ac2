/* SPDX-License-Identifier: MIT */
/*
 * Questions of sysctl about the machine: each fills its part of the argument.
 * 0 or -errno.
 */
#ifndef HV_CTL_SYSCTL_INFO_H
#define HV_CTL_SYSCTL_INFO_H

#include "lib/types.h"

#include <xen/sysctl.h>

long sysctl_info_machine(struct xen_sysctl_physinfo *info);
long sysctl_info_scheduler(struct xen_sysctl_sched_id *info);
long sysctl_info_heap(struct xen_sysctl_availheap *info);
long sysctl_info_cpus(struct xen_sysctl_cputopoinfo *info);
long sysctl_info_nodes(struct xen_sysctl_numainfo *info);
long sysctl_info_devices(struct xen_sysctl_pcitopoinfo *info);
long sysctl_info_pool(struct xen_sysctl_cpupool_op *op);

#endif
