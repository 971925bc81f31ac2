/* SPDX-License-Identifier: MIT */
/*
 * Ports of devices, which the first domain may use.
 *
 * IOPORT1  Allowed are the ports of a PCI function's ranges, configuration
 *          space (pciconf.h), the clock chip's (cmos.h), and those that ACPI
 *          names for its registers.  All others are as for any guest: writes
 *          vanish.
 * IOPORT2  What the hypervisor uses itself is nobody's, whatever a range says:
 *          interrupt controllers, timer, the serial line, the register of
 *          configuration space, the clock chip but for cmos.h, the port that
 *          ends the machine.
 */
#ifndef HV_IO_IOPORT_H
#define HV_IO_IOPORT_H

#include "dom/domain.h"

/* At boot: these ports are allowed, too.  False: no room. */
bool ioport_add(uint16_t first, uint16_t count);
/*
 * An access of d's kernel, or of a program that its kernel lets do it.  False:
 * the ports are not d's, and nothing was done.  width: 1, 2, 4
 */
bool ioport_in(struct domain *d, uint16_t port, unsigned int width,
	       uint32_t *value);
bool ioport_out(struct domain *d, uint16_t port, unsigned int width,
		uint32_t value);

#endif
