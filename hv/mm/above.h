/* SPDX-License-Identifier: MIT */
/* What mm/ asks of the layers above. */
#ifndef HV_MM_ABOVE_H
#define HV_MM_ABOVE_H

#include "mm/frame.h"

/*
 * The last reference of an OWNED frame went.  Takes it off the owner's list,
 * lowers pages.total and sees to it that no stale translation outlives it
 * before it goes to palloc_free_frame().  Takes LOCK_PAGELIST and LOCK_HEAP.
 * dom/reclaim.c
 */
void frame_owner_free(domid_hv_t owner, struct frame *f);

#endif
