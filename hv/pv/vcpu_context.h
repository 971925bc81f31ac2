/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU starts with when its guest brings it up (VCPUOP_initialise), or
 * tools build it; and what it is made of later, for tools that ask.
 */
#ifndef HV_PV_VCPU_CONTEXT_H
#define HV_PV_VCPU_CONTEXT_H

#include "dom/domain.h"

/*
 * Give v, one of the caller's domain's that is not yet initialised, the context
 * at `arg` (struct vcpu_guest_context).  0; -EEXIST: it is initialised;
 * -EFAULT; -EINVAL: a field is wrong; -ENOMEM; what a table or descriptor page
 * is refused for; -ERESTART.  v is then as it was before, but for -ERESTART.
 * No lock is held.
 */
int vcpu_context_set(struct vcpu *v, uint64_t arg) must_check;
/*
 * The same for a vCPU of another domain, to which the caller has a reference;
 * *online: the context says that it is up from then on.  -EINVAL, too: the
 * domain is dying.
 */
int vcpu_context_load(struct vcpu *v, uint64_t arg, bool *online) must_check;
/*
 * Write to `arg` what v, of a domain of which no vCPU is on a CPU (pause.h),
 * would be made of again: -ENODATA: it has no context yet; -EAGAIN: the domain
 * is not paused any more; -ENOMEM; -EFAULT.
 * No lock is held.
 */
int vcpu_context_store(struct vcpu *v, uint64_t arg) must_check;

#endif
