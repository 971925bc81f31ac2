/* SPDX-License-Identifier: MIT */
/*
 * Steps of a domain's end that let go of what its page tables and vCPUs hold;
 * by the reaper, no lock held.
 */
#ifndef HV_CTL_TEARDOWN_H
#define HV_CTL_TEARDOWN_H

#include "dom/domain.h"

/*
 * Clear entries of f from *slot on, a bounded number; DONE: f is empty, or is
 * no validated table of `level`.
 */
enum progress teardown_table(struct domain *d, struct frame *f,
			     unsigned int level, unsigned int *slot);
/*
 * One of v's loaded tables; or, the last step, its descriptor tables and
 * registered areas.
 */
enum progress teardown_vcpu(struct vcpu *v);
/* True: f was pinned; its entries may be left to pttree_settle(). */
bool teardown_page(struct domain *d, struct frame *f);

#endif
