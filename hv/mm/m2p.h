/* SPDX-License-Identifier: MIT */
/*
 * A domain's own view of the M2P (design decision 15): a sparse table mfn ->
 * pfn at Xen's address, mapped read-only for the guest through L4 slot 256.
 * Frames that the domain neither owns nor holds read as absent (not mapped) or
 * INVALID_PFN.  A leaf page covers 512 frames.
 *
 * The same L3 carries, in its last slot, the domain's descriptor-table area.
 */
#ifndef HV_MM_M2P_H
#define HV_MM_M2P_H

#include "mm/frame.h"
#include "x86/pte.h"
#include "x86/spinlock.h"

struct frame_pool;

#define M2P_NEAR	16	/* leaves that are found at once */
#define M2P_EMPTY	8	/* leaves without a name that are kept */

struct m2p_view {
	/* LOCK_M2P: entries and tables below l3, and all below (M2P1) */
	struct spinlock lock;
	pte_t *l3;		/* the page that slot 256 leads to */
	uint64_t leaf_count;	/* pages of leaves, for the metadata figure */
	/* m2p_view_reap()'s place: the leaves before this number are gone */
	uint32_t reaped;
	uint64_t page_count;	/* all but l3: tables and leaves */
	/* M2P2: number of a leaf + 1 << 32 | its frame */
	uint64_t near[M2P_NEAR];
	/* M2P4: numbers of leaves that lost their last name */
	uint32_t empty[M2P_EMPTY], empty_count;
	/* atomic: CPUs that may read the view by its entries; NULL: none */
	const uint64_t *cpus;
	/*
	 * so many pages are promised to the view (dom/promise.c; it grows).
	 * For each page beyond them more() is asked, once (M2P5: granted);
	 * false means -ENOMEM
	 */
	uint64_t promised, granted;
	bool (*more)(struct m2p_view *view); /* constant; NULL: no limit */
	/*
	 * the pool that tables and leaves come from (mm/framepool.h); NULL: the
	 * heap.  Once set it stays
	 */
	struct frame_pool *from;
};

int m2p_view_init(struct m2p_view *view);		/* -ENOMEM */
/*
 * Once nobody uses the view any more: m2p_view_reap() gives some pages back,
 * m2p_view_fini() all of them.
 */
enum progress m2p_view_reap(struct m2p_view *view) must_check;
void m2p_view_fini(struct m2p_view *view);
/*
 * Set the pfn of mfn; INVALID_PFN clears it. -ENOMEM only if a new leaf is
 * needed.
 */
int m2p_set(struct m2p_view *view, mfn_t mfn, pfn_t pfn) must_check;
void m2p_clear(struct m2p_view *view, mfn_t mfn);
/*
 * Several at once, after m2p_begin(): m2p_drop() is m2p_clear(), and
 * m2p_put_first() is m2p_set() that leaves an mfn which has a pfn.
 */
void m2p_begin(struct m2p_view *view) takes_lock(&view->lock);
void m2p_drop(struct m2p_view *view, mfn_t mfn) needs_lock(&view->lock);
int m2p_put_first(struct m2p_view *view, mfn_t mfn, pfn_t pfn) must_check
	needs_lock(&view->lock);
void m2p_end(struct m2p_view *view) frees_lock(&view->lock);
/*
 * Calls fn for every entry of mfns [first, end) that is not INVALID_PFN; the
 * machine is stopped.
 */
void m2p_for_each(const struct m2p_view *view, mfn_t first, mfn_t end,
		  void (*fn)(mfn_t mfn, pfn_t pfn, void *arg), void *arg);
/*
 * The first of [mfn, end) that has a leaf; INVALID_MFN: none has.  The machine
 * is stopped.
 */
mfn_t m2p_leaf_from(const struct m2p_view *view, mfn_t mfn, mfn_t end);
/* INVALID_PFN if none; _look: after m2p_begin() */
pfn_t m2p_get(struct m2p_view *view, mfn_t mfn);
pfn_t m2p_look(struct m2p_view *view, mfn_t mfn) needs_lock(&view->lock);

/*
 * The L1 entry of page `index` of a domain's descriptor area (vCPU i: 32*i ..),
 * tables made when first wanted; NULL: no memory.
 */
pte_t *m2p_perdom_pte(struct m2p_view *view, unsigned int index);

#endif
