/* SPDX-License-Identifier: MIT */
/*
 * Contents of page tables: entries (ptcheck.c) and whole trees (pttree.c).
 *
 * TABLE1  every entry of a validated table names a frame through resolve(), and
 *         holds what it took: L1: a general reference and, if writable, a
 *         WRITABLE use; or, of a shared frame, a mapping of the domain's hold.
 *         L2-L4: a general reference and a use as the table class below; or,
 *         read-only, a linear use of a table of the same class and domain (seed
 *         003; mm/pagetype.h T2).
 * TABLE2  no entry is writable to a table, descriptor or shared frame (the
 *         classes exclude it).
 * TABLE3  L4 slots 256..271 are the hypervisor's template and the domain's own
 *         M2P view.
 * TABLE4  the AVL bit is the hypervisor's (decision 17): set exactly on present
 *         entries of shared frames that sharing marked; a guest's value is
 *         dropped.  (While a share is broken in parts, also on those of its
 *         frame that are not yet done: sharing/break.c, K1.)
 *
 * TABLE5  likewise PTE_AVL_GRANT, set exactly on entries that a grant handle
 *         installed: such an entry holds nothing itself (pv/grant_host.c), and
 *         replacing it takes the handle's host part away.
 *
 * All functions: the domain's LOCK_MM is held.
 *
 * Validating or devalidating a tree takes as long as the tree is large, so it is done
 * in parts (pttree.c).  What answers -ERESTART changed nothing: drop the lock, leave the
 * hypervisor by pv_exit_to_guest(), which does the next parts, and ask again; an instruction that is
 * emulated is simply not advanced over.
 */
#ifndef HV_PV_PTCHECK_H
#define HV_PV_PTCHECK_H

#include "dom/domain.h"
#include "mm/pagetype.h"
#include "x86/pte.h"

/*
 * First, in everything that adds or drops uses of tables: `wanted` is the
 * table that is asked for next, INVALID_MFN if none.  0, or -ERESTART.
 */
int ptcheck_begin(struct domain *d, mfn_t wanted) must_check;

/*
 * A use of mfn as a table of `level` (1..4): general reference and type, its
 * tree validated when it is the first.  -EINVAL, -EPERM, -EBUSY, -EMLINK (only
 * linear uses are left), -ENOMEM, -ERESTART.
 */
int ptcheck_table_get(struct domain *d, mfn_t mfn, unsigned int level) must_check;
/* The work must be idle (after ptcheck_begin() and, if one was wanted, ptcheck_table_get()). */
void ptcheck_table_put(struct domain *d, mfn_t mfn);

/*
 * Is a tree, or the breaking of a share, half-way?  Then call ptcheck_work() until it says
 * false.  No lock needed to ask.
 */
bool ptcheck_work_left(const struct domain *d);
/* One bounded part of it; false when there is none left. */
bool ptcheck_work(struct domain *d);

/*
 * Replace entry *pte of a validated table of `level` by what `new` asks for.
 * preserve_ad keeps the accessed and dirty bits that the CPU sets meanwhile.
 * -errno: the entry is as it was.  Level 1 gives -ERESTART only while a share is
 * being broken (sharing/break.c), and never for an entry that is not present.
 */
int ptcheck_entry_set(struct domain *d, pte_t *pte, unsigned int level,
		      unsigned int slot, pte_t new, bool preserve_ad) must_check;

/* An L1 entry of a validated table was replaced by `new` without ptcheck_entry_set(): let go of what it held. */
void ptcheck_l1_put(struct domain *d, pte_t *pte, pte_t old, pte_t new);

/*
 * *pte of a validated L1 table is read-only, marked as shared, and written to: it gets a
 * private page, writable; the TLBs are flushed.  Or -errno of sharing_write(), and it is as it was.
 */
int ptcheck_break(struct domain *d, pte_t *pte) must_check;

/*
 * The L1 entry that maps va in the tree below l4, for reading or through
 * ptcheck_entry_set(); NULL if an upper level is absent, or linear.  va: guest range, canonical.
 */
pte_t *ptcheck_walk(struct domain *d, mfn_t l4, uint64_t va);

/* Entries between two looks at the clock; tests lower it. */
extern unsigned int ptcheck_steps_max;

#endif
