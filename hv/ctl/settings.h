/* SPDX-License-Identifier: MIT */
/* What the tools set of a domain, and read back: domctl's smaller operations. */
#ifndef HV_CTL_SETTINGS_H
#define HV_CTL_SETTINGS_H

#include "dom/domain.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

/* v: the vCPU that the call names. */
long settings_affinity_get(struct vcpu *v, struct xen_domctl_vcpuaffinity *a);
long settings_affinity_set(struct vcpu *v, struct xen_domctl_vcpuaffinity *a);
long settings_nodes_get(struct xen_domctl_nodeaffinity *n);
long settings_nodes_set(struct xen_domctl_nodeaffinity *n);
long settings_scheduler(struct domain *d, struct xen_domctl_scheduler_op *op);
/* of the machine's scheduler */
long settings_scheduler_all(struct xen_sysctl_scheduler_op *op);
long settings_clock(struct domain *d, const struct xen_domctl_tsc_info *info);
long settings_width(const struct domain *d, uint32_t bits);
/* XEN_DOMCTL_hypercall_init: its stubs, in a page of the domain. */
long settings_stubs(struct domain *d, mfn_t mfn);

#endif
