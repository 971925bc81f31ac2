/* SPDX-License-Identifier: MIT */
/*
 * Foreign entries: L1 entries by which the first domain maps frames of another
 * domain, to build it or to look into it.
 *
 * FOR1  PTE_AVL_FOREIGN is the hypervisor's: set exactly on the present L1
 *       entries that an update in another domain's name made (pv/mmu.c), which
 *       only the first domain may ask for.  A guest's value is dropped.
 * FOR2  Such an entry holds what an entry of the owner's own would: a general
 *       reference and, if writable, a WRITABLE use.  So no table and no
 *       descriptor page is mapped writable, and what is mapped is not shared,
 *       exchanged or freed meanwhile.
 * FOR3  No foreign entry names a shared frame.  The share is broken first, for
 *       reading, too: an entry that counts in the owner's hold would be one
 *       that its own tables do not have, which a later break would look for in
 *       vain.  Of a domain that did not choose break first it is -EBUSY.
 * FOR4  What an entry held is let go of after a flush of the TLBs of the domain
 *       that mapped it (reclaim_foreign()); the flushes that the frame's own
 *       life has are those of its owner's TLBs.
 * FOR5  Nobody waits for anybody's end.  The owner's: pages that are mapped
 *       become orphans (ctl/destroy.c, END4), those of the heap, too
 *       (dom/heappages.h, HEAP6).  The mapper's: its tables are emptied like
 *       any others.
 * FOR6  What an entry needs is taken under LOCK_MM of the frame's owner, which
 *       an offer holds while it looks at its pages; then the entry is written
 *       under the mapper's.  No CPU holds two.
 */
#ifndef HV_PV_FOREIGN_H
#define HV_PV_FOREIGN_H

#include "dom/domain.h"
#include "x86/pte.h"

/*
 * Take what a foreign entry that says *e would hold, of a frame of `owner`'s,
 * on whom the caller has a reference; *e becomes what the table will hold.
 * -EINVAL: no RAM, or bits that no entry may have; -EPERM: not owner's; -EBUSY:
 * it is in another use, or shared (FOR3); -ENOMEM: no frame for the break;
 * -ESRCH: owner is dying.  LOCK_MM is not held.
 */
int foreign_take(struct domain *owner, pte_t *e) must_check;

#endif
