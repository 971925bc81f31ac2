/* SPDX-License-Identifier: MIT */
/* Frames whose last reference went, until no TLB knows them; orphans. */
#ifndef HV_DOM_RECLAIM_H
#define HV_DOM_RECLAIM_H

#include "dom/domain.h"

/*
 * Frames whose last reference went wait on this CPU until the TLBs of the
 * domains that could still read them are flushed.  Called at the end of every
 * hypercall and at preemption points; cheap when nothing waits.
 */
void reclaim_flush(void);
/*
 * Also the few canonical frames that reclaim_flush() lets wait; when idle, and
 * before an allocation fails.
 */
void reclaim_flush_all(void);
/* Has reclaim_flush() anything to do? */
bool reclaim_waits(void);
/* Frames that outlived their domain (destroy.c, END4). */
uint64_t reclaim_orphans(void);
uint64_t reclaim_orphan_changes(void);	/* made or freed, ever */
#define RECLAIM_KEPT	64	/* at most so many of them wait in each group */
/*
 * When so many frames that are not canonical wait on a CPU, a long call stops
 * at its next look at the clock, at most 64 pages or 512 entries later.  So at
 * most RECLAIM_WAITING frames wait on one CPU.
 */
#define RECLAIM_OWNED	128
#define RECLAIM_WAITING	(RECLAIM_KEPT + 64 + RECLAIM_OWNED + 512)
/*
 * reclaim_canonical(): a canonical frame that left sharing goes to wait in its
 * group's pool.  reclaim_pool(): all that wait there are flushed and freed.
 */
void reclaim_canonical(struct frame_pool *p, mfn_t mfn);
void reclaim_pool(struct frame_pool *p);
uint64_t reclaim_waiting(void);	/* frames in all CPUs' queues */
/*
 * Entry e of d's, which mapped a frame of another domain (pv/foreign.h, FOR4),
 * is gone: let go of what it held when d's TLBs are flushed, at reclaim_flush()
 * at the latest; reclaim_foreign_flush() does that now.
 */
void reclaim_foreign(const struct domain *d, uint64_t e);
void reclaim_foreign_flush(void);
/* Let go of what it would have held at once: no table ever had it. */
void reclaim_foreign_unused(uint64_t e);
/* One orphan more, or one less. */
void reclaim_orphan_count(int n);
/*
 * Frames that frame_claim() took from d, and that are on no list any more, go
 * to the heap.
 */
void reclaim_claimed(struct domain *d, struct frame *const *frames,
		     unsigned int count);

#endif
