/* SPDX-License-Identifier: MIT */
/* What mmu.c and mmuext.c share: an array of requests with a count of those done. */
#ifndef HV_PV_MMU_H
#define HV_PV_MMU_H

#include "pv/pv.h"

#define MMU_PREEMPTED	0x80000000UL	/* in the count: this call is continued */
#define MMU_REQUEST_MAX	24		/* bytes of the largest request */

/* Carry out one request, read once from the guest.  -ERESTART: nothing was done, ask again later. */
typedef int (*mmu_request_fn)(struct vcpu *v, const void *request);

/*
 * The call (requests, count, pdone, domid): `one` for each request of `bytes`,
 * up to the first error; continuable.  0, or the error.
 */
long mmu_batch(struct hypercall_args *args, size_t bytes, mmu_request_fn one);

#endif
