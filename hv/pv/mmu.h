/* SPDX-License-Identifier: MIT */
/* What mmu.c and mmuext.c share: a batch of requests with a count of those done. */
#ifndef HV_PV_MMU_H
#define HV_PV_MMU_H

#include "lib/types.h"

#define MMU_PREEMPTED 0x80000000UL	/* in the count: this call is continued */

struct mmu_batch {
	uint32_t count;		/* requests left */
	uint32_t done;		/* by earlier parts of the call */
	uint64_t pdone;		/* guest address of the number done, 0 = none */
};

int mmu_done_begin(struct mmu_batch *b, uint64_t count, uint64_t pdone);
/* -EFAULT if the guest's counter cannot be written. */
int mmu_done_end(const struct mmu_batch *b, uint32_t processed);

#endif
