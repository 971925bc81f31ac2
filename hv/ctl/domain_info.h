/* SPDX-License-Identifier: MIT */
/* What the first domain is told of a domain. */
#ifndef HV_CTL_DOMAIN_INFO_H
#define HV_CTL_DOMAIN_INFO_H

#include "dom/domain.h"

#include <xen/domctl.h>

/*
 * All of *info.  The domain goes on meanwhile: each field is true of some
 * moment of the call.
 */
void domain_info_fill(struct domain *d, struct xen_domctl_getdomaininfo *info);

#endif
