/* SPDX-License-Identifier: MIT */
/*
 * Frame allocation; palloc.h has the rules (P1-P3).
 *
 * Free blocks are on one list an order, linked through their first frame; that
 * frame's state carries order + 1.  Two lists an order would save no scrubbing:
 * DIRTY is kept a frame, so a block may be partly clean.
 *
 * The pool of canonical frames is a small vector of frame numbers, so that a
 * uniformly random one is drawn and removed in O(1).  Its size is bounded: what
 * comes back beyond POOL_HIGH goes to the heap.
 */
#include <port.h>
#include <errno.h>

#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "x86/cpu.h"
#include "x86/spinlock.h"

#define ORDERS		(PALLOC_MAX_ORDER + 1)
#define NO_FRAME	0	/* mfn 0 is never RAM that we hand out */

static struct spinlock heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static uint32_t free_list[ORDERS];	/* LOCK_HEAP */
static uint64_t free_frames;		/* atomic; P1 */
static uint64_t total_frames;		/* constant after boot */

/* An audit: frames below the mark have been counted.  Kept true by note_free(). */
static mfn_t counted_end;		/* 0: none; written with the machine stopped */
static uint64_t counted_free;		/* atomic */

#define POOL_LOW	1024	/* refill below: entropy of the draw (SH26) */
#define POOL_HIGH	4096	/* frames that come back beyond go to the heap */
#define POOL_BLOCK_ORDER 9

static struct spinlock pool_lock = SPINLOCK_INIT(LOCK_POOL);
static uint32_t pool_vec[POOL_HIGH];	/* LOCK_POOL */
static uint32_t pool_count;		/* LOCK_POOL */
_Static_assert(POOL_LOW + (1 << POOL_BLOCK_ORDER) <= POOL_HIGH,
	       "a refill fits");

static uint64_t make_state(enum frame_kind kind, domid_hv_t owner, uint32_t ref)
{
	return ((uint64_t)kind << FRAME_KIND_SHIFT) |
	       ((uint64_t)owner << FRAME_OWNER_SHIFT) | ref;
}

static void set_state(struct frame *f, uint64_t state)
{
	__atomic_store_n(&f->state, state, __ATOMIC_RELEASE);
}

static inline void note_counted(mfn_t mfn, uint64_t frames, bool freed)
{
	if (likely(mfn >= counted_end))
		return;
	frames = MIN(frames, counted_end - mfn);
	__atomic_add_fetch(&counted_free, freed ? frames : -frames,
			   __ATOMIC_RELAXED);
}

/* Frames from mfn on become free, or are no longer. */
static inline void note_free(mfn_t mfn, uint64_t frames, bool freed)
{
	__atomic_add_fetch(&free_frames, freed ? frames : -frames,
			   __ATOMIC_RELAXED);
	note_counted(mfn, frames, freed);
}

/* --- free lists; all under LOCK_HEAP --- */

static void list_push(mfn_t mfn, unsigned int order)
{
	struct frame *f = mfn_to_frame(mfn);

	set_state(f, (f->state & ~FRAME_ORDER_MASK) |
		     ((uint64_t)(order + 1) << FRAME_ORDER_SHIFT));
	f->prev = NO_FRAME;
	f->next = free_list[order];
	if (f->next != NO_FRAME)
		mfn_to_frame(f->next)->prev = mfn;
	free_list[order] = mfn;
}

static void list_take(mfn_t mfn, unsigned int order)
{
	struct frame *f = mfn_to_frame(mfn);

	if (f->prev != NO_FRAME)
		mfn_to_frame(f->prev)->next = f->next;
	else
		free_list[order] = f->next;
	if (f->next != NO_FRAME)
		mfn_to_frame(f->next)->prev = f->prev;
	f->next = f->prev = NO_FRAME;
	set_state(f, f->state & ~FRAME_ORDER_MASK);
}

static bool is_free_block(mfn_t mfn, unsigned int order)
{
	uint64_t state;

	if (!frame_valid(mfn))
		return false;
	state = frame_state(mfn_to_frame(mfn));
	return frame_state_kind(state) == FRAME_FREE &&
	       (state & FRAME_ORDER_MASK) ==
	       ((uint64_t)(order + 1) << FRAME_ORDER_SHIFT);
}

static void block_free(mfn_t mfn, unsigned int order)
{
	while (order < PALLOC_MAX_ORDER &&
	       is_free_block(mfn ^ (1UL << order), order)) {
		list_take(mfn ^ (1UL << order), order);
		mfn &= ~(1UL << order);
		order++;
	}
	list_push(mfn, order);
}

static mfn_t block_alloc(unsigned int order)
{
	unsigned int have = order;
	mfn_t mfn;

	while (have < ORDERS && free_list[have] == NO_FRAME)
		have++;
	if (have == ORDERS)
		return INVALID_MFN;
	mfn = free_list[have];
	list_take(mfn, have);
	while (have > order) {
		have--;
		list_push(mfn + (1UL << have), have);
	}
	return mfn;
}

/* --- the two ways in and out that everything below uses --- */

static void frame_clear(struct frame *f)
{
	f->type = 0;
	f->next = f->prev = NO_FRAME;
	set_state(f, make_state(FRAME_FREE, 0, 0) | FRAME_DIRTY);
}

/* Frames that nobody references; content may be anything. */
static void frames_release(mfn_t mfn, unsigned int order)
{
	mfn_t i;

	for (i = mfn; i < mfn + (1UL << order); i++)
		frame_clear(mfn_to_frame(i));
	spin_lock(&heap_lock);
	block_free(mfn, order);
	spin_unlock(&heap_lock);
	note_free(mfn, 1UL << order, true);
}

static mfn_t pool_draw(void);

/* Frames in state FREE, on no list; INVALID_MFN if there are none. */
static mfn_t frames_acquire(unsigned int order)
{
	mfn_t mfn;

	spin_lock(&heap_lock);
	mfn = block_alloc(order);
	spin_unlock(&heap_lock);
	if (mfn == INVALID_MFN && order == 0) {
		spin_lock(&pool_lock);
		mfn = pool_draw();	/* P3: the pool is free memory too */
		spin_unlock(&pool_lock);
	}
	if (mfn != INVALID_MFN)
		note_free(mfn, 1UL << order, false);
	return mfn;
}

static void scrub(mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);

	if (f->state & FRAME_DIRTY)
		memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
}

/* As frames_acquire(), zeroed, each frame in `state`. */
static mfn_t frames_prepare(unsigned int order, uint64_t state)
{
	mfn_t mfn = frames_acquire(order), i;

	if (mfn == INVALID_MFN)
		return mfn;
	for (i = mfn; i < mfn + (1UL << order); i++) {
		struct frame *f = mfn_to_frame(i);

		scrub(i);
		f->type = 0;
		f->private = 0;
		set_state(f, state);
	}
	return mfn;
}

void palloc_add_range(mfn_t first, mfn_t end)
{
	mfn_t mfn = first;

	while (mfn < end) {
		unsigned int order = mfn ? __builtin_ctzl(mfn) : 0;

		if (order > PALLOC_MAX_ORDER)
			order = PALLOC_MAX_ORDER;
		while (mfn + (1UL << order) > end)
			order--;
		frames_release(mfn, order);
		mfn += 1UL << order;
	}
	total_frames += end - first;
}

void *palloc_hv(unsigned int order)
{
	mfn_t mfn = frames_prepare(order, make_state(FRAME_HV, 0, 1));

	return mfn == INVALID_MFN ? NULL : mfn_to_virt(mfn);
}

void palloc_hv_free(void *virt, unsigned int order)
{
	mfn_t mfn = virt_to_mfn(virt);

	ASSERT(frame_state_kind(mfn_to_frame(mfn)->state) == FRAME_HV);
	frames_release(mfn, order);
}

mfn_t palloc_hv_copy(mfn_t from)
{
	mfn_t mfn = frames_acquire(0);
	struct frame *f;

	if (mfn == INVALID_MFN)
		return mfn;
	memcpy(mfn_to_virt(mfn), mfn_to_virt(from), PAGE_SIZE);
	f = mfn_to_frame(mfn);
	f->type = 0;
	f->private = 0;
	set_state(f, make_state(FRAME_HV, 0, 1));
	return mfn;
}

void *palloc_heap(domid_hv_t owner, unsigned int order, bool writable)
{
	uint64_t state = make_state(FRAME_HEAP, owner, 0) | FRAME_NOHEAP |
			 (writable ? FRAME_HEAP_RW : 0);
	mfn_t mfn = frames_prepare(order, state);

	return mfn == INVALID_MFN ? NULL : mfn_to_virt(mfn);
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
	palloc_free_list(frame_to_mfn(f));
}

/* The lock is taken once: it is the one that all CPUs meet at. */
void palloc_free_list(uint32_t first)
{
	uint64_t count = 0;

	spin_lock(&heap_lock);
	while (first != NO_FRAME) {
		struct frame *f = mfn_to_frame(first);
		mfn_t mfn = first;

		CHECK(frame_state_ref(f->state) == 0 &&
		      type_count(f->type) == 0);
		first = f->next;
		frame_clear(f);
		block_free(mfn, 0);
		note_counted(mfn, 1, true);
		count++;
	}
	spin_unlock(&heap_lock);
	__atomic_add_fetch(&free_frames, count, __ATOMIC_RELAXED);
}

/* --- the pool; all under LOCK_POOL --- */

static void pool_push(mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);

	f->type = 0;
	f->hash = 0;
	set_state(f, make_state(FRAME_POOL, 0, 0) | FRAME_DIRTY);
	pool_vec[pool_count++] = mfn;
}

/* Remove a uniformly random frame; its state is POOL.  INVALID_MFN: empty. */
static mfn_t pool_draw(void)
{
	uint32_t i;
	mfn_t mfn;

	if (!pool_count)
		return INVALID_MFN;
	/* A 64-bit draw modulo at most 2^12: the bias is below 2^-52. */
	i = random_u64() % pool_count;
	mfn = pool_vec[i];
	pool_vec[i] = pool_vec[--pool_count];
	return mfn;
}

/* Bring one block, the largest there is up to 2 MiB, from the heap. */
static bool pool_refill(void)
{
	unsigned int order = POOL_BLOCK_ORDER + 1;
	mfn_t mfn = INVALID_MFN, i;

	spin_lock(&heap_lock);
	while (mfn == INVALID_MFN && order > 0)
		mfn = block_alloc(--order);
	spin_unlock(&heap_lock);
	if (mfn == INVALID_MFN)
		return false;
	for (i = mfn; i < mfn + (1UL << order); i++)
		pool_push(i);
	return true;
}

mfn_t palloc_canonical(uint16_t group)
{
	mfn_t mfn;

	spin_lock(&pool_lock);
	while (pool_count < POOL_LOW && pool_refill())
		;
	mfn = pool_draw();
	spin_unlock(&pool_lock);
	if (mfn == INVALID_MFN)
		return mfn;
	note_free(mfn, 1, false);
	mfn_to_frame(mfn)->type = (uint64_t)CLASS_SHARED << TYPE_CLASS_SHIFT;
	mfn_to_frame(mfn)->hash = 0;
	set_state(mfn_to_frame(mfn), make_state(FRAME_SHARED, group, 0));
	return mfn;
}

void palloc_canonical_free(mfn_t mfn)
{
	struct frame *f = mfn_to_frame(mfn);
	bool kept;

	CHECK(frame_state_kind(f->state) == FRAME_SHARED);
	CHECK(frame_state_ref(f->state) == 0);
	spin_lock(&pool_lock);
	kept = pool_count < POOL_HIGH;
	if (kept)
		pool_push(mfn);
	spin_unlock(&pool_lock);
	if (kept)
		note_free(mfn, 1, true);
	else
		frames_release(mfn, 0);
}

uint64_t palloc_free_count(void)
{
	return __atomic_load_n(&free_frames, __ATOMIC_RELAXED);
}

uint64_t palloc_counted(mfn_t end, uint64_t free)
{
	counted_end = end;
	if (!end)
		counted_free = 0;
	return __atomic_add_fetch(&counted_free, free, __ATOMIC_RELAXED);
}

uint64_t palloc_total_count(void)
{
	return total_frames;
}
