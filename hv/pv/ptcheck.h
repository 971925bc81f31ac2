/* SPDX-License-Identifier: MIT */
/*
 * Entries of page tables; whole trees: pttree.h.
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
 *         dropped.  (While a share is broken in parts, also on entries that
 *         still name its old frame: pv/ptbreak.c, K1.)
 *
 * TABLE5  PTE_AVL_GRANT is the hypervisor's, too: set exactly on entries that a
 *         grant handle installed; such an entry holds nothing itself
 *         (pv/grant_host.c), and replacing it takes the handle's host part
 *         away.
 *
 *         PTE_AVL_FOREIGN likewise, on entries for another domain's frames;
 *         what they hold is that frame's (pv/foreign.h, FOR2).  And
 *         PTE_AVL_DEVICE on those for a device's memory (io/ioframe.h), which
 *         is no frame.
 *
 * TABLE6  of a domain that chose SHARE_MODE_SOLE no entry comes to be for a
 *         frame that it holds, but by the offer: the share is broken first.  So
 *         an entry that such a kernel keeps where nobody counts it, in a table
 *         that is not pinned, never has a name that a break takes away.
 *
 * All functions: the domain's LOCK_MM is held.
 */
#ifndef HV_PV_PTCHECK_H
#define HV_PV_PTCHECK_H

#include "dom/domain.h"
#include "mm/pagetype.h"
#include "x86/pte.h"

/* TABLE3: no entry there is a guest's. */
static inline bool slot_is_hypervisor(unsigned int level, unsigned int slot)
{
	return level == 4 && slot >= HV_FIRST_SLOT && slot <= HV_LAST_SLOT;
}

/*
 * Replace entry *pte of a validated table of `level` by what `new` asks for.
 * preserve_ad keeps the accessed and dirty bits that the CPU sets meanwhile.
 * -errno: the entry is as it was.  Level 1 gives -ERESTART only while a share
 * is being broken (pv/ptbreak.c), and never for an entry that is not present.
 */
int ptcheck_entry_set(struct domain *d, pte_t *pte, unsigned int level,
		      unsigned int slot, pte_t new, bool preserve_ad) must_check
	needs_lock(&d->mm);

/*
 * As ptcheck_entry_set() at level 1, if *pte still holds `old`, also in its
 * accessed and dirty bits, which other CPUs set at any time; -EAGAIN: it does
 * not.
 */
int ptcheck_entry_swap(struct domain *d, pte_t *pte, pte_t old, pte_t new) must_check
	needs_lock(&d->mm);

/* Has an entry of level 1 only bits that it may have? */
bool ptcheck_l1_flags_ok(pte_t e);

/*
 * Replace *pte, an entry of a validated L1 table, by `e`, for which
 * foreign_take() took what it needs.
 */
void ptcheck_foreign_set(struct domain *d, pte_t *pte, pte_t e, bool preserve_ad)
	needs_lock(&d->mm);

/*
 * An L1 entry of a validated table was replaced by `new` without
 * ptcheck_entry_set(): let go of what it held.
 */
void ptcheck_l1_put(struct domain *d, pte_t *pte, pte_t old, pte_t new)
	needs_lock(&d->mm);

/*
 * The guest writes through *pte, an entry of a validated L1 table that is
 * read-only and marked as shared: give it a private, writable page and, if that
 * is another frame, flush the TLBs.  Or -errno of ptbreak_write(), and *pte is
 * as it was.
 */
int ptcheck_break(struct domain *d, pte_t *pte) must_check needs_lock(&d->mm);

/*
 * The L1 entry that maps va in the tree below l4, for reading or through
 * ptcheck_entry_set(); NULL if an upper level is absent, or linear.  va: guest
 * range, canonical.
 */
pte_t *ptcheck_walk(struct domain *d, mfn_t l4, uint64_t va) needs_lock(&d->mm);
/* The L1 table with that entry; NULL likewise. */
pte_t *ptcheck_table(struct domain *d, mfn_t l4, uint64_t va) needs_lock(&d->mm);

/*
 * Do all entries on the way to va, which ptcheck_walk() found, let its page be
 * written?
 */
bool ptcheck_writable(mfn_t l4, uint64_t va);

#endif
