/* SPDX-License-Identifier: MIT */
/*
 * Configuration space as the first domain sees it: by ports 0xcf8 and 0xcfc,
 * and as memory, which it may read (io/ioframe.h), and where its writes are
 * done for it (pv/configwrite.h).
 *
 * CONF1  The address register is the domain's own; the machine's is written for
 *        each access, under bus_lock.
 * CONF2  All may be read.  Writes to the board's own functions (host bridge,
 *        bridge to ISA, power management) are dropped: they say where RAM and
 *        other chips are.
 * CONF3  What a device sends as an interrupt is the hypervisor's: messages and
 *        their masks are dropped (io/msi.h), and a device may be told to send
 *        them only while the hypervisor has written them.
 * CONF4  A register is written by these rules whichever way it is named.  Those
 *        above 255 hold no message; writes that would make the function's
 *        memory larger, or give it more, are dropped (Resizable BAR, SR-IOV),
 *        since a function's ranges are measured once (io/pci.h).
 * CONF5  A bridge's number of the bus behind it is written once, if firmware
 *        left it 0, and is no other bus's (PCI5).
 */
#ifndef HV_IO_PCICONF_H
#define HV_IO_PCICONF_H

#include "dom/domain.h"

#define PCICONF_ADDRESS	0xcf8
#define PCICONF_DATA	0xcfc

/* Is it one of these ports? */
bool pciconf_is_port(uint16_t port, unsigned int width);
uint32_t pciconf_in(struct domain *d, uint16_t port, unsigned int width);
void pciconf_out(struct domain *d, uint16_t port, unsigned int width,
		 uint32_t value);
/* A register, 0 to 4095, a multiple of width (1, 2, 4). */
void pciconf_write(struct domain *d, uint16_t bdf, unsigned int reg,
		   unsigned int width, uint32_t value);

#endif
