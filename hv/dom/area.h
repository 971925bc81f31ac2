/* SPDX-License-Identifier: MIT */
/* Guest memory that the hypervisor writes through the direct map (vcpu_info); provided above, by pv/resolve.c. */
#ifndef HV_DOM_AREA_H
#define HV_DOM_AREA_H

#include "dom/domain.h"

/*
 * Takes a general reference and a WRITABLE type use, so that the frame can be neither
 * shared, typed otherwise nor freed. 0 or -errno.  The frame need not be the one that was named, which may
 * have been shared (pv/resolve.h, resolve_write()).  LOCK_MM is not held.
 */
int resolve_area(struct domain *d, mfn_t mfn, struct frame **frame) must_check;
void resolve_area_put(struct domain *d, struct frame *f);

#endif
