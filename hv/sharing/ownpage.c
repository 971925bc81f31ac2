/* SPDX-License-Identifier: MIT */
/* What all ways to break a share have in common; ownpage.h. */
#include <port.h>

#include "dom/pages.h"
#include "mm/m2p.h"
#include "mm/pagetype.h"
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
	mfn_t mfn = domain_page_prepare_copy(d, shared);

	if (!mfn_eq(mfn, INVALID_MFN) && m2p_set(&d->m2p, mfn, pfn)) {
		domain_pages_cancel(d, mfn, 0);
		mfn = INVALID_MFN;
	}
	return mfn;
}
