// SPDX-License-Identifier: MIT
/*
 * What Linux relies on for each page that it has: the M2P names the pfn of the
 * frame that the p2m gives it.
 */
#include <linux/sched.h>

#include <asm/xen/page.h>

#include "pasture.h"

/* Under the same name before and after: a break is no fault. */
static bool is_wrong(unsigned long pfn, unsigned long mfn)
{
	unsigned long again;

	return mfn_to_pfn_no_overrides(mfn) != pfn && hyper_frame_of(pfn, &again) && again == mfn &&
	       mfn_to_pfn_no_overrides(mfn) != pfn;
}

void check_names(unsigned long *pages, unsigned long *wrong)
{
	unsigned long pfn, mfn;

	*pages = *wrong = 0;
	for (pfn = 0; pfn < hyper_pfns; pfn++) {
		if (hyper_frame_of(pfn, &mfn)) {
			(*pages)++;
			*wrong += is_wrong(pfn, mfn);
		}
		if (pfn % 4096 == 0)
			cond_resched();
	}
}
