// SPDX-License-Identifier: MIT
/*
 * What Linux relies on for each page that it has: the M2P names the pfn of the
 * frame that the p2m gives it.
 */
#include <linux/irqflags.h>
#include <linux/sched.h>

#include <asm/xen/page.h>

#include "pasture.h"

void check_names(unsigned long *pages, unsigned long *wrong)
{
	unsigned long pfn, mfn, flags;

	*pages = *wrong = 0;
	for (pfn = 0; pfn < hyper_pfns; pfn++) {
		/* A break between the two reads would look like a fault. */
		local_irq_save(flags);
		if (hyper_frame_of(pfn, &mfn)) {
			(*pages)++;
			*wrong += mfn_to_pfn_no_overrides(mfn) != pfn &&
				  hyper_frame_of(pfn, &mfn) &&
				  mfn_to_pfn_no_overrides(mfn) != pfn;
		}
		local_irq_restore(flags);
		if (pfn % 4096 == 0)
			cond_resched();
	}
}
