/* SPDX-License-Identifier: MIT */
/*
 * The machine's buses, raw: ports, memory of devices, configuration space by
 * type 1.  Nothing here knows whose a device is; tests/fake/fake_bus.c stands
 * in its place on the host.
 */
#ifndef HV_IO_BUS_H
#define HV_IO_BUS_H

#include "lib/types.h"
#include "x86/pte.h"
#include "x86/spinlock.h"

/*
 * The two ports of configuration space, which are one register for the whole
 * machine, and the table of functions (pci.h).  LOCK_PCI
 */
extern struct spinlock bus_lock;

/* width: 1, 2 or 4 bytes. */
uint32_t bus_port_in(uint16_t port, unsigned int width);
void bus_port_out(uint16_t port, unsigned int width, uint32_t value);

/*
 * Configuration space of bus << 8 | device << 3 | function, register 0 to 255,
 * and where it is memory, too, to 4095, which are read by 4 bytes; all ones are
 * read where there is nothing.  reg is a multiple of width.
 */
uint32_t bus_config_read(uint16_t bdf, unsigned int reg, unsigned int width)
	needs_lock(&bus_lock);
void bus_config_write(uint16_t bdf, unsigned int reg, unsigned int width,
		      uint32_t value) needs_lock(&bus_lock);

/*
 * At boot: [first, end) is configuration space (MCFG), a frame for each
 * function from `bdf` on.
 */
void bus_config_memory_set(mfn_t first, mfn_t end, uint16_t bdf);
/* Is that frame configuration space?  Then *bdf is whose. */
bool bus_config_memory(mfn_t mfn, uint16_t *bdf);

/*
 * A device's memory, uncached, wherever it is: by a page of addresses that
 * shows one frame after the other.  A multiple of 4.
 */
uint32_t bus_memory_read(maddr_t at) needs_lock(&bus_lock);
void bus_memory_write(maddr_t at, uint32_t value) needs_lock(&bus_lock);
/* At boot: the entry that maps that page, at `va`, and a page's flags. */
void bus_window_set(uint64_t va, pte_t *pte, uint64_t flags);

#endif
