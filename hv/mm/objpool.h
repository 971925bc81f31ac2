/* SPDX-License-Identifier: MIT */
/*
 * Small objects, 16 bytes to 1 KiB in power-of-two classes, from single pages;
 * larger requests take whole pages.  Zeroed.  A page whose objects are all free
 * goes back to the heap at once, so that "every frame is back" can be checked.
 * LOCK_OBJPOOL.
 */
#ifndef HV_MM_OBJPOOL_H
#define HV_MM_OBJPOOL_H

#include "lib/types.h"

void *obj_alloc(size_t bytes);			/* NULL if there is no memory */
void obj_free(void *obj, size_t bytes);		/* the size it was allocated with; NULL is ignored */

#endif
