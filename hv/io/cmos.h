/* SPDX-License-Identifier: MIT */
/*
 * The clock chip (x86/rtc.h, "CMOS") as the first domain has it: time, alarm,
 * and the bytes that the firmware keeps beside them.
 *
 * CMOS1  The chip's address port is the hypervisor's.  The register that the
 *        domain names is kept with the domain; each access names it anew, under
 *        the chip's lock, so neither disturbs the other.
 * CMOS2  What would take the clock away from the hypervisor stays as it is:
 *        register A's divider, and the bit beside the address that keeps NMIs
 *        away.  Time itself is the operator's to set, as on a bare machine; the
 *        guests' clock follows by the rules of dom/wallclock.c.
 */
#ifndef HV_IO_CMOS_H
#define HV_IO_CMOS_H

#include "dom/domain.h"

/* width: 1, 2, 4.  The chip answers to bytes only. */
bool cmos_is_port(uint16_t port, unsigned int width);
uint8_t cmos_in(struct domain *d, uint16_t port);
void cmos_out(struct domain *d, uint16_t port, uint8_t value);

#endif
