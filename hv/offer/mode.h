/* SPDX-License-Identifier: MIT */
/* How a domain's shares are broken: the guest's choice (op_mode.c). */
#ifndef HV_OFFER_MODE_H
#define HV_OFFER_MODE_H

#include "abi/share.h"
#include "dom/domain.h"

/* What the guest asks for: 0, or -EINVAL, -EBUSY as abi/share.h says. */
int mode_set(struct domain *d, const struct shareop_mode *m) must_check;
/*
 * Of a new domain: the operator chose break first for it, from when it says
 * where its p2m list is.
 */
void mode_break_first(struct domain *d);
long shareop_mode(struct domain *d, uint64_t va, uint64_t bytes);

#endif
