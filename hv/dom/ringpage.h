/* SPDX-License-Identifier: MIT */
/*
 * A page of a guest that holds a ring of which the hypervisor is the other end: a
 * general and a WRITABLE reference, so that it can neither be freed nor become a
 * page table while we write to it.
 */
#ifndef HV_DOM_RINGPAGE_H
#define HV_DOM_RINGPAGE_H

#include "dom/domain.h"
#include "mm/pagetype.h"

static inline int ringpage_get(struct domain *d, struct frame *f)
{
	int rc = frame_get(f, d->id);

	if (rc)
		return rc;
	rc = pagetype_get(f, CLASS_WRITABLE);
	if (rc < 0) {
		frame_put(f);
		return rc;
	}
	return 0;
}

static inline void ringpage_put(struct frame *f)
{
	bool last = pagetype_put(f);

	ASSERT(!last); /* only tables and descriptor pages have a last use */
	(void)last;
	frame_put(f);
}

#endif
