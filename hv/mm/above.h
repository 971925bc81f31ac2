/* SPDX-License-Identifier: MIT */
/* What mm/ asks of the layers above. */
#ifndef HV_MM_ABOVE_H
#define HV_MM_ABOVE_H

#include "mm/frame.h"

/*
 * The last reference of an OWNED frame went.  Takes the frame off its owner's
 * list, lowers pages.total, and gives the frame to palloc_free_frame() only
 * when no TLB has a stale translation of it.  Takes LOCK_PAGELIST and
 * LOCK_HEAP.  dom/reclaim.c
 */
void frame_owner_free(domid_hv_t owner, struct frame *f);

#endif
