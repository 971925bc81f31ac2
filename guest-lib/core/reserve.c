/* SPDX-License-Identifier: MIT */
/*
 * The reserve: pages that lend their frame to a write fault.
 *
 *	          gl_reserve_take()           break_into() (cow.c)
 *	full  ------------------------> taken ------------------> empty
 *	  ^ <---- gl_reserve_put_back() --'                         |
 *	  '------------------- gl_share_refill() <------------------'
 *
 * Full slots stand first in the array (slots_full of them), so taking one is
 * constant time; a slot that comes or goes keeps that order.  A refill asks for
 * a frame for the slot's own page and maps it there.
 */
#include "general_regs.h"

#include "impl.h"

#include <xen/memory.h>
#include <xen/xen.h>

#define PTE_RW		0x67ULL	/* P RW US A D */
#define REFILL_BATCH	32

struct gl_share_slot *gl_reserve_take(struct gl_share *s)
{
	return s->slots_full ? &s->slots[--s->slots_full] : NULL;
}

/*
 * Put back the slot that was taken last, with its frame, before the lock is
 * released.
 */
void gl_reserve_put_back(struct gl_share *s)
{
	s->slots_full++;
}

/* Full slots stay first. */
static void slot_add(struct gl_share *s, const struct gl_share_slot *slot)
{
	s->slots[s->slot_count++] = s->slots[s->slots_full];
	s->slots[s->slots_full++] = *slot;
}

/*
 * A page of the kernel's becomes a slot; lock held.  It may be one that the
 * kernel offered, and freed since: a shared frame is none that a break could
 * use.
 */
static bool slot_make(struct gl_share *s, uint64_t va)
{
	struct gl_share_slot slot = { .va = va };

	if (!s->ops->va_to_pfn(s->ctx, va, &slot.pfn) ||
	    (gl_record_test(s, slot.pfn) && gl_unshare_locked(s, va, slot.pfn)))
		return false;
	slot.mfn = s->ops->p2m_get(s->ctx, slot.pfn);
	slot_add(s, &slot);
	return true;
}

static bool grow(struct gl_share *s)
{
	uint64_t va = s->ops->page_alloc(s->ctx);
	unsigned long state;
	bool made;

	if (!va)
		return false;
	state = s->ops->lock(s->ctx);
	made = slot_make(s, va);
	s->ops->unlock(s->ctx, state);
	if (!made)
		s->ops->page_free(s->ctx, va);
	return made;
}

/* A full slot's page is the kernel's again. */
static bool shrink(struct gl_share *s)
{
	unsigned long state = s->ops->lock(s->ctx);
	struct gl_share_slot *slot = gl_reserve_take(s);
	uint64_t va = slot ? slot->va : 0;

	if (slot)
		*slot = s->slots[--s->slot_count];
	s->ops->unlock(s->ctx, state);
	if (va)
		s->ops->page_free(s->ctx, va);
	return va;
}

unsigned int gl_share_reserve_set(struct gl_share *s, unsigned int level)
{
	if (level > GL_SHARE_RESERVE_MAX)
		level = GL_SHARE_RESERVE_MAX;
	if (level < s->slot_count)
		gl_share_refill(s);
	while (s->slot_count < level && grow(s))
		;
	while (s->slot_count > level && shrink(s))
		;
	return s->slot_count;
}

/*
 * Ask for frames for `count` empty slots from `first`; returns how many came.
 */
static unsigned int get_frames(struct gl_share *s, unsigned int first,
			       unsigned int count, xen_pfn_t *frames)
{
	struct xen_memory_reservation r = {
		.nr_extents = count, .domid = DOMID_SELF,
	};
	long rc;

	for (unsigned int i = 0; i < count; i++)
		frames[i] = s->slots[first + i].pfn;
	set_xen_guest_handle(r.extent_start, frames);
	rc = s->ops->hypercall(s->ctx, __HYPERVISOR_memory_op,
			       XENMEM_populate_physmap, (unsigned long)&r, 0,
			       0);
	return rc > 0 ? (unsigned int)rc : 0;
}

/* Returns how many slots became full. */
static unsigned int map_frames(struct gl_share *s, unsigned int first,
			       unsigned int count, const xen_pfn_t *frames)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		struct gl_share_slot *slot = &s->slots[first + i];
		long rc = s->ops->hypercall(s->ctx,
					    __HYPERVISOR_update_va_mapping,
					    slot->va, frames[i] << 12 | PTE_RW,
					    UVMF_INVLPG | UVMF_ALL, 0);

		if (rc) {	/* keep order: full slots first */
			s->ops->log(s->ctx, "share: a reserve page cannot be mapped");
			break;
		}
		slot->mfn = frames[i];
		s->ops->p2m_set(s->ctx, slot->pfn, frames[i]);
		s->slots_full++;
		s->counters.refilled++;
	}
	return i;
}

unsigned int gl_share_refill(struct gl_share *s)
{
	unsigned int missing, got = 1;

	do {
		unsigned long state = s->ops->lock(s->ctx);
		xen_pfn_t frames[REFILL_BATCH];
		unsigned int want = s->slot_count - s->slots_full;

		if (want > REFILL_BATCH)
			want = REFILL_BATCH;
		if (want) {
			unsigned int first = s->slots_full;

			/*
			 * Frames that cannot be mapped are no reason to ask for
			 * more.
			 */
			got = get_frames(s, first, want, frames);
			got = map_frames(s, first, got, frames);
		}
		missing = s->slot_count - s->slots_full;
		s->ops->unlock(s->ctx, state);
	} while (missing && got);
	return missing;
}

#include "general_regs_end.h"
