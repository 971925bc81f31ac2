/* SPDX-License-Identifier: MIT */
/*
 * Small objects, 16 to 512 bytes in power-of-two classes and to OBJ_LARGEST in
 * one more, from single pages; larger requests take whole pages.  Zeroed.  A
 * page whose objects are all free goes back at once to where it came from, so
 * that "every frame is back" can be checked.  LOCK_OBJPOOL.
 */
#ifndef HV_MM_OBJPOOL_H
#define HV_MM_OBJPOOL_H

#include "lib/types.h"
#include "x86/spinlock.h"

#define OBJ_MIN_SHIFT	4
#define OBJ_MAX_SHIFT	10	/* this class is no power of two: */
#define OBJ_LARGEST	1344u	/* three of them, and 64 bytes, are a page */

struct frame_pool;

/* All zero but for the lock and `from`: nothing is there. */
struct objpool {
	struct spinlock lock;		/* LOCK_OBJPOOL */
	/* the pool that pages come from; NULL: the heap.  Constant */
	struct frame_pool *from;
	/* lock: pages with a free object, one list for each class */
	void *partial[OBJ_MAX_SHIFT - OBJ_MIN_SHIFT + 1];
};

/* NULL if there is no memory */
void *objpool_alloc(struct objpool *pool, size_t bytes);
/* the size it was allocated with; NULL is ignored */
void objpool_free(struct objpool *pool, void *obj, size_t bytes);

/* The hypervisor's own. */
void *obj_alloc(size_t bytes);
void obj_free(void *obj, size_t bytes);

#endif
