/* SPDX-License-Identifier: MIT */
/*
 * Frames of devices: memory that is no RAM, which the first domain maps in its
 * L1 entries to drive a device.
 *
 * IOFRAME1  PTE_AVL_DEVICE is the hypervisor's: set exactly on the present L1
 *           entries that name such a frame.  There is no struct frame behind
 *           it, and nobody may ask for one.
 * IOFRAME2  Such an entry holds nothing: a device's memory is never freed.  A
 *           domain counts those that it has (io.entries, LOCK_MM; audit I22).
 * IOFRAME3  Only the first domain has any, only of memory that is a device's
 *           (io/pci.h, PCI3), and never writable where messages of interrupts
 *           are: there the entry is made read-only, as Xen makes it.
 * IOFRAME4  A device's memory may be mapped with any cache type; RAM has one.
 */
#ifndef HV_IO_IOFRAME_H
#define HV_IO_IOFRAME_H

#include "dom/domain.h"
#include "x86/pte.h"

/*
 * Present entry *e names no RAM.  0: d may have it, and *e is what the table
 * will hold; it counts as d's.  -EINVAL: it is no device's memory; -EPERM: it
 * is none of d's.  The entry's flags are good.
 */
int ioframe_take(struct domain *d, pte_t *e) must_check needs_lock(&d->mm);
/* The entry goes. */
void ioframe_drop(struct domain *d) needs_lock(&d->mm);

#endif
