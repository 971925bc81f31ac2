/* SPDX-License-Identifier: MIT */
/*
 * Memory as the firmware's map tells of it, piece by piece as it came: what the
 * first domain is told, and may read.  ram.h has what of it is used as RAM.
 * Filled by boot/e820.c; constant after boot.
 */
#ifndef HV_MM_FIRMWARE_H
#define HV_MM_FIRMWARE_H

#include "lib/types.h"

#define FIRMWARE_RANGES_MAX	128

/* Where a PC's memory has the segment of its BIOS's extended data area. */
#define BIOS_EBDA_SEGMENT	0x40e

/* Types of ACPI's "e820" map. */
enum {
	FIRMWARE_RAM = 1, FIRMWARE_RESERVED, FIRMWARE_ACPI, FIRMWARE_ACPI_NVS,
};

struct firmware_range {
	uint64_t start, bytes;
	uint32_t type;
};

extern struct firmware_range firmware_ranges[FIRMWARE_RANGES_MAX];
extern unsigned int firmware_range_count;

/*
 * The type of a range that has a part of the frame, one that is not RAM if
 * there is such; 0: there is none.
 */
uint32_t firmware_type(mfn_t mfn);

#endif
