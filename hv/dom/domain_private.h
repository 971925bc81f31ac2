/* SPDX-License-Identifier: MIT */
/* What domain.c, pages.c, reclaim.c and destroy.c share among themselves. */
#ifndef HV_DOM_DOMAIN_PRIVATE_H
#define HV_DOM_DOMAIN_PRIVATE_H

#include "dom/domain.h"

/* The domain that a frame names; it exists as long as one of its frames does. */
struct domain *domain_owner(domid_hv_t id);
/* The first domain in table slots from *slot on, with a reference; *slot goes behind it.  NULL: none. */
struct domain *domain_from_slot(unsigned int *slot);
/* Is there a DYING domain, which spares the search for one?  And one less: it is gone (die.c). */
bool domain_any_dying(void);
void domain_died(void);
/* A DYING domain that no other CPU works on; the caller clears reaped_by. */
struct domain *domain_claim_dying(void);

/* promise.c: d's pages, budget and metadata; false: they do not fit.  _end: all that d was promised. */
bool domain_promise(struct domain *d) must_check;
void domain_promise_end(struct domain *d);

void domain_page_remove(struct domain *d, struct frame *f);
struct frame *domain_page_next_left(struct domain *d);
/* END4: one page that is left; false: none can be taken now. */
bool domain_page_orphan(struct domain *d);
uint64_t domain_pages_left(struct domain *d);
/* One orphan more, or one less. */
void reclaim_orphan_count(int n);
/* A frame that frame_claim() took from d is on no list any more: to the heap. */
void reclaim_claimed(struct domain *d, struct frame *f);

#endif
