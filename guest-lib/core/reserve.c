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
 * constant time.  A refill asks for a frame for the slot's own page and maps it
 * there.
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

/* At start, lock not needed: `level` slots from the kernel's own pages. */
unsigned int gl_reserve_fill(struct gl_share *s, unsigned int level)
{
	if (level > GL_SHARE_RESERVE_MAX)
		level = GL_SHARE_RESERVE_MAX;
	while (s->slot_count < level) {
		struct gl_share_slot slot = { 0 };

		slot.va = s->ops->page_alloc(s->ctx);
		if (!slot.va)
			break;
		if (!s->ops->va_to_pfn(s->ctx, slot.va, &slot.pfn)) {
			s->ops->page_free(s->ctx, slot.va);
			break;
		}
		slot.mfn = s->ops->p2m_get(s->ctx, slot.pfn);
		s->slots[s->slot_count++] = slot;
	}
	s->slots_full = s->slot_count;
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
