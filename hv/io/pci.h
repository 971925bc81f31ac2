/* SPDX-License-Identifier: MIT */
/*
 * The machine's PCI functions, as far as the hypervisor must know them: which
 * ports and which memory are a device's, and where a device has what the
 * hypervisor writes itself (messages of interrupts).
 *
 * PCI1  The table is read from the machine when there is a first domain
 *       (pci_scan()), by following bridges; it grows by pci_add().  An entry
 *       never moves, and never goes.
 * PCI2  The ranges in the table are what the device's registers say now: they
 *       are read again after each write to them (pci_ranges_read()), which only
 *       the first domain makes (io/pciconf.h).  Their sizes are asked once,
 *       before anybody uses the device; and of one that comes to the place of
 *       another (pci_remove()) again, with all that was read of that.
 * PCI3  Memory is a device's only if it is in such a range, is no RAM, and is
 *       nothing of the processors' own (their APICs, the IOAPICs).
 * PCI4  No message is written of a function that is gone: both that and the
 *       writing are under the lock of interrupts (io/pirq.h), too.
 * PCI5  A bridge that leads to a bus leads to no other from then on, and no two
 *       lead to one: so a function has one place, and what the table says of a
 *       place is said of what is there.  It may be out of reach for a while (a
 *       bridge that was reset, the last bus that one passes on): then nobody
 *       writes to it.
 */
#ifndef HV_IO_PCI_H
#define HV_IO_PCI_H

#include "io/bus.h"

#define PCI_FUNCTIONS_MAX	256
#define PCI_RANGES		7	/* six, and that of the ROM */

#define PCI_REG_VENDOR		0x00
#define PCI_REG_COMMAND		0x04
#define PCI_REG_STATUS		0x06
#define PCI_REG_CLASS		0x0a	/* class << 8 | subclass, 2 bytes */
#define PCI_REG_HEADER		0x0e
#define PCI_REG_RANGES		0x10
#define PCI_REG_SECONDARY	0x19
#define PCI_REG_ROM		0x30
#define PCI_REG_CAPABILITIES	0x34

#define PCI_COMMAND_PORTS	1u
#define PCI_COMMAND_MEMORY	2u
#define PCI_COMMAND_MASTER	4u

struct pci_range {
	uint64_t base, bytes;	/* bytes 0: there is none */
	bool ports;
};

/*
 * bus_lock: base of the ranges, bus, and what is said to be of io/msi.c; all
 * else is constant, but for a function that is gone.
 */
struct pci_function {
	uint16_t bdf;
	bool bridge;		/* from one bus to another */
	bool leads;		/* that, or to cards: to a bus, */
	uint8_t bus;		/* which is this (PCI5); 0: none so far */
	bool chipset;		/* the board's own; pciconf.h */
	bool gone;		/* pci_remove() */
	/* registers of its capabilities for messages; 0: it has none */
	uint8_t msi, msix;
	uint16_t msi_flags, msix_flags;	/* as read at the scan */
	uint8_t msix_range;	/* where its table is: which range, */
	uint32_t msix_offset;	/* and from where on in it */
	uint8_t rom_reg;
	struct pci_range range[PCI_RANGES];
	/* io/msi.c: how many messages of each kind are written, */
	uint16_t msi_used, msix_used;
	/* whether its driver wants it to send MSIs, and whether it must not */
	bool msi_wanted, msi_held;
};

/* Fill the table. */
void pci_scan(void);
/* NULL: not in the table. */
struct pci_function *pci_find(uint16_t bdf) needs_lock(&bus_lock);
/*
 * The same, after a look at the machine.  NULL: there is no such function, or
 * no room for it.
 */
struct pci_function *pci_add(uint16_t bdf) needs_lock(&bus_lock);
/* The function is gone: when one answers there again, it is read anew. */
void pci_remove(struct pci_function *f) needs_lock(&bus_lock);
/* The number-th of the table, or NULL. */
struct pci_function *pci_nth(unsigned int number);
/*
 * The device may not read or write memory from here on, nor may what is behind
 * it, whether that can be reached or not.
 */
void pci_quiet(struct pci_function *f) needs_lock(&bus_lock);
/* What is to be written there instead of `value` (PCI5). */
uint32_t pci_bus_kept(struct pci_function *f, unsigned int reg,
		      unsigned int width, uint32_t value)
	must_check needs_lock(&bus_lock);
/* After a write to register `reg` (PCI2). */
void pci_ranges_read(struct pci_function *f, unsigned int reg)
	needs_lock(&bus_lock);

enum pci_memory {
	PCI_MEMORY_NONE,	/* no device's */
	PCI_MEMORY_DEVICE,
	PCI_MEMORY_READ_ONLY,	/* holds an MSI-X table, too */
};
/* What is the frame?  bus_lock is not held. */
enum pci_memory pci_memory_kind(mfn_t mfn);
/* Are they APICs', whatever else says so (PCI3)? */
bool pci_is_processors(mfn_t mfn);
/* Are all of these ports one device's?  bus_lock is not held. */
bool pci_has_ports(uint16_t port, unsigned int count);

/* The message table's address; 0: it is nowhere (no such range). */
maddr_t pci_messages(const struct pci_function *f) needs_lock(&bus_lock);
unsigned int pci_messages_count(const struct pci_function *f);

#endif
