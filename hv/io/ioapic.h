/* SPDX-License-Identifier: MIT */
/*
 * IOAPICs: lines of devices, by their numbers in the machine (GSIs).
 *
 * IOAPIC1  All lines are masked when boot tells of the IOAPIC, and a line is
 *          written with its mask set.
 * IOAPIC2  A line has one vector of one processor, by its physical id.
 * IOAPIC3  A line that is written has sent nothing.  Else, of a level that its
 *          processor had not ended when the line got another vector, no EOI
 *          would name it, and it would never send again.  An edge has no EOI,
 *          so the line is one for a moment.
 */
#ifndef HV_IO_IOAPIC_H
#define HV_IO_IOAPIC_H

#include "io/bus.h"

#define IOAPICS_MAX	8

/*
 * The machine has one there, whose first line is number `first`; at boot.
 * False: no room, or there is none.
 */
bool ioapic_add(maddr_t at, uint32_t first);
/* Does the machine have a line of that number?  Any locks. */
bool ioapic_has(uint32_t line);
/* Of a line that there is: what it sends, masked. */
void ioapic_set(uint32_t line, uint32_t apic_id, uint8_t vector, bool level,
		bool low) needs_lock(&bus_lock);
void ioapic_mask(uint32_t line, bool mask) needs_lock(&bus_lock);
/* A register of the one at that address; false: there is none. */
bool ioapic_read(uint64_t at, uint32_t reg, uint32_t *value)
	needs_lock(&bus_lock);

#endif
