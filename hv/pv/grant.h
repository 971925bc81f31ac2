/* SPDX-License-Identifier: MIT */
/*
 * What grant_op.c, grant_host.c and grant_copy.c share, and page-table code's
 * one hook.
 */
#ifndef HV_PV_GRANT_H
#define HV_PV_GRANT_H

#include "dom/grant.h"

/*
 * So many operations are read, done and answered together, with one TLB flush.
 */
#define GRANT_CHUNK	32

/*
 * Do `count` operations; each gets its status.  MORE: none was done, and the
 * call is to be made again.
 */
typedef enum progress (*grant_chunk_fn)(struct domain *d, void *ops, unsigned int count);

enum progress grant_chunk_map(struct domain *d, void *ops, unsigned int count);
enum progress grant_chunk_unmap(struct domain *d, void *ops, unsigned int count);
enum progress grant_chunk_replace(struct domain *d, void *ops, unsigned int count);
enum progress grant_chunk_copy(struct domain *d, void *ops, unsigned int count);
enum progress grant_chunk_transfer(struct domain *d, void *ops, unsigned int count);

/*
 * The domain of the last operation, kept for the next one: most operations of a
 * batch name the same domain.
 */
struct grant_peer {
	struct domain *d;
};
/* NULL: there is none with that number. */
struct domain *grant_peer_find(struct grant_peer *p, domid_t id);
void grant_peer_done(struct grant_peer *p);

/*
 * grant_pin() of what the entry may name besides granter's own pages: one that
 * it shares, which is broken first if it chose so, and one whose share was just
 * broken, by its old name (pv/ptbreak.c, K5).  GNTST_bad_page: granter shares
 * it and did not choose break first.  LOCK_MM of no domain is held.
 */
int16_t grant_named_pin(struct domain *granter, domid_hv_t user, bool whole,
			struct grant_pin *pin) must_check;

/*
 * TABLE5: the entry at *pte was a handle's host mapping and is replaced: the
 * handle loses its host part.  LOCK_MM of d; flushes its TLBs.
 */
void grant_pte_gone(struct domain *d, pte_t *pte) needs_lock(&d->mm);

/*
 * Unmap up to 64 of a dying domain's handles.  No lock is held.
 */
enum progress grant_host_reap(struct domain *d);

#endif
