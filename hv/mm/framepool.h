/* SPDX-License-Identifier: MIT */
/*
 * The frames of a share group (design decisions 4 and 6).
 *
 * With overcommit off, members of a group are promised the canonical frames
 * that they may hold, and the metadata for them (dom/promise.c).  So these
 * frames are set aside for the group when a member comes, and go back to the
 * heap when it leaves.  In between, the group draws from its own frames and
 * gives back to them: other groups learn nothing by their own draws or by the
 * heap, whether this group's offers match or not.
 *
 *  FP1  total = frames that came from the heap and did not go back: in the
 *       store, in the vector, waiting for a flush, canonical, and metadata.
 *  FP2  total <= target, unless the group needed more; frames beyond the target
 *       go to the heap when they come back.  With overcommit on, target is 0
 *       and blocks are taken as they are needed.
 *  FP3  a canonical frame is drawn uniformly from the vector.  The vector has
 *       at least POOL_LOW frames while the group has so many (a domain alone
 *       needs fewer), and at most POOL_HIGH, so that M2P views stay compact.
 *       The draws of each pool are a random sequence of its own.
 *  FP4  when the last holder takes a canonical frame over, the frame leaves the
 *       group and one of the heap's takes its place: the heap gives one frame,
 *       just as it would for a copy.
 *
 *  FP5  frames come and go in parts of one block or POOL_PART single ones:
 *       between two parts the lock is free and the others of the group draw
 *       (design decision 13).
 *
 * When a member goes, the heap gets back single frames of the vector first,
 * drawn as canonical ones are, and then blocks; when the last member goes, all.
 */
#ifndef HV_MM_FRAMEPOOL_H
#define HV_MM_FRAMEPOOL_H

#include "mm/frame.h"

#define FRAME_POOLS	1024	/* groups that have a domain */

struct frame_pool;

/*
 * Canonical frames that wait for a flush of these CPUs; linked by frame.next.
 */
struct frame_queue {
	uint32_t first, count;
	uint64_t cpu_mask;
};

/*
 * Frames of metadata for so many canonical frames: 0.7 % for holds and index
 * entries; pages of views, one for each 2 MiB that has a frame; small tables;
 * and frames that are drawn and not used.  domain_metadata() includes all of
 * it.
 */
uint64_t frame_pool_metadata(uint64_t frames);

/*
 * A domain joins the group: `frames` frames, and metadata for them, are set
 * aside for it (0 with overcommit on).  alone: the group will never have
 * another.  NULL: no memory.
 */
struct frame_pool *frame_pool_join(uint16_t group, bool alone, uint64_t frames);
/*
 * A domain leaves in three steps.  _stop: it draws no more, and its frames are
 * to go back.  _give_part: some of them go; DONE: none was left to go.  _leave:
 * nothing of its own is in use any more.
 */
void frame_pool_stop(struct frame_pool *p, uint64_t frames);
/*
 * on: a member's frames are not set aside any more, but promised as its own
 * pages are (dom/promise.h): then the pool takes from the heap what it needs to
 * draw from, as with overcommit on, and what it has free is the heap's when
 * that is empty.
 */
void frame_pool_own(struct frame_pool *p, uint64_t frames, bool on);
enum progress frame_pool_give_part(struct frame_pool *p);
void frame_pool_leave(struct frame_pool *p);
/* of a group that has members */
struct frame_pool *frame_pool_of(uint16_t group);

/*
 * Random frames for canonical pages, up to `most`: kind SHARED, ref 0, hash
 * CANONICAL_FRESH; content undefined (the caller fills all of it).  If the pool
 * has none: the heap's if `beyond`.  Returns how many there were.
 */
#define CANONICAL_FRESH	1	/* no page has used the frame since */
uint32_t frame_pool_draw(struct frame_pool *p, uint32_t *frames, uint32_t most,
			 bool beyond);
void frame_pool_free(struct frame_pool *p, mfn_t mfn);
/* A canonical frame is a domain's own from now on (FP4). */
void frame_pool_left(struct frame_pool *p);

/*
 * CPUs that have page tables of any member loaded: what domain.cpu_mask is for
 * a domain (dom/vcpu.c, VCPU1).  A frame is flushed before it becomes
 * canonical, and only members map it; so no other CPU's TLB knows it, and
 * members' changes cost others no flush.
 */
void frame_pool_cpu_enters(struct frame_pool *p, uint32_t cpu);
void frame_pool_cpu_leaves(struct frame_pool *p, uint32_t cpu);
uint64_t frame_pool_cpus(const struct frame_pool *p);

/*
 * _wait: a canonical frame waits for its flush; returns how many do.  _waiting:
 * all that wait are the caller's now, to flush and to free.
 */
uint32_t frame_pool_wait(struct frame_pool *p, mfn_t mfn, uint64_t cpu_mask);
struct frame_queue frame_pool_waiting(struct frame_pool *p);
/* Call fn for each pool that has waiting frames. */
void frame_pools_each(void (*fn)(struct frame_pool *p));

/*
 * Metadata: zeroed, as obj_alloc() has it; pages are naturally aligned.  NULL:
 * none.
 */
void *frame_pool_alloc(struct frame_pool *p, size_t bytes);
void frame_pool_alloc_free(struct frame_pool *p, void *obj, size_t bytes);
void *frame_pool_pages(struct frame_pool *p, unsigned int order);
void frame_pool_pages_free(struct frame_pool *p, void *virt, unsigned int order);

/*
 * For an empty heap: a frame of any pool, still counted as free; or
 * INVALID_MFN.
 */
mfn_t frame_pools_take(void);

#endif
