/* SPDX-License-Identifier: MIT */
/*
 * Frame allocation; palloc.h has the rules (PALLOC1-PALLOC4).
 *
 * The lists of free blocks are a struct buddy (buddy.c); the frames that are
 * set aside for share groups are in buddies of their own (framepool.c).
 */
#include <port.h>
#include <errno.h>

#include "mm/framepool.h"
#include "mm/pagetype.h"
#include "mm/palloc_private.h"
#include "x86/spinlock.h"

static struct spinlock heap_lock = SPINLOCK_INIT(LOCK_HEAP);
/* LOCK_HEAP */
static struct buddy heap = { .state = FRAME_STATE(FRAME_FREE, 0, 0) | FRAME_DIRTY };
static uint64_t free_frames;		/* atomic; PALLOC1 */
static uint64_t total_frames;		/* constant after boot */

/*
 * For an audit: frames below counted_end have been counted, counted_free of
 * them as free.  note_free() keeps that true.
 */
/* 0: none; written with the machine stopped */
static mfn_t counted_end;
static uint64_t counted_free;		/* atomic */

static void note_counted(mfn_t mfn, uint64_t frames, bool freed)
{
	frames = MIN(frames, mfn_n(counted_end) - mfn_n(mfn));
	atomic_add(&counted_free, freed ? frames : -frames);
}

/* Frames from mfn on become free, or are no longer. */
static inline void note_free(mfn_t mfn, uint64_t frames, bool freed)
{
	atomic_add(&free_frames, freed ? frames : -frames);
	if (unlikely(mfn_n(mfn) < mfn_n(counted_end)))
		note_counted(mfn, frames, freed);
}

/* --- the two ways in and out that everything below uses --- */

static void frame_clear(struct frame *f)
{
	f->type = 0;
	f->next = f->prev = NO_FRAME;
	frame_set_state(f, heap.state);
}

/* Frames that nobody references; content may be anything. */
static void frames_release(mfn_t mfn, unsigned int order)
{
	heap_give(mfn, order);
	note_free(mfn, 1UL << order, true);
}

/*
 * Frames in state FREE, on no list; INVALID_MFN if there are none.  A single
 * one may have a place.
 */
static mfn_t frames_acquire(unsigned int order, struct palloc_place *place)
{
	mfn_t mfn = place ? heap_take_near(place, &order) : heap_take(order);

	if (mfn_eq(mfn, INVALID_MFN) && order == 0)
		mfn = frame_pools_take(); /* PALLOC3: it is free, too */
	if (!mfn_eq(mfn, INVALID_MFN))
		note_free(mfn, 1UL << order, false);
	return mfn;
}

static void scrub(mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);

	if (frame_state(f) & FRAME_DIRTY)
		memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
}

/* Zeroed, each frame in `state`. */
static void frames_set(mfn_t mfn, unsigned int order, uint64_t state)
{
	uint64_t i;

	for (i = 0; i < 1UL << order; i++) {
		struct frame *f = mfn_to_frame(mfn_add(mfn, i));

		scrub(mfn_add(mfn, i));
		f->type = 0;
		f->hash = 0;
		frame_set_state(f, state);
	}
}

/* As frames_acquire() and frames_set(). */
static mfn_t frames_prepare(unsigned int order, uint64_t state)
{
	mfn_t mfn = frames_acquire(order, NULL);

	if (!mfn_eq(mfn, INVALID_MFN))
		frames_set(mfn, order, state);
	return mfn;
}

/* The largest block that begins at mfn and is not beyond end. */
static unsigned int order_at(mfn_t mfn, mfn_t end)
{
	unsigned int order = mfn_n(mfn) ? __builtin_ctzl(mfn_n(mfn)) : 0;

	order = MIN(order, (unsigned int)PALLOC_MAX_ORDER);
	while (mfn_n(mfn) + (1UL << order) > mfn_n(end))
		order--;
	return order;
}

void palloc_add_range(mfn_t first, mfn_t end)
{
	mfn_t mfn = first;

	while (mfn_n(mfn) < mfn_n(end)) {
		unsigned int order = order_at(mfn, end);

		frames_release(mfn, order);
		mfn = mfn_add(mfn, 1UL << order);
	}
	total_frames += mfn_n(end) - mfn_n(first);
}

void *palloc_hv(unsigned int order)
{
	mfn_t mfn = frames_prepare(order, FRAME_STATE(FRAME_HV, 0, 1));

	return mfn_eq(mfn, INVALID_MFN) ? NULL : mfn_to_virt(mfn);
}

void *palloc_hv_below(unsigned int order, mfn_t end)
{
	mfn_t mfn;

	if (mfn_n(frame_max_mfn) <= mfn_n(end))
		return palloc_hv(order);
	spin_lock(&heap_lock);
	mfn = buddy_take_below(&heap, order, end);
	spin_unlock(&heap_lock);
	if (mfn_eq(mfn, INVALID_MFN))
		return NULL;
	note_free(mfn, 1UL << order, false);
	return palloc_hv_from(mfn, order);
}

void palloc_hv_free(void *virt, unsigned int order)
{
	mfn_t mfn = virt_to_mfn(virt);

	ASSERT(frame_state_kind(mfn_to_frame(mfn)->state) == FRAME_HV);
	frames_release(mfn, order);
}

void *palloc_hv_near(struct palloc_place *place)
{
	mfn_t mfn = frames_acquire(0, place);

	return mfn_eq(mfn, INVALID_MFN) ? NULL : palloc_hv_from(mfn, 0);
}

mfn_t palloc_hv_copy(mfn_t from, struct palloc_place *place)
{
	mfn_t mfn = frames_acquire(0, place);
	struct frame *f;

	if (mfn_eq(mfn, INVALID_MFN))
		return mfn;
	memcpy(mfn_to_virt(mfn), mfn_to_virt(from), PAGE_SIZE);
	f = mfn_to_frame(mfn);
	f->type = 0;
	f->hash = 0;
	frame_set_state(f, FRAME_STATE(FRAME_HV, 0, 1));
	return mfn;
}

void *palloc_heap(domid_hv_t owner, unsigned int order, bool writable)
{
	uint64_t state = FRAME_STATE(FRAME_HEAP, owner, 0) | FRAME_NOHEAP |
			 (writable ? FRAME_HEAP_RW : 0);
	mfn_t mfn = frames_prepare(order, state);

	return mfn_eq(mfn, INVALID_MFN) ? NULL : mfn_to_virt(mfn);
}

void palloc_heap_free(void *virt)
{
	struct frame *f = mfn_to_frame(virt_to_mfn(virt));

	CHECK(frame_state_kind(f->state) == FRAME_HEAP);
	CHECK(!(f->state & FRAME_NOHEAP));
	CHECK(frame_state_ref(f->state) == 0 && type_count(f->type) == 0);
	frames_release(frame_to_mfn(f), 0);
}

void palloc_free_frame(struct frame *f)
{
	f->next = NO_FRAME;
	palloc_free_list(frame_link(frame_to_mfn(f)));
}

/* Returns the frame behind it in the list. */
static uint32_t listed_clear(uint32_t link)
{
	struct frame *f = frame_linked(link);
	uint32_t next = f->next;

	CHECK(frame_state_ref(frame_state(f)) == 0 && type_count(f->type) == 0);
	frame_clear(f);
	return next;
}

static void row_give(mfn_t first, mfn_t end)
{
	while (mfn_n(first) < mfn_n(end)) {
		unsigned int order = order_at(first, end);

		buddy_give(&heap, first, order);
		first = mfn_add(first, 1UL << order);
	}
}

/*
 * LOCK_HEAP is taken once for the list, because all CPUs compete for it.  What
 * was freed page after page stands in the list downwards, and goes back as
 * blocks.
 */
void palloc_free_list(uint32_t first)
{
	uint64_t count = 0;

	spin_lock(&heap_lock);
	while (first != NO_FRAME) {
		uint32_t last = first, next = listed_clear(first);

		while (next != NO_FRAME && next == first - 1) {
			first = next;
			next = listed_clear(first);
		}
		if (first == last)
			buddy_give(&heap, MFN(first), 0);
		else
			row_give(MFN(first), MFN(last + 1UL));
		if (unlikely(first < mfn_n(counted_end)))
			note_counted(MFN(first), last + 1UL - first, true);
		count += last + 1UL - first;
		first = next;
	}
	spin_unlock(&heap_lock);
	atomic_add(&free_frames, count);
}

/* --- for the frames of share groups (framepool.c) --- */

mfn_t heap_take(unsigned int order)
{
	mfn_t mfn;

	spin_lock(&heap_lock);
	mfn = buddy_take(&heap, order);
	spin_unlock(&heap_lock);
	return mfn;
}

mfn_t heap_take_near(struct palloc_place *place, unsigned int *order)
{
	mfn_t mfn;

	spin_lock(&heap_lock);
	mfn = buddy_take_near(&heap, place, order);
	spin_unlock(&heap_lock);
	return mfn;
}

void heap_give(mfn_t mfn, unsigned int order)
{
	uint64_t i;

	for (i = 0; i < 1UL << order; i++)
		frame_clear(mfn_to_frame(mfn_add(mfn, i)));
	spin_lock(&heap_lock);
	buddy_give(&heap, mfn, order);
	spin_unlock(&heap_lock);
}

void palloc_note(mfn_t mfn, uint64_t frames, bool freed)
{
	note_free(mfn, frames, freed);
}

void palloc_note_used(const uint32_t *mfns, uint32_t count)
{
	uint32_t i;

	atomic_add(&free_frames, -(uint64_t)count);
	for (i = 0; unlikely(mfn_n(counted_end)) && i < count; i++)
		if (mfns[i] < mfn_n(counted_end))
			note_counted(MFN(mfns[i]), 1, false);
}

void *palloc_hv_from(mfn_t mfn, unsigned int order)
{
	frames_set(mfn, order, FRAME_STATE(FRAME_HV, 0, 1));
	return mfn_to_virt(mfn);
}

uint64_t palloc_free_count(void)
{
	return atomic_load_relaxed(&free_frames);
}

uint64_t palloc_counted(mfn_t end, uint64_t free)
{
	counted_end = end;
	if (!mfn_n(end))
		counted_free = 0;
	return atomic_add(&counted_free, free);
}

uint64_t palloc_total_count(void)
{
	return total_frames;
}
