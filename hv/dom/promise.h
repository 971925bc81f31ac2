/* SPDX-License-Identifier: MIT */
/*
 * Frames promised to domains before they are taken, so that none fails later;
 * any locks.
 */
#ifndef HV_DOM_PROMISE_H
#define HV_DOM_PROMISE_H

#include "dom/domain.h"

/*
 * Frames beyond RAM and share budget that each domain is promised: vCPU, ports,
 * the fixed part of its tables; and its heap pages (HEAP3).  domain_metadata()
 * has what comes on top.
 */
#define DOMAIN_ALLOWANCE	(64 + HEAP_PAGES_MAX)
/*
 * And for each vCPU after the first: struct vcpu, its part of the tables of the
 * descriptor area, its first context, its renames.
 */
#define VCPU_ALLOWANCE		6

/* frames that are promised to nobody */
uint64_t domain_promise_left(void);
/*
 * Promise d some frames more (false: there are none left); take the promise
 * back.
 */
bool domain_promise_raise(struct domain *d, uint64_t pages) must_check;
void domain_promise_lower(struct domain *d, uint64_t pages);
/*
 * Frames of metadata that a domain of so many pages (those of its budget too)
 * and vCPUs is promised.
 */
uint64_t domain_metadata(uint64_t pages, uint32_t vcpus);
/*
 * Frames of a domain's budget that are set aside for its share group, with
 * their metadata (mm/framepool.h).
 */
uint64_t domain_set_aside(uint64_t budget);
void domain_set_overcommit(bool on);		/* once, at boot */
bool domain_overcommit(void);
/*
 * For the audit: what is promised, may be, and was in use before the first
 * domain.
 */
void domain_promises(uint64_t *promised, uint64_t *most, uint64_t *boot);

/*
 * A new domain's pages, budget and metadata; false: they do not fit.  _end: all
 * that d was promised.
 */
/*
 * Frames of a domain whose holds are charged to its quota, beyond its pages and
 * holds: those that are drawn for a chunk of offers before the offered ones go,
 * and for breaks whose old frame is not yet let go of.
 */
#define OWN_MARGIN	128
/*
 * What is promised to d for pages and holds becomes what its own quota needs
 * (on), or its pages and its budget again; it holds nothing.  False: there is
 * not so much.
 */
bool domain_own_quota(struct domain *d, bool on) must_check;
/* What is promised to it for pages and canonical frames. */
uint64_t domain_promised_pages(const struct domain *d);

/*
 * It may have `limit` pages from now on; false: they do not fit.  A domain that
 * has more keeps them, gets no new ones, and max follows what it gives back.
 */
bool domain_promise_limit(struct domain *d, uint64_t limit) must_check;

bool domain_promise(struct domain *d) must_check;
void domain_promise_end(struct domain *d);
/* It gave pages back; LOCK_PAGELIST. */
void domain_promise_settle(struct domain *d) needs_lock(&d->pages.lock);

#endif
