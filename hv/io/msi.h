/* SPDX-License-Identifier: MIT */
/*
 * Messages by which a device interrupts: MSI and MSI-X.  The hypervisor writes
 * them, and keeps their masks; the device's driver only says whether it wants
 * the device to send any (msi_write()).
 *
 * MSI1  A device sends MSIs only while its driver wants it and a message is
 *       written; an MSI-X entry that the hypervisor did not write is masked.
 * MSI2  A message is written with its mask set, and goes with its mask set.
 * MSI3  An MSI without a mask of its own is held back, where that must be, by
 *       turning the device's MSIs off; what it would have sent is lost.
 */
#ifndef HV_IO_MSI_H
#define HV_IO_MSI_H

#include "io/pci.h"

/* Which message of which function. */
struct msi_place {
	struct pci_function *f;
	bool msix;
	uint16_t entry;
};

/*
 * Can `count` messages from p on be written?  -ENODEV: the function has none of
 * that kind; -EINVAL: not so many; -EBUSY: it uses the other kind, or its MSIs
 * are written; -ENXIO: its table cannot be reached.
 */
int msi_check(const struct msi_place *p, unsigned int count) must_check
	needs_lock(&bus_lock);
/*
 * Write messages from p on, masked: `vector` and those behind it at that APIC.
 * MSI-X: count is 1; MSI: a power of two, and p the first.
 */
void msi_set(const struct msi_place *p, unsigned int count, uint32_t apic_id,
	     uint8_t vector) needs_lock(&bus_lock);
/* The same again, after the device forgot; they count once. */
void msi_set_again(const struct msi_place *p, unsigned int count,
		   uint32_t apic_id, uint8_t vector) needs_lock(&bus_lock);
/* They go; p as in msi_set(). */
void msi_clear(const struct msi_place *p, unsigned int count)
	needs_lock(&bus_lock);
/* Has the message a mask of its own? */
bool msi_has_mask(const struct msi_place *p) needs_lock(&bus_lock);
/*
 * Without one: all MSIs of the function (MSI3).  False: its table does not
 * answer now, and nothing changed.
 */
bool msi_mask(const struct msi_place *p, bool mask) needs_lock(&bus_lock);
/*
 * f answers at its addresses from now on: whatever was missed meanwhile, all
 * messages of its table are masked (MSI1, MSI2), until pirq_restore().
 */
void msi_answers(const struct pci_function *f) needs_lock(&bus_lock);
/*
 * The first domain writes to a register of f.  True: it is one of messages, and
 * all that may come of it is done.
 */
bool msi_write(struct pci_function *f, unsigned int reg, unsigned int width,
	       uint32_t value) needs_lock(&bus_lock);

#endif
