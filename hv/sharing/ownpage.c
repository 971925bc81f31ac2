/* SPDX-License-Identifier: MIT */
/* What all ways to break a share have in common; ownpage.h. */
#include <port.h>

#include "dom/pages.h"
#include "dom/reclaim.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
#include "mm/palloc.h"
#include "sharing/ownpage.h"
#include "sharing/sharing.h"

void ownpage_publish(struct domain *d, mfn_t mfn, uint32_t refs,
		     uint32_t writable)
{
	struct frame *f = mfn_to_frame(mfn);

	f->type = ((uint64_t)CLASS_WRITABLE << TYPE_CLASS_SHIFT) | writable;
	domain_page_publish(d, f, refs);
}

mfn_t ownpage_copy(struct domain *d, mfn_t shared, pfn_t pfn)
{
	mfn_t mfn = palloc_hv_copy(shared, &d->pages.place);

	if (mfn_eq(mfn, INVALID_MFN)) {
		reclaim_flush_all();	/* this CPU may have freed some */
		mfn = palloc_hv_copy(shared, &d->pages.place);
	}
	if (mfn_eq(mfn, INVALID_MFN) || !m2p_set(&d->m2p, mfn, pfn))
		return mfn;
	palloc_hv_free(mfn_to_virt(mfn), 0);
	return INVALID_MFN;
}
