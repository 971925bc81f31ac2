/* SPDX-License-Identifier: MIT */
/* What is asked of each frame by itself: I1, I2, I10, I14, I18. */
#include <port.h>

#include "dom/domain.h"
#include "mm/ram.h"
#include "audit/audit_private.h"

/* Domains that are there, by id; written and read with the machine stopped. */
static uint64_t alive[0x10000 / 64];

bool audit_alive(uint64_t domid)
{
	return domid < 0x10000 && (alive[domid / 64] >> (domid % 64) & 1);
}

static void alive_add(struct domain *d, void *arg)
{
	alive[d->id / 64] |= 1UL << (d->id % 64);
}

void audit_alive_fill(void)
{
	memset(alive, 0, sizeof(alive));
	domain_for_each(alive_add, NULL);
}

static bool state_has_owner(enum frame_kind kind)
{
	return kind == FRAME_OWNED || kind == FRAME_HEAP ||
	       kind == FRAME_SHARED || kind == FRAME_POOL;
}

/* Is the frame on a list of its owner's?  Its neighbours say so. */
static bool is_listed(mfn_t mfn, const struct frame *f)
{
	const struct domain *d = domain_owner(frame_state_owner(f->state));

	if (f->next && (!frame_valid(MFN(f->next)) ||
			frame_linked(f->next)->prev != frame_link(mfn)))
		return false;
	if (!f->prev)
		return d->pages.list == frame_link(mfn) ||
		       d->pages.left == frame_link(mfn);
	return frame_valid(MFN(f->prev)) &&
	       frame_linked(f->prev)->next == frame_link(mfn);
}

/*
 * An OWNED frame with ref 0 waits for a flush, and its domain may be gone by
 * now.
 */
static void owned_check(struct audit *a, mfn_t mfn, const struct frame *f)
{
	domid_hv_t owner = frame_state_owner(f->state);

	if (!frame_state_ref(f->state))
		return;
	if (owner == DOMID_ORPHAN)
		a->orphans++;
	else if (!audit_alive(owner))
		audit_error(a, "I18: frame %lx is owned by d%u, which is gone",
			    mfn_n(mfn), owner);
	else if (!is_listed(mfn, f))
		audit_error(a, "I10: frame %lx of d%u is not on its list", mfn_n(mfn),
			    owner);
}

static void owner_check(struct audit *a, mfn_t mfn, const struct frame *f)
{
	enum frame_kind kind = frame_state_kind(f->state);
	domid_hv_t owner = frame_state_owner(f->state);

	if (!state_has_owner(kind) && owner)
		audit_error(a, "I1: frame %lx of kind %u has owner %u", mfn_n(mfn),
			    kind, owner);
	if (kind == FRAME_OWNED)
		owned_check(a, mfn, f);
	if (kind == FRAME_HEAP &&
	    (!audit_alive(owner) || !(f->state & FRAME_NOHEAP)))
		audit_error(a, "I18: heap page %lx has state %lx", mfn_n(mfn),
			    f->state);
}

static void free_check(struct audit *a, mfn_t mfn, const struct frame *f)
{
	if (frame_state_ref(f->state) || f->type ||
	    (f->state & FRAME_ALLOCATED))
		audit_error(a, "I2: free frame %lx has state %lx type %lx",
			    mfn_n(mfn), f->state, f->type);
	if (frame_state_kind(f->state) == FRAME_FREE &&
	    !(f->state & FRAME_DIRTY))
		audit_error(a, "I2: free frame %lx is not marked to be scrubbed",
			    mfn_n(mfn));
}

/* As most frames of most machines are, and nothing is wrong with them. */
static bool is_plain_free(const struct frame *f)
{
	const uint64_t plain = (uint64_t)FRAME_FREE << FRAME_KIND_SHIFT | FRAME_DIRTY;

	return f->state == plain && !f->type;
}

/* Check one frame; true: it is free. */
static bool frame_audit(struct audit *a, mfn_t mfn, const struct frame *f)
{
	enum frame_kind kind = frame_state_kind(f->state);
	bool free = kind == FRAME_FREE || kind == FRAME_POOL;

	if (kind > FRAME_SHARED) {
		audit_error(a, "I1: frame %lx has kind %u", mfn_n(mfn), kind);
		return false;
	}
	owner_check(a, mfn, f);
	if (free)
		free_check(a, mfn, f);
	if (f->type & TYPE_FLUSHING)
		audit_error(a, "T6: frame %lx waits for a flush", mfn_n(mfn));
	if (kind == FRAME_SHARED &&
	    (type_class(f->type) != CLASS_SHARED ||
	     (f->type & (TYPE_PINNED | TYPE_VALIDATED | TYPE_PARTIAL))))
		audit_error(a, "I14: shared frame %lx has type %lx", mfn_n(mfn),
			    f->type);
	return free;
}

mfn_t audit_ram_run(mfn_t *first, mfn_t end)
{
	unsigned int i;

	for (i = 0; i < ram_range_count; i++)
		if (mfn_n(ram_ranges[i].end) > mfn_n(*first)) {
			*first = mfn_min(mfn_max(ram_ranges[i].first, *first), end);
			return mfn_min(ram_ranges[i].end, end);
		}
	*first = end;
	return end;
}

uint64_t audit_frames(struct audit *a, mfn_t first, mfn_t end)
{
	const struct frame *f;
	uint64_t free = 0;
	mfn_t mfn, last;

	for (mfn = first; mfn_n(mfn) < mfn_n(end); ) {
		last = audit_ram_run(&mfn, end);
		f = mfn_to_frame(mfn);
		for (; mfn_n(mfn) < mfn_n(last); mfn = mfn_add(mfn, 1), f++)
			free += is_plain_free(f) || frame_audit(a, mfn, f);
	}
	return free;
}
