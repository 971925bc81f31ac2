/* SPDX-License-Identifier: MIT */
/*
 * What mmu.c and mmuext.c share: an array of requests with a count of those
 * done.
 */
#ifndef HV_PV_MMU_H
#define HV_PV_MMU_H

#include "pv/hypercall.h"

/* in the count: this call is continued */
#define MMU_PREEMPTED	0x80000000UL
#define MMU_REQUEST_MAX	24		/* bytes of the largest request */

/*
 * Carry out one request, read once from the guest.  The frames that it names
 * are v's domain's, or `other`'s (NULL: none).  -ERESTART: nothing was done,
 * ask again later.
 */
typedef int (*mmu_request_fn)(struct vcpu *v, struct domain *other,
			      const void *request);

/*
 * The call (requests, count, pdone, domid): `one` for each request of `bytes`,
 * up to the first error; continuable.  0, or the error.
 */
long mmu_batch(struct hypercall_args *args, struct domain *other, size_t bytes,
	       mmu_request_fn one);

/*
 * Whose frames a call names, in the words of Xen: DOMID_SELF, the caller's
 * (NULL), or another domain's, which the caller then has a reference on.
 * -ESRCH: there is none, or the caller named itself by number; -EPERM: frames
 * of no domain.
 */
int mmu_other_find(domid_t id, struct domain **other) must_check;

/* Finish what a request began on d's trees of tables; false: time is up. */
bool mmu_trees_finish(struct domain *d);

/*
 * The guest's mask of its own vCPUs at `va` (bits beyond the last are ignored),
 * as the CPUs that may hold translations for them.  -EFAULT.
 */
int mmu_vcpu_mask_read(struct domain *d, uint64_t va, uint64_t *cpus) must_check;

/*
 * mmuext.c: make mfn's tree (`none`: no tree) the base in *slot, one of v's;
 * load it if `load`; drop the old tree.  Errors as pttree_get(), and then *slot
 * is as it was.
 */
int mmu_base_set(struct vcpu *v, mfn_t *slot, mfn_t mfn, bool load, bool none) must_check;
/*
 * Drop the base in *base and all that hangs on it; pttree_settle() does what is
 * not done at once.  False: there was no base.  LOCK_MM is held, and no tree is
 * half-way.
 */
bool mmu_base_drop(struct domain *d, mfn_t *base) needs_lock(&d->mm);

/*
 * mmuext.c: make mfn's tree the running vCPU's kernel base, and load it.  As
 * pttree_get().
 */
int mmu_base_load(struct vcpu *v, mfn_t mfn) must_check;

#endif
