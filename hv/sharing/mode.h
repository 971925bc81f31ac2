/* SPDX-License-Identifier: MIT */
/* How a domain's shares are broken: the guest's choice (op_mode.c). */
#ifndef HV_SHARING_MODE_H
#define HV_SHARING_MODE_H

#include "abi/share.h"
#include "dom/domain.h"

/* What the guest asks for: 0, or -EINVAL, -EBUSY as abi/share.h says. */
int sharing_set_mode(struct domain *d, const struct shareop_mode *m) must_check;
long shareop_mode(struct domain *d, uint64_t va, uint64_t bytes);

#endif
