/* SPDX-License-Identifier: MIT */
/*
 * Processor features as the tools have them: what the machine has, what a guest
 * may see, and what one guest is not to see.
 */
#ifndef HV_CTL_CPU_POLICY_H
#define HV_CTL_CPU_POLICY_H

#include "dom/domain.h"

#include <xen/domctl.h>
#include <xen/sysctl.h>

/* XEN_SYSCTL_get_cpu_policy, get_cpu_featureset. */
long cpu_policy_machine(struct xen_sysctl_cpu_policy *op);
long cpu_policy_features(struct xen_sysctl_cpu_featureset *op);
/* XEN_DOMCTL_get_cpu_policy, set_cpu_policy. */
long cpu_policy_get(struct domain *d, struct xen_domctl_cpu_policy *op);
long cpu_policy_set(struct domain *d, struct xen_domctl_cpu_policy *op);

/* The first 8 words of the machine's features, which `xl info` prints. */
void cpu_policy_hardware(uint32_t word[8]);

#endif
