/* SPDX-License-Identifier: MIT */
/*
 * Between the files of the sharing half; the lock is held.  None of these names
 * is seen by who links the library (guest-lib/guest.mk takes them out).
 */
#ifndef GL_CORE_IMPL_H
#define GL_CORE_IMPL_H

#include <gl/share.h>

#pragma GCC visibility push(hidden)

/* record.c */
bool gl_record_test(const struct gl_share *s, uint64_t pfn);
/* false: beyond the end */
bool gl_record_set(struct gl_share *s, uint64_t pfn);
void gl_record_clear(struct gl_share *s, uint64_t pfn);

/* reserve.c */
/* NULL: empty */
struct gl_share_slot *gl_reserve_take(struct gl_share *s);
void gl_reserve_put_back(struct gl_share *s);

/* cow.c, cow_in_place.c */
void gl_set_m2p(struct gl_share *s, uint64_t mfn, uint64_t pfn);
bool gl_cow_in_place(struct gl_share *s, uint64_t va, uint64_t pfn, uint64_t pte);
long gl_unshare_locked(struct gl_share *s, uint64_t va, uint64_t pfn);
/* What the hypervisor's answer to an entry of SHAREOP_unshare comes to. */
long gl_unshare_result(struct gl_share *s, uint64_t va, uint64_t pfn,
		       const struct shareop_entry *e);

/*
 * repay.c, for a break with an empty reserve: move one listed page's frame into
 * the reserve.  False: none can repay.
 */
bool gl_repay_into_reserve(struct gl_share *s);
void gl_repay_forget(struct gl_share *s);	/* all that is listed */

#pragma GCC visibility pop

#endif
