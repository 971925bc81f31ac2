/* SPDX-License-Identifier: MIT */
/* What page-table code asks of sharing; provided above, by hv/sharing. */
#ifndef HV_PV_SHAREHOOKS_H
#define HV_PV_SHAREHOOKS_H

#include "dom/domain.h"

/* Sharing state of a new domain; budget in pages. -ENOMEM. */
int sharing_domain_init(struct domain *d, const char *group, uint64_t budget);
/* Does the domain hold this SHARED frame (decision 7)? */
bool sharing_holds(struct domain *d, mfn_t mfn);
/* One more read-only mapping of it: 0, -EPERM (not held), -EBUSY (count at its cap). */
int sharing_map(struct domain *d, mfn_t mfn) must_check;
/* A mapping went; `broke`: a private writable page took its place. */
void sharing_unmap(struct domain *d, mfn_t mfn, bool broke);

#endif
