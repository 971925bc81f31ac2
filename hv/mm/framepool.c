/* SPDX-License-Identifier: MIT */
/*
 * See framepool.h.  A pool has a store, which is a buddy allocator of its own;
 * a vector of single frames, refilled from the store, from which canonical
 * frames are drawn in O(1); and a second store for metadata, which needs frames
 * in a row.  Pools are in a fixed table, so that a frame can come back to a
 * pool whose group is gone; the pool's slot is free when the last frame has
 * come back.
 */
#include <port.h>

#include "mm/framepool.h"
#include "mm/objpool.h"
#include "mm/pagetype.h"
#include "mm/palloc_private.h"
#include "x86/cpu.h"

/* refill below this: entropy of the draw (SH26); */
#define POOL_LOW	1024
#define LOW_ALONE	64	/* a domain alone has nobody to draw against */
/*
 * with so many in the vector, frames that come back go to the store, or the
 * heap
 */
#define POOL_HIGH	4096
/* of a refill: 2 MiB, for which a view needs one page */
#define BLOCK_ORDER	9
#define BLOCK_ALONE	6
#define BLOCK_LEAST	5	/* below that what lies together is better */
#define VEC_ORDER	2
#define POOL_PART	64u	/* FP5 */
_Static_assert(POOL_LOW + (1 << BLOCK_ORDER) <= POOL_HIGH, "a refill fits");
_Static_assert(POOL_HIGH * sizeof(uint32_t) == PAGE_SIZE << VEC_ORDER, "vec");

struct frame_pool {
	/* LOCK_POOL: all below, but where it says otherwise */
	struct spinlock lock;
	/*
	 * to change it takes LOCK_POOLS, too; 0, and total 0: the slot is free
	 */
	uint32_t members;
	/* members for which frame_pool_stop() was not called */
	uint32_t staying;
	uint32_t own;			/* frame_pool_own() */
	/* FP1, FP2; also read without the lock */
	uint64_t target, total;
	struct buddy store, meta;
	uint32_t *vec;			/* NULL: no members */
	uint32_t count;			/* of vec */
	uint32_t low;			/* FP3 */
	struct palloc_place place;	/* of refills from the heap */
	unsigned int block;		/* order of a refill */
	uint64_t stream;		/* FP3 */
	uint64_t random;		/* left of the stream's last number */
	uint32_t draws_left;		/* that it is good for */
	struct frame_queue waiting;
	uint64_t cpus;			/* atomic: frame_pool_cpus() */
	uint16_t group;
	struct objpool objects;		/* its own lock */
};

static struct spinlock pools_lock = SPINLOCK_INIT(LOCK_POOLS);
static struct frame_pool pools[FRAME_POOLS];

uint64_t frame_pool_metadata(uint64_t frames)
{
	uint64_t leaves = palloc_total_count() / (PAGE_SIZE / sizeof(uint64_t));

	return frames ? frames / 100 + MIN(leaves, frames / 64) + 48 : 0;
}

/* --- frames in and out; the pool's lock --- */

static void frames_set_aside(const struct buddy *b, mfn_t mfn, unsigned int order)
{
	uint64_t i;

	for (i = 0; i < 1UL << order; i++) {
		struct frame *f = mfn_to_frame(mfn_add(mfn, i));

		f->type = 0;
		f->hash = 0;
		frame_set_state(f, b->state);
	}
}

static unsigned int order_within(uint64_t frames)
{
	return 63 - __builtin_clzl(frames);
}

/*
 * Move a block from the heap into a store: the largest up to this order; of
 * small ones one beside the last.
 */
static bool block_take(struct frame_pool *p, struct buddy *b, unsigned int order)
	needs_lock(&p->lock)
{
	mfn_t mfn = heap_take(order);

	while (mfn_eq(mfn, INVALID_MFN) && order > BLOCK_LEAST)
		mfn = heap_take(--order);
	if (mfn_eq(mfn, INVALID_MFN))
		mfn = heap_take_near(&p->place, &order);
	if (mfn_eq(mfn, INVALID_MFN))
		return false;
	frames_set_aside(b, mfn, order);
	buddy_give(b, mfn, order);
	p->total += 1UL << order;
	return true;
}

static void to_heap(struct frame_pool *p, mfn_t mfn, unsigned int order)
{
	CHECK(p->total >= 1UL << order);	/* FP1 */
	heap_give(mfn, order);
	p->total -= 1UL << order;
}

/* FP2: else a pool is bounded by its vector. */
static bool bounded(const struct frame_pool *p)
{
	return p->target && !p->own;
}

static bool goes_back(const struct frame_pool *p)
{
	return !p->staying || (bounded(p) && p->total > p->target);
}

static void single_put(struct frame_pool *p, mfn_t mfn) needs_lock(&p->lock)
{
	frames_set_aside(&p->store, mfn, 0);
	if (!goes_back(p) && p->count < POOL_HIGH)
		p->vec[p->count++] = mfn_n(mfn);
	else if (!goes_back(p) && bounded(p))
		buddy_give(&p->store, mfn, 0);
	else
		to_heap(p, mfn, 0);
}

/* One block, the largest of the store's up to 2 MiB, else of the heap's. */
static bool vec_refill(struct frame_pool *p) needs_lock(&p->lock)
{
	unsigned int order = p->block + 1;
	mfn_t mfn = INVALID_MFN;
	uint64_t i;

	while (mfn_eq(mfn, INVALID_MFN) && order > 0)
		mfn = buddy_take(&p->store, --order);
	if (mfn_eq(mfn, INVALID_MFN))
		return (!bounded(p) || p->total < p->target) &&
		       block_take(p, &p->store, p->block);
	for (i = 0; i < 1UL << order; i++)
		p->vec[p->count++] = mfn_n(mfn) + i;
	return true;
}

/*
 * A random number below `count`, which is 2^12 at most.  A number of the
 * stream, taken as a fraction, makes three: count times it has the draw before
 * the point, and behind it what is left for the next.  The bias is below 2^-28.
 */
#define DRAWS	3
static uint32_t random_below(struct frame_pool *p, uint32_t count)
	needs_lock(&p->lock)
{
	unsigned __int128 drawn;

	if (!p->draws_left) {
		p->random = random_next(&p->stream);
		p->draws_left = DRAWS;
	}
	p->draws_left--;
	drawn = (unsigned __int128)p->random * count;
	p->random = (uint64_t)drawn;
	return drawn >> 64;
}

/* A random one of the vector's; its state is POOL. */
static inline mfn_t vec_draw(struct frame_pool *p) needs_lock(&p->lock)
{
	uint32_t i;
	mfn_t mfn;

	if (!p->count)
		return INVALID_MFN;
	i = random_below(p, p->count);
	mfn = MFN(p->vec[i]);
	p->vec[i] = p->vec[--p->count];
	return mfn;
}

/* --- members --- */

/*
 * Take one block from the heap into a store: at most `left` frames, and within
 * the target, which may fall meanwhile.  Returns how many frames came;
 * vec_refill() asks again for those that the heap did not have.
 */
static uint64_t set_aside_part(struct frame_pool *p, struct buddy *b, uint64_t left)
{
	uint64_t was;

	spin_lock(&p->lock);
	was = p->total;
	left = was < p->target ? MIN(left, p->target - was) : 0;
	if (left)
		(void)block_take(p, b, MIN(order_within(left), BLOCK_ORDER));
	left = p->total - was;
	spin_unlock(&p->lock);
	return left;
}

/* FP5: the others draw meanwhile. */
static void set_aside(struct frame_pool *p, struct buddy *b, uint64_t frames)
{
	uint64_t came = frames;

	for (; frames && came; frames -= came)
		came = set_aside_part(p, b, frames);
}

static uint64_t excess(const struct frame_pool *p)
{
	return p->total > p->target ? p->total - p->target : 0;
}

/* With overcommit on, the vector is for the members that stay. */
static bool give_singles(struct frame_pool *p) needs_lock(&p->lock)
{
	uint64_t n = MIN(excess(p), MIN(p->count, POOL_PART)), i;

	if (p->staying && !bounded(p))
		return false;
	for (i = 0; i < n; i++)
		to_heap(p, vec_draw(p), 0);
	return n;
}

/* The largest block that is not more than the excess, in one step. */
static bool give_block(struct frame_pool *p, struct buddy *b)
	needs_lock(&p->lock)
{
	mfn_t mfn = INVALID_MFN;
	unsigned int order;

	if (!excess(p))
		return false;
	order = MIN(order_within(excess(p)), BLOCK_ORDER) + 1;
	while (mfn_eq(mfn, INVALID_MFN) && order > 0)
		mfn = buddy_take(b, --order);
	if (mfn_eq(mfn, INVALID_MFN))
		return false;
	to_heap(p, mfn, order);
	return true;
}

/* The group's pool, or a free one.  LOCK_POOLS. */
static struct frame_pool *pool_find(uint16_t group) needs_lock(&pools_lock)
{
	struct frame_pool *p, *free = NULL;

	for (p = pools; p < pools + FRAME_POOLS; p++) {
		if (p->members && p->group == group)
			return p;
		if (!free && !p->members && !READ_ONCE(p->total))
			free = p;
	}
	return free;
}

/*
 * Others look at a free slot only to see that it is free.  A slot's lock is
 * initialised once and stays.
 */
static void pool_begin(struct frame_pool *p, uint16_t group, bool alone, void *vec)
{
	if (!p->lock.level) {
		spin_lock_init(&p->lock, LOCK_POOL);
		spin_lock_init(&p->objects.lock, LOCK_OBJPOOL);
		p->objects.from = p;
	}
	spin_lock(&p->lock);
	p->group = group;
	p->low = alone ? LOW_ALONE : POOL_LOW;
	p->block = alone ? BLOCK_ALONE : BLOCK_ORDER;
	p->stream = random_u64();
	p->draws_left = 0;
	p->store.state = FRAME_STATE(FRAME_POOL, group, 0) | FRAME_DIRTY;
	p->meta.state = p->store.state | FRAME_NOHEAP;
	p->vec = vec;
	spin_unlock(&p->lock);
}

/* `vec` is used for a new pool only. */
static struct frame_pool *join(uint16_t group, bool alone, uint64_t frames,
			       void *vec) needs_lock(&pools_lock)
{
	struct frame_pool *p = pool_find(group);

	if (!p)
		return NULL;
	if (!p->members)
		pool_begin(p, group, alone, vec);
	spin_lock(&p->lock);
	p->members++;
	p->staying++;
	p->target += frames + frame_pool_metadata(frames);
	spin_unlock(&p->lock);
	return p;
}

struct frame_pool *frame_pool_join(uint16_t group, bool alone, uint64_t frames)
{
	uint32_t *vec = palloc_hv(VEC_ORDER);
	struct frame_pool *p;
	bool used;

	if (!vec)
		return NULL;
	spin_lock(&pools_lock);
	p = join(group, alone, frames, vec);
	used = p && p->vec == vec;
	spin_unlock(&pools_lock);
	if (!used)
		palloc_hv_free(vec, VEC_ORDER);
	if (!p)
		return NULL;
	set_aside(p, &p->meta, frame_pool_metadata(frames));
	set_aside(p, &p->store, frames);
	return p;
}

struct frame_pool *frame_pool_of(uint16_t group)
{
	struct frame_pool *p;

	spin_lock(&pools_lock);
	p = pool_find(group);
	spin_unlock(&pools_lock);
	return p;
}

void frame_pool_stop(struct frame_pool *p, uint64_t frames)
{
	spin_lock(&p->lock);
	p->staying--;
	p->target -= frames + frame_pool_metadata(frames);
	spin_unlock(&p->lock);
}

void frame_pool_own(struct frame_pool *p, uint64_t frames, bool on)
{
	uint64_t aside = frames + frame_pool_metadata(frames);

	spin_lock(&p->lock);
	p->own += on ? 1 : -1;
	p->target += on ? -aside : aside;
	spin_unlock(&p->lock);
}

enum progress frame_pool_give_part(struct frame_pool *p)
{
	bool gave;

	spin_lock(&p->lock);
	gave = give_singles(p) || give_block(p, &p->store) ||
	       give_block(p, &p->meta);
	spin_unlock(&p->lock);
	return gave ? MORE : DONE;
}

/*
 * Frames that come back to a pool where no member stays go on to the heap; so
 * when the last member leaves, the vector is empty.
 */
void frame_pool_leave(struct frame_pool *p)
{
	uint32_t *vec = NULL;

	spin_lock(&pools_lock);
	spin_lock(&p->lock);
	if (!--p->members) {
		CHECK(!p->count);
		vec = p->vec;
		p->vec = NULL;
	}
	spin_unlock(&p->lock);
	spin_unlock(&pools_lock);
	if (vec)
		palloc_hv_free(vec, VEC_ORDER);
}

/* --- canonical frames --- */

/* state: canonical, of the pool's group */
static void become_canonical(mfn_t mfn, uint64_t state)
{
	struct frame *f = mfn_to_frame(mfn);

	f->type = (uint64_t)CLASS_SHARED << TYPE_CLASS_SHIFT;
	f->hash = CANONICAL_FRESH;
	frame_set_state(f, state);
}

static mfn_t draw(struct frame_pool *p, bool beyond) needs_lock(&p->lock)
{
	mfn_t mfn;

	while (p->count < p->low && vec_refill(p))
		;
	mfn = vec_draw(p);
	if (unlikely(mfn_eq(mfn, INVALID_MFN)))
		mfn = buddy_take(&p->meta, 0);
	if (unlikely(mfn_eq(mfn, INVALID_MFN)) && beyond && block_take(p, &p->store, 0))
		mfn = buddy_take(&p->store, 0);
	return mfn;
}

uint32_t frame_pool_draw(struct frame_pool *p, uint32_t *frames, uint32_t most,
			 bool beyond)
{
	const uint64_t state = FRAME_STATE(FRAME_SHARED, p->group, 0);
	uint32_t drawn, i;

	spin_lock(&p->lock);
	for (drawn = 0; drawn < most; drawn++) {
		mfn_t mfn = draw(p, beyond);

		if (unlikely(mfn_eq(mfn, INVALID_MFN)))
			break;
		frames[drawn] = mfn_n(mfn);
	}
	spin_unlock(&p->lock);
	palloc_note_used(frames, drawn);
	for (i = 0; i < drawn; i++)
		become_canonical(MFN(frames[i]), state);
	return drawn;
}

void frame_pool_free(struct frame_pool *p, mfn_t mfn)
{
	uint64_t state = frame_state(mfn_to_frame(mfn));

	CHECK(frame_state_kind(state) == FRAME_SHARED);
	CHECK(frame_state_ref(state) == 0);
	spin_lock(&p->lock);
	single_put(p, mfn);
	spin_unlock(&p->lock);
	palloc_note(mfn, 1, true);
}

void frame_pool_left(struct frame_pool *p)
{
	mfn_t mfn = INVALID_MFN;
	unsigned int order = 0;

	spin_lock(&p->lock);
	p->total--;
	if (p->total < p->target)
		mfn = heap_take_near(&p->place, &order);
	if (!mfn_eq(mfn, INVALID_MFN)) {
		p->total++;
		single_put(p, mfn);
	}
	spin_unlock(&p->lock);
}

void frame_pool_cpu_enters(struct frame_pool *p, uint32_t cpu)
{
	atomic_or(&p->cpus, 1UL << cpu);
}

void frame_pool_cpu_leaves(struct frame_pool *p, uint32_t cpu)
{
	atomic_and(&p->cpus, ~(1UL << cpu));
}

uint64_t frame_pool_cpus(const struct frame_pool *p)
{
	return atomic_load(&p->cpus);
}

uint32_t frame_pool_wait(struct frame_pool *p, mfn_t mfn, uint64_t cpu_mask)
{
	struct frame_queue *q = &p->waiting;
	uint32_t count;

	spin_lock(&p->lock);
	mfn_to_frame(mfn)->next = q->first;
	q->first = frame_link(mfn);
	q->cpu_mask |= cpu_mask;
	count = q->count + 1;
	WRITE_ONCE(q->count, count);
	spin_unlock(&p->lock);
	return count;
}

struct frame_queue frame_pool_waiting(struct frame_pool *p)
{
	struct frame_queue taken;

	spin_lock(&p->lock);
	taken = p->waiting;
	p->waiting.first = 0;
	p->waiting.cpu_mask = 0;
	WRITE_ONCE(p->waiting.count, 0);	/* frame_pools_each() */
	spin_unlock(&p->lock);
	return taken;
}

void frame_pools_each(void (*fn)(struct frame_pool *p))
{
	struct frame_pool *p;

	for (p = pools; p < pools + FRAME_POOLS; p++)
		if (READ_ONCE(p->waiting.count))
			fn(p);
}

/* --- metadata --- */

/* A frame of the heap's only if the group has none. */
static mfn_t meta_take(struct frame_pool *p, unsigned int order)
	needs_lock(&p->lock)
{
	mfn_t mfn = buddy_take(&p->meta, order);

	if (mfn_eq(mfn, INVALID_MFN))
		mfn = buddy_take(&p->store, order);
	if (mfn_eq(mfn, INVALID_MFN) && !order)
		mfn = vec_draw(p);
	if (!mfn_eq(mfn, INVALID_MFN))
		return mfn;
	mfn = heap_take(order);
	p->total += mfn_eq(mfn, INVALID_MFN) ? 0 : 1UL << order;
	return mfn;
}

void *frame_pool_pages(struct frame_pool *p, unsigned int order)
{
	mfn_t mfn;

	spin_lock(&p->lock);
	mfn = meta_take(p, order);
	spin_unlock(&p->lock);
	if (mfn_eq(mfn, INVALID_MFN))
		return NULL;
	palloc_note(mfn, 1UL << order, false);
	return palloc_hv_from(mfn, order);
}

void frame_pool_pages_free(struct frame_pool *p, void *virt, unsigned int order)
{
	mfn_t mfn = virt_to_mfn(virt);

	spin_lock(&p->lock);
	frames_set_aside(&p->meta, mfn, order);
	if (goes_back(p) || !p->target)
		to_heap(p, mfn, order);
	else
		buddy_give(&p->meta, mfn, order);
	spin_unlock(&p->lock);
	palloc_note(mfn, 1UL << order, true);
}

void *frame_pool_alloc(struct frame_pool *p, size_t bytes)
{
	return objpool_alloc(&p->objects, bytes);
}

void frame_pool_alloc_free(struct frame_pool *p, void *obj, size_t bytes)
{
	objpool_free(&p->objects, obj, bytes);
}

mfn_t frame_pools_take(void)
{
	mfn_t mfn = INVALID_MFN;
	struct frame_pool *p;

	for (p = pools; p < pools + FRAME_POOLS && mfn_eq(mfn, INVALID_MFN); p++) {
		if (!READ_ONCE(p->total))
			continue;
		spin_lock(&p->lock);
		mfn = vec_draw(p);
		if (mfn_eq(mfn, INVALID_MFN))
			mfn = buddy_take(&p->store, 0);
		if (mfn_eq(mfn, INVALID_MFN))
			mfn = buddy_take(&p->meta, 0);
		p->total -= !mfn_eq(mfn, INVALID_MFN);
		spin_unlock(&p->lock);
	}
	return mfn;
}
