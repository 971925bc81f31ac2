/* SPDX-License-Identifier: MIT */
/* What all ways to break a share have in common; private.h. */
#include <port.h>

#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "sharing/private.h"
#include "sharing/sharing.h"

void private_adopt(struct domain *d, mfn_t mfn, uint32_t refs,
		   uint32_t writable)
{
	struct frame *f = mfn_to_frame(mfn);

	f->next = f->prev = 0;
	f->type = ((uint64_t)CLASS_WRITABLE << TYPE_CLASS_SHIFT) | writable;
	__atomic_store_n(&f->state,
			 ((uint64_t)FRAME_OWNED << FRAME_KIND_SHIFT) |
			 ((uint64_t)d->id << FRAME_OWNER_SHIFT) |
			 FRAME_ALLOCATED | (1 + refs),
			 __ATOMIC_RELEASE);
	domain_page_link(d, f);
}

mfn_t private_copy(struct domain *d, mfn_t shared)
{
	uint64_t pfn = INVALID_PFN;
	mfn_t mfn;

	(void)share_holds(d->share, shared, NULL, &pfn);
	mfn = domain_page_alloc(d);
	if (mfn == INVALID_MFN)
		return mfn;
	if (m2p_set(&d->m2p, mfn, pfn)) {
		if (frame_test_and_clear_allocated(mfn_to_frame(mfn)))
			frame_put(mfn_to_frame(mfn));
		return INVALID_MFN;
	}
	memcpy(mfn_to_virt(mfn), mfn_to_virt(shared), PAGE_SIZE);
	return mfn;
}
