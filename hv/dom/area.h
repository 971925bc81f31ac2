/* SPDX-License-Identifier: MIT */
/*
 * Pages that a guest names by machine frame for the hypervisor to write to.
 * Provided above (pv/resolve.c), which knows page types and sharing.
 */
#ifndef HV_DOM_AREA_H
#define HV_DOM_AREA_H

#include "dom/domain.h"

/*
 * A general and a WRITABLE reference on the page that d calls mfn.  -EPERM,
 * -EBUSY, -EINVAL.  The caller holds no lock.
 */
int resolve_area(struct domain *d, mfn_t mfn, struct frame **frame) must_check;
void resolve_area_put(struct domain *d, struct frame *f);

#endif
