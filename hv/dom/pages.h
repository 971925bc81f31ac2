/* SPDX-License-Identifier: MIT */
/* A domain's pages of RAM: how they come and go, and what they are used as. */
#ifndef HV_DOM_PAGES_H
#define HV_DOM_PAGES_H

#include "dom/domain.h"

/*
 * New pages come in two steps, so that what can be named is whole (mm/frame.h,
 * F3).  domain_pages_prepare() takes room in the quota and allocates 2^order
 * zeroed pages in a row, which are nobody's yet; INVALID_MFN, nothing was done:
 * -ENOMEM for the guest.  Then the caller names the pages in the M2P, tells the
 * guest their numbers, writes their entries.  At last domain_pages_publish()
 * makes the pages d's, or domain_pages_cancel() takes all of it back.
 */
mfn_t domain_pages_prepare(struct domain *d, unsigned int order) must_check;
void domain_pages_publish(struct domain *d, mfn_t mfn, unsigned int order);
void domain_pages_cancel(struct domain *d, mfn_t mfn, unsigned int order);
/*
 * Room in the quota, for a frame that comes another way: from another domain,
 * or (_move) for a frame that the domain holds, which becomes its page.
 */
bool domain_quota_take(struct domain *d) must_check;
bool domain_quota_move(struct domain *d) must_check;
void domain_quota_give(struct domain *d);
/*
 * The domain gave pages back.  If its holds are charged to its quota
 * (pages.own), the promise shrinks to what it has.
 */
void domain_pages_settle(struct domain *d);
/*
 * Put one page, whose room in the quota was taken, on d's list and publish it,
 * with `refs` references beside d's own.
 */
void domain_page_publish(struct domain *d, struct frame *f, uint32_t refs);
/*
 * Pages that frame_claim() took, and that have no type, leave d for the heap.
 */
void domain_pages_discard(struct domain *d, struct frame *const *pages,
			  unsigned int count);
/*
 * The page after `at` (NULL: the first) on the list, with a reference; that of
 * `at` is dropped.  NULL: the end.  A page that joins meanwhile may be missed.
 */
struct frame *domain_page_after(struct domain *d, struct frame *at) must_check;
/*
 * The same, of those that look like tables of that level, without its owner's
 * LOCK_MM: who takes it asks again.  Or, when it has come past `most`, whatever
 * is there.
 */
struct frame *domain_table_after(struct domain *d, struct frame *at,
				 unsigned int level, unsigned int most) must_check;
/*
 * One page for another: `old`, which frame_claim() took, leaves d for the heap,
 * and `new`, a frame of the hypervisor's without a type, becomes d's in its
 * place.  The room in the quota stays taken, so nobody else can take it (D2).
 */
void domain_page_replace(struct domain *d, struct frame *old, struct frame *new);

/* --- uses of pages (pages.c) --- */
/*
 * A use of f, a page of d's that the caller references, as `class`, with the
 * flush of d's TLBs that has to come before it (mm/pagetype.h, T3, T6):
 * TYPE_SAME; TYPE_FRESH, a table or descriptor page is to be validated now; or
 * -errno of pagetype_get().
 */
int domain_type_get(struct domain *d, struct frame *f,
		    enum page_class class) must_check;
/* A writable use: 0 or -errno.  No lock is needed, any may be held. */
int domain_writable_get(struct domain *d, struct frame *f) must_check;
void domain_writable_put(struct frame *f);

/* --- the reaper's --- */
void domain_page_remove(struct domain *d, struct frame *f);
struct frame *domain_page_next_left(struct domain *d);
/* END4: one page that is left; false: none can be taken now. */
bool domain_page_orphan(struct domain *d);
uint64_t domain_pages_left(struct domain *d);

#endif
