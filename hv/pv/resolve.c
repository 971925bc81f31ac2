/* SPDX-License-Identifier: MIT */
/* Names of frames; resolve.h has the contract. */
#include <port.h>
#include <errno.h>

#include "abi/share.h"
#include "dom/above.h"
#include "dom/pages.h"
#include "pv/ptbreak.h"
#include "pv/resolve.h"
#include "sharing/holds.h"

/*
 * Heap pages may be mapped, writable only if they were made so; nothing else.
 */
static int heap_allowed(uint64_t state, enum frame_use use)
{
	if (use == USE_READ)
		return 0;
	return use == USE_WRITE && (state & FRAME_HEAP_RW) ? 0 : -EPERM;
}

static int resolve_shared(struct domain *d, mfn_t mfn, enum frame_use use)
{
	if (!holds_find(d, mfn, NULL, NULL))
		return -EPERM;
	return use == USE_READ ? 1 : -EBUSY;
}

int resolve(struct domain *d, mfn_t mfn, enum frame_use use,
	    struct frame **frame)
{
	struct frame *f;
	int r;

	if (!frame_valid(mfn))
		return -EINVAL;
	*frame = f = mfn_to_frame(mfn);
	r = frame_get(f, d->id);
	if (!r) {
		/* The reference pins kind and owner (F3). */
		uint64_t state = frame_state(f);

		if (likely(frame_state_kind(state) == FRAME_OWNED))
			return 0;
		r = heap_allowed(state, use);
		if (r)
			frame_put(f);
		return r;
	}
	if (frame_is_shared(f))
		return resolve_shared(d, mfn, use);
	return r;
}

/*
 * d does not have the frame; but the old name of a page whose share was just
 * broken still leads to that page.
 */
static int resolve_past(struct domain *d, mfn_t *mfn, enum frame_use use,
			struct frame **frame) needs_lock(&d->mm)
{
	mfn_t now = ptbreak_name_now(d, *mfn);

	if (mfn_eq(now, INVALID_MFN))
		return -EPERM;
	*mfn = now;
	return resolve(d, now, use, frame);
}

/*
 * A shared page, or none that d has: the share may have been broken since
 * resolve() looked, so it looks again, and the old name leads to the page.
 */
static int named_read(struct domain *d, mfn_t mfn, uint32_t offset, void *to,
		      size_t bytes)
{
	struct frame *f;
	int r;

	spin_lock(&d->mm);
	r = resolve(d, mfn, USE_READ, &f);
	if (r == -EPERM)
		r = resolve_past(d, &mfn, USE_READ, &f);
	if (r >= 0)
		memmove(to, (const uint8_t *)mfn_to_virt(mfn) + offset, bytes);
	spin_unlock(&d->mm);
	if (!r)
		frame_put(f);
	return r < 0 ? r : 0;
}

int resolve_read(struct domain *d, mfn_t mfn, uint32_t offset, void *to,
		 size_t bytes)
{
	struct frame *f;
	int r = resolve(d, mfn, USE_READ, &f);

	if (unlikely(r == 1 || r == -EPERM))
		return named_read(d, mfn, offset, to, bytes);
	if (r)
		return r;
	memmove(to, (const uint8_t *)mfn_to_virt(mfn) + offset, bytes);
	frame_put(f);
	return 0;
}

int resolve_named(struct domain *d, mfn_t mfn, struct frame **frame)
{
	int r = resolve(d, mfn, USE_READ, frame);

	if (likely(r != -EPERM))
		return r;
	spin_lock(&d->mm);
	r = resolve_past(d, &mfn, USE_READ, frame);
	spin_unlock(&d->mm);
	return r;
}

int resolve_private(struct domain *d, mfn_t mfn, struct frame **frame)
{
	int r = resolve(d, mfn, USE_WRITE, frame);

	if (r == -EPERM)
		r = resolve_past(d, &mfn, USE_WRITE, frame);
	if (r == -EBUSY && frame_is_shared(*frame))
		r = ptbreak_write(d, NULL, 0, mfn, frame);
	return r;
}

/* resolve() said r. */
static __attribute__((noinline)) int resolve_shared_write(struct domain *d, mfn_t mfn,
							  struct frame **frame, int r)
{
	if (r != -EPERM && r != -EBUSY)
		return r;
	spin_lock(&d->mm);
	r = resolve_private(d, mfn, frame);
	spin_unlock(&d->mm);
	return r;
}

int resolve_write(struct domain *d, mfn_t mfn, struct frame **frame)
{
	int r = resolve(d, mfn, USE_WRITE, frame);

	return likely(!r) ? 0 : resolve_shared_write(d, mfn, frame, r);
}

int resolve_typed(struct domain *d, mfn_t *mfn, struct frame **frame)
{
	int r = resolve(d, *mfn, USE_TYPED, frame);

	if (likely(!r) || !(READ_ONCE(d->breaks.flags) & SHARE_MODE_BREAK_FIRST))
		return r;
	if (r == -EPERM)
		return resolve_past(d, mfn, USE_TYPED, frame);
	if (r != -EBUSY || !frame_is_shared(*frame))
		return r;
	r = ptbreak_write(d, NULL, 0, *mfn, frame);
	if (r)
		return r;
	*mfn = frame_to_mfn(*frame);
	if (likely(!ptbreak_left(d)))
		return 0;
	frame_put(*frame);
	return -ERESTART;
}

int resolve_name(struct domain *d, mfn_t *mfn)
{
	struct frame *f;
	int r;

	if (!(READ_ONCE(d->breaks.flags) & SHARE_MODE_BREAK_FIRST))
		return 0;
	r = resolve_typed(d, mfn, &f);
	if (!r)
		frame_put(f);
	return r;
}

int resolve_give(struct domain *d, mfn_t mfn, struct frame **frame)
{
	int r = resolve(d, mfn, USE_GIVE, frame);

	if (likely(!r))
		return r;
	spin_lock(&d->mm);
	r = resolve_typed(d, &mfn, frame);
	if (r == -EPERM && ptbreak_gone_take(d, mfn))
		r = 1;
	spin_unlock(&d->mm);
	return r;
}

pte_t *resolve_l1_entry(struct domain *d, maddr_t maddr)
{
	struct frame *f;
	bool is_l1;

	if ((maddr_n(maddr) & 7) || resolve(d, maddr_to_mfn(maddr), USE_TYPED, &f))
		return NULL;
	is_l1 = frame_is_table(f, 1);
	frame_put(f);
	return is_l1 ? maddr_to_virt(maddr) : NULL;
}

int resolve_area(struct domain *d, mfn_t mfn, struct frame **frame)
{
	int r = resolve_write(d, mfn, frame);

	if (r)
		return r;
	/* Registered areas live in the domain's own RAM, not in heap pages. */
	if (frame_kind(*frame) != FRAME_OWNED) {
		frame_put(*frame);
		return -EPERM;
	}
	r = domain_writable_get(d, *frame);
	if (r)
		frame_put(*frame);
	return r;
}

void resolve_area_put(struct domain *d, struct frame *f)
{
	domain_writable_put(f);
	frame_put(f);
}
