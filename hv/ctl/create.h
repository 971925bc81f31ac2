/* SPDX-License-Identifier: MIT */
/* Domains that the first domain makes: by domctl, empty and paused. */
#ifndef HV_CTL_CREATE_H
#define HV_CTL_CREATE_H

#include "dom/domain.h"

#include <xen/domctl.h>

/*
 * XEN_DOMCTL_createdomain: *id is the number that is wanted, or none if it is 0
 * or no guest's; then the one that it got.
 */
int create_domain(domid_t *id, const struct xen_domctl_createdomain *wanted);
/* XEN_DOMCTL_max_vcpus, max_mem, setdomainhandle. */
int create_vcpus(struct domain *d, uint32_t count);
int create_limit(struct domain *d, uint64_t kib);
int create_handle(struct domain *d, const uint8_t handle[16]);

#endif
