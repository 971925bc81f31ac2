/* SPDX-License-Identifier: MIT */
/*
 * Pages of the hypervisor's heap that a domain may map (seed 000): shared info,
 * grant table, trace buffer.  Decided once, for every kind the same way:
 *
 * HEAP1  Ownership.  Kind HEAP, with the owner's number; only heap_page_share()
 *        makes such pages.  The hypervisor's claim to the page is no reference
 *        but the flag NOHEAP (the mail's "not to the heap when the count
 *        reaches zero").  So a frame's references are the mappings in its
 *        owner's page tables, which end with those tables, and the first
 *        domain's foreign entries (pv/foreign.h).  The domain's own count never
 *        waits for either.
 * HEAP2  Rights.  The kind says whether the guest may map it writable
 *        (HEAP_RW); fixed for life.
 * HEAP3  Quota.  Heap pages are not in pages.total nor pages.max, and on no
 *        page list, because the memory size that the operator gives is the
 *        guest's RAM.  They come out of the allowance that domain_create()
 *        promises to each domain, so with overcommit off there is always memory
 *        for them, up to the kind's limit.
 * HEAP4  Pseudo-physical space.  Heap pages have no pfn: in the owner's M2P
 *        view they are absent or INVALID_PFN, and the owner cannot change that
 *        (I9).
 * HEAP5  Names.  The guest is told the mfn (start_info, a hypercall) and maps
 *        it by an ordinary L1 entry.  Every other use is refused -EPERM: as a
 *        table, descriptor page, registered area, to give back, exchange, share
 *        or grant (PT10, PT11, ME11); and any use by another domain but a
 *        foreign entry.
 * HEAP6  End.  Freed by the destructor once the owner's tables are gone: it
 *        looks whether the count is 0, clears the flag and frees the page,
 *        exactly once (DD6).  What the first domain still maps becomes an
 *        orphan, in the same step (ctl/destroy.c, END4).  Until then hypervisor
 *        code may write the page whenever it has a reference to the domain.
 */
#ifndef HV_DOM_HEAPPAGES_H
#define HV_DOM_HEAPPAGES_H

#include "mm/frame.h"

enum heap_kind {
	HEAP_SHARED_INFO,
	HEAP_TRACE,
	HEAP_GRANT_TABLE,
	HEAP_GRANT_STATUS,
};
#define HEAP_KINDS (HEAP_GRANT_STATUS + 1)

#define HEAP_TRACE_PAGES	4
#define HEAP_GRANT_PAGES	32	/* 16,384 entries of version 1 */
#define HEAP_STATUS_PAGES	4
/* HEAP3: of all kinds. */
#define HEAP_PAGES_MAX \
	(1 + HEAP_TRACE_PAGES + HEAP_GRANT_PAGES + HEAP_STATUS_PAGES)

struct domain;

/*
 * `pages` (a power of two) zeroed pages in a row of this kind for d; NULL: no
 * memory, or more than the kind may have.  Takes LOCK_PAGELIST, LOCK_HEAP.
 */
void *heap_page_share(struct domain *d, enum heap_kind kind, unsigned int pages);
/*
 * Take one page back while d lives: -EBUSY while the guest maps it.  Flushes
 * d's TLBs.
 */
int heap_page_unshare(struct domain *d, void *page) must_check;
/* The destructor's part of HEAP6: all of d's. */
void heap_pages_free(struct domain *d);

enum heap_kind heap_page_kind(const struct frame *f);

#endif
