/* SPDX-License-Identifier: MIT */
/*
 * A page of a guest that holds a ring of which the hypervisor is the other end:
 * a general and a WRITABLE reference, so that it can neither be freed nor
 * become a page table while we write to it.
 */
#ifndef HV_DOM_RINGPAGE_H
#define HV_DOM_RINGPAGE_H

#include "dom/pages.h"

static inline int ringpage_get(struct domain *d, struct frame *f)
{
	int rc = frame_get(f, d->id);

	if (rc)
		return rc;
	rc = domain_writable_get(d, f);
	if (rc)
		frame_put(f);
	return rc;
}

static inline void ringpage_put(struct frame *f)
{
	domain_writable_put(f);
	frame_put(f);
}

#endif
