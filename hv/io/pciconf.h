/* SPDX-License-Identifier: MIT */
/*
 * Configuration space as the first domain sees it, by ports 0xcf8 and 0xcfc.
 *
 * CONF1  The address register is the domain's own; the machine's is written for
 *        each access, under bus_lock.
 * CONF2  All may be read.  Writes to the board's own functions (host bridge,
 *        bridge to ISA, power management) are dropped: they say where RAM and
 *        other chips are.
 * CONF3  What a device sends as an interrupt is the hypervisor's: messages and
 *        their masks are dropped (io/msi.h), and a device may be told to send
 *        them only while the hypervisor has written them.
 *
 * GAP: registers of PCI Express above 255, which only memory has (MCFG), can be
 * read, not written: a kernel that turns on advanced error reporting faults.
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

#endif
