/* SPDX-License-Identifier: MIT */
/* General references of frames; frame.h has the rules (F1-F5). */
#include <port.h>
#include <errno.h>

#include "mm/above.h"
#include "mm/frame.h"
#include "mm/ram.h"

struct ram_range ram_ranges[RAM_RANGES_MAX];
unsigned int ram_range_count;
mfn_t frame_max_mfn;

unsigned int frame_largest_range;

static uint64_t range_frames(unsigned int i)
{
	return mfn_n(ram_ranges[i].end) - mfn_n(ram_ranges[i].first);
}

bool frame_valid_elsewhere(mfn_t mfn)
{
	unsigned int i;

	for (i = 0; i < ram_range_count; i++)
		if (mfn_n(mfn) >= mfn_n(ram_ranges[i].first) &&
		    mfn_n(mfn) < mfn_n(ram_ranges[i].end))
			break;
	if (i == ram_range_count)
		return false;
	if (range_frames(i) > range_frames(atomic_load_relaxed(&frame_largest_range)))
		atomic_store_relaxed(&frame_largest_range, i);
	return true;
}

struct frame *mfn_to_frame(mfn_t mfn)
{
	return FRAME_TABLE + mfn_n(mfn);
}

mfn_t frame_to_mfn(const struct frame *f)
{
	return MFN(f - FRAME_TABLE);
}

/* May `owner` take a reference to a frame in this state?  0 or why not. */
static int get_allowed(uint64_t state, domid_hv_t owner)
{
	enum frame_kind kind = frame_state_kind(state);

	if (kind != FRAME_OWNED && kind != FRAME_HEAP)
		return -EPERM;
	if (frame_state_owner(state) != owner)
		return -EPERM;
	/* F4: a NOHEAP frame lives without references. */
	if (!frame_state_ref(state) && !(state & FRAME_NOHEAP))
		return -EPERM;
	if (frame_state_ref(state) >= FRAME_REF_MAX)
		return -EBUSY;
	return 0;
}

int frame_get(struct frame *f, domid_hv_t owner)
{
	uint64_t old = frame_state(f);
	int r;

	do {
		r = get_allowed(old, owner);
		if (r)
			return r;
	} while (!atomic_cas(&f->state, &old, old + 1));
	return 0;
}

int frame_get_again(struct frame *f)
{
	uint64_t old = frame_state(f);

	do {
		ASSERT(frame_state_ref(old) > 0);
		if (frame_state_ref(old) >= FRAME_REF_MAX)
			return -EBUSY;
	} while (!atomic_cas(&f->state, &old, old + 1));
	return 0;
}

void frame_put(struct frame *f)
{
	uint64_t now = atomic_sub(&f->state, 1);

	CHECK(frame_state_ref(now) != FRAME_REF_MASK);
	if (frame_state_ref(now) || (now & FRAME_NOHEAP))
		return;
	ASSERT(frame_state_kind(now) == FRAME_OWNED);
	ASSERT(!(now & FRAME_ALLOCATED));
	frame_owner_free(frame_state_owner(now), f);
}

bool frame_test_and_clear_allocated(struct frame *f)
{
	uint64_t old = atomic_fetch_and(&f->state, ~FRAME_ALLOCATED);

	return old & FRAME_ALLOCATED;
}

static uint64_t owned_state(domid_hv_t owner, uint32_t ref)
{
	return (uint64_t)FRAME_OWNED << FRAME_KIND_SHIFT | FRAME_ALLOCATED |
	       (uint64_t)owner << FRAME_OWNER_SHIFT | ref;
}

int frame_claim(struct frame *f, domid_hv_t owner, uint32_t refs)
{
	uint64_t want = owned_state(owner, 1 + refs);
	uint64_t hv = (uint64_t)FRAME_HV << FRAME_KIND_SHIFT | 1;

	return atomic_cas(&f->state, &want, hv) ? 0 : -EBUSY;
}

void frame_unclaim(struct frame *f, domid_hv_t owner, uint32_t refs)
{
	ASSERT(frame_kind(f) == FRAME_HV);
	atomic_store_release(&f->state, owned_state(owner, 1 + refs));
}

void frame_publish(struct frame *f, domid_hv_t owner, uint32_t refs)
{
	uint64_t state = frame_state(f);

	ASSERT(frame_state_kind(state) == FRAME_HV ||
	       (frame_state_kind(state) == FRAME_SHARED &&
		!frame_state_ref(state)));
	atomic_store_release(&f->state, owned_state(owner, 1 + refs));
}
