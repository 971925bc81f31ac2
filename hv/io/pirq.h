/* SPDX-License-Identifier: MIT */
/*
 * Physical interrupts of the first domain: a device's message, or its line of
 * an IOAPIC, comes as a vector of some processor, and becomes an event of that
 * domain.  Below, what is said of messages goes for lines, too.
 *
 *   pirq_map()    a message is written, masked; the number can be bound
 *   pirq_map_line()  the same of a line, whose number is the pirq's
 *   bind_pirq     (dom/op_evtchn.c) a port for the number: pirq_bound() takes
 *                 the mask off
 *   pirq_interrupt()
 *   close         the port goes: the mask is back
 *   pirq_unmap()
 *
 * PIRQ1  A message is unmasked only while its number has a port.  Where the
 *        device has no mask, what comes without a port is noted, and becomes an
 *        event when there is one.
 * PIRQ2  The domain need do nothing at a message, which is an edge, and
 *        XENIRQSTAT_needs_eoi is not set.  A line that is a level is masked
 *        when it comes, before the processor's EOI, until the domain says that
 *        it has served it (PHYSDEVOP_eoi), or binds it anew.
 * PIRQ3  A message that comes more than PIRQ_WINDOW_MOST times in a window of
 *        PIRQ_WINDOW_NS is masked for as long, so that no device takes a
 *        processor from the machine.  Devices send a masked message later; for
 *        one without a mask an event is made up.
 * PIRQ4  Of a domain that ends all messages are taken back, and no device reads
 *        or writes memory any more, before the first of its pages is freed
 *        (pirq_end(); ctl/destroy.c).
 *
 * GAP: a message stays on the processor that it was given, wherever the vCPU
 * that its port is bound to runs.
 */
#ifndef HV_IO_PIRQ_H
#define HV_IO_PIRQ_H

#include "dom/domain.h"

/* numbers below are those of the IOAPICs' lines */
#define PIRQ_MESSAGES_FIRST	64
#define PIRQ_WINDOW_NS		10000000UL
#define PIRQ_WINDOW_MOST	2000

struct pirq_message {
	uint16_t bdf;
	bool msix;
	uint32_t entry, count;	/* MSI-X: count is 1; MSI: entry is 0 */
};

/*
 * Write the message, or `count` of them, and give them *pirq, or numbers from
 * *pirq on if that is not -1.  -ENODEV, -EINVAL, -EBUSY, -ENXIO: msi_check();
 * -EEXIST: it has a number, or the number is in use; -ENOSPC: no vector, or no
 * number; -ENOMEM.
 */
int pirq_map(struct domain *d, const struct pirq_message *m, int *pirq) must_check;
/*
 * The line of that number, -EINVAL: there is none; -EEXIST: it is mapped;
 * -ENOSPC, -ENOMEM.  Until pirq_set_line() an edge where the number is below
 * 16, else a level that is active low.
 */
int pirq_map_line(struct domain *d, uint32_t line) must_check;
/* What it is; -EINVAL: it is not mapped; -EEXIST: it is bound. */
int pirq_set_line(struct domain *d, uint32_t line, bool level, bool low) must_check;
/* It was served (PIRQ2). */
void pirq_eoi(struct domain *d, uint32_t pirq);
/* Is that to be said of it? */
bool pirq_needs_eoi(uint32_t pirq);
/* -EINVAL: nothing has that number, or it is not the first of several. */
int pirq_unmap(struct domain *d, uint32_t pirq);
/* A number that pirq_map() has not given, for the caller to name; -ENOSPC. */
int pirq_reserve(struct domain *d);
/* The device forgot its messages: write them again; -ENODEV. */
int pirq_restore(struct domain *d, uint16_t bdf);
/* The device is gone, and all its messages are (PCI4); -ENODEV. */
int pirq_remove(struct domain *d, uint16_t bdf);
/* PIRQ4; nothing of any other than the first domain. */
void pirq_end(struct domain *d);
/*
 * A vector came on this CPU, EOI follows; interrupts are off, no lock is held.
 * False: it is no message's.
 */
bool pirq_interrupt(uint32_t vector);

#endif
