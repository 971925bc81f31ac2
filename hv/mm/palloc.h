/* SPDX-License-Identifier: MIT */
/*
 * Frame allocation: a buddy allocator over all RAM.  framepool.h has the frames
 * that are set aside for canonical pages.
 *
 * PALLOC1  free_frames counts FREE and POOL frames; it is exact under
 *          LOCK_HEAP.
 * PALLOC2  a frame handed to a domain, or to the hypervisor, is all zero:
 *          frames that come back are marked DIRTY and scrubbed at the latest
 *          when they are handed out.
 * PALLOC3  when the buddy allocator is empty, single frames come out of the
 *          groups' pools.
 * PALLOC4  frames that one owner takes one by one lie together (palloc_place),
 *          also where memory is in pieces.
 */
#ifndef HV_MM_PALLOC_H
#define HV_MM_PALLOC_H

#include "mm/frame.h"

#define PALLOC_MAX_ORDER 18	/* 1 GiB */

/*
 * Where one who takes frame after frame took the last one.  The next ones come
 * from the same 2 MiB while there are some: a view of the M2P needs a page for
 * each 2 MiB of which it names a frame (mm/m2p.h).  Zeroed at first; LOCK_HEAP.
 */
struct palloc_place {
	uint32_t next;		/* mfn; 0: none */
};

/*
 * Boot: hand [first, end) to the allocator. Frames must be in the frame table.
 */
void palloc_add_range(mfn_t first, mfn_t end);

/*
 * 2^order zeroed frames for the hypervisor (kind HV), naturally aligned; NULL
 * if none.
 */
void *palloc_hv(unsigned int order);
/*
 * The same, of frames below `end`.  NULL also if there are some but they were
 * not found soon.
 */
void *palloc_hv_below(unsigned int order, mfn_t end);
void palloc_hv_free(void *virt, unsigned int order);

/* One, near the last that was taken with this place; NULL: wherever it is. */
void *palloc_hv_near(struct palloc_place *place);

/*
 * The same, but it holds a copy of `from`, not zeroes; INVALID_MFN if none.
 * (dom/pages.c makes domains' pages by these two functions, and publishes them
 * when they are whole.)
 */
mfn_t palloc_hv_copy(mfn_t from, struct palloc_place *place);
/*
 * 2^order hypervisor pages that `owner` may map (kind HEAP, ref 0, NOHEAP).
 * Each is freed by palloc_heap_free() when its ref is 0 and NOHEAP was cleared
 * (dom/heappages.h).
 */
void *palloc_heap(domid_hv_t owner, unsigned int order, bool writable);
void palloc_heap_free(void *virt);

/*
 * Give back one OWNED frame whose references are gone (called by frame_put()).
 */
void palloc_free_frame(struct frame *f);
/* The same for a list of them, linked by frame.next; 0 ends it. */
void palloc_free_list(uint32_t first);

uint64_t palloc_free_count(void);	/* PALLOC1, in frames */
/*
 * For an audit that stops the machine again and again and counts some free
 * frames each time: frames below `end` (0: the audit is over) have been
 * counted, `free` of them as free.  Returns how many of all frames counted so
 * far are free now.
 */
uint64_t palloc_counted(mfn_t end, uint64_t free);
/* all frames ever given by palloc_add_range() */
uint64_t palloc_total_count(void);

#endif
