/* SPDX-License-Identifier: MIT */
/* hv/sharing: share/ for the hypervisor. */
#ifndef HV_SHARING_SHARING_H
#define HV_SHARING_SHARING_H

#include <share/share.h>

#include "dom/domain.h"

/*
 * Once, after the allocators; `pages` is the operator's choice of page
 * functions.  Panics without memory.
 */
void sharing_init(const char *pages);
struct share *sharing_service(void);

#endif
