/* SPDX-License-Identifier: MIT */
/*
 * The frames of a share group (design decisions 4 and 6).
 *
 * With overcommit off, what the members of a group may hold of canonical
 * frames, and the metadata of that, is promised to them (dom/promise.c); so it
 * is set aside for the group when they come, and comes back when they go.  In
 * between the group takes from its own and gives back to its own: neither its
 * draws nor the heap say anything of it to other groups, whether its offers
 * match or not.
 *
 *  FP1  total = frames that came from the heap and did not go back: in the
 *       store, in the vector, waiting for a flush, canonical, and metadata.
 *  FP2  total <= target, but for what the group needs beyond, which goes to the
 *       heap as it comes back.  With overcommit on, target is 0 and blocks are
 *       taken as they are needed.
 *  FP3  a canonical frame is drawn uniformly from the vector, of POOL_LOW
 *       frames and more while the group has so many (a domain alone needs
 *       fewer), and of POOL_HIGH at most, so that M2P views stay compact.  The
 *       draws of each pool are a random sequence of its own.
 *  FP4  a frame that its last holder takes over leaves the group, and one of
 *       the heap takes its place: just as the heap gives one for a copy.
 *
 *  FP5  frames come and go in parts of one block or POOL_PART single ones:
 *       between two parts the lock is free and the others of the group draw
 *       (design decision 13).
 *
 * What the heap gets back when a member goes is single frames, drawn as the
 * canonical ones are, of what the vector has, and then blocks; when the last
 * goes, all.
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
 * Beside so many canonical frames: 0.7 % for holds and index entries; pages of
 * views, one for each 2 MiB that a frame is in; small tables, and frames that
 * are drawn for nothing.  All of it is a part of domain_metadata().
 */
uint64_t frame_pool_metadata(uint64_t frames);

/*
 * A domain comes, for which so many frames, and metadata, are set aside (0:
 * overcommit is on).  alone: it is all that the group will ever have.  NULL: no
 * memory.
 */
struct frame_pool *frame_pool_join(uint16_t group, bool alone, uint64_t frames);
/*
 * It goes, in three steps: it draws no more, and what was set aside for it is
 * to go back; a part of that goes (false: nothing is left to); nothing of its
 * own is in use.
 */
void frame_pool_stop(struct frame_pool *p, uint64_t frames);
/*
 * on: a member's frames are not set aside any more, but promised as its own
 * pages are (dom/promise.h): then the pool takes from the heap what it needs to
 * draw from, as with overcommit on, and what it has free is the heap's when
 * that is empty.
 */
void frame_pool_own(struct frame_pool *p, uint64_t frames, bool on);
bool frame_pool_give_part(struct frame_pool *p);
void frame_pool_leave(struct frame_pool *p);
struct frame_pool *frame_pool_of(uint16_t group); /* which has members */

/*
 * A random frame for a canonical page: kind SHARED, ref 0, hash
 * CANONICAL_FRESH; content undefined (the caller fills all of it).
 * INVALID_MFN: the pool has none; beyond: then one of the heap's.
 */
#define CANONICAL_FRESH	1	/* no page had it since */
mfn_t frame_pool_draw(struct frame_pool *p, bool beyond);
void frame_pool_free(struct frame_pool *p, mfn_t mfn);
/* A canonical frame is a domain's own from now on (FP4). */
void frame_pool_left(struct frame_pool *p);

/*
 * CPUs that have tables of a member's loaded; as domain.cpu_mask, of the group
 * (dom/vcpu.c, VCPU1).  A canonical frame came flushed, and only members map
 * it: so no other CPU knows it, and what members do with it is no flush to
 * others.
 */
void frame_pool_cpu_enters(struct frame_pool *p, uint32_t cpu);
void frame_pool_cpu_leaves(struct frame_pool *p, uint32_t cpu);
uint64_t frame_pool_cpus(const struct frame_pool *p);

/*
 * A canonical frame waits; how many do.  And all that do are the caller's, to
 * flush and to free.
 */
uint32_t frame_pool_wait(struct frame_pool *p, mfn_t mfn, uint64_t cpu_mask);
struct frame_queue frame_pool_waiting(struct frame_pool *p);
/* For all that have some waiting. */
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
 * The heap is empty: a frame of any pool, not yet taken off the free ones; or
 * INVALID_MFN.
 */
mfn_t frame_pools_take(void);

#endif
