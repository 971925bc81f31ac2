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
 *           (io/pci.h, PCI3) or the firmware's, and never writable where
 *           messages of interrupts are: there the entry is made read-only, as
 *           Xen makes it.
 * IOFRAME4  A device's memory may be mapped with any cache type; RAM has one.
 * IOFRAME5  Of the firmware's memory: what its map calls reserved or ACPI's (a
 *           table there has a lock that kernels write), the screen's memory
 *           below 1 MiB, and one clock (HPET), which the hypervisor has no use
 *           for after boot; and read-only the ROMs below 1 MiB, and
 *           configuration space where it is memory, too (MCFG): writes there
 *           are looked at (io/pciconf.h).  What is read-only stays so under a
 *           device's range that is moved there.
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
/* At boot: where ACPI says that it is (IOFRAME5). */
void ioframe_set_clock(mfn_t mfn);
/* The entry goes. */
void ioframe_drop(struct domain *d) needs_lock(&d->mm);

#endif
