/* SPDX-License-Identifier: MIT */
/* See ioapic.h. */
#include <port.h>

#include "io/ioapic.h"

/* its memory: which register, and what is in it */
#define AT_INDEX	0x00
#define AT_DATA		0x10

#define REG_VERSION	1
#define REG_LINES	0x10	/* two for each line */
#define LINES_SHIFT	16
#define LINE_LOW	(1u << 13)	/* active low */
#define LINE_SENT	(1u << 14)	/* a level, without EOI so far */
#define LINE_LEVEL	(1u << 15)
#define LINE_MASKED	(1u << 16)
#define APIC_ID_SHIFT	24

/* Constant after boot. */
static struct ioapic {
	maddr_t at;
	uint32_t first, count;
} ioapics[IOAPICS_MAX];
static unsigned int ioapic_count;

static uint32_t reg_read(const struct ioapic *a, uint32_t reg)
	needs_lock(&bus_lock)
{
	bus_memory_write(maddr_add(a->at, AT_INDEX), reg);
	return bus_memory_read(maddr_add(a->at, AT_DATA));
}

static void reg_write(const struct ioapic *a, uint32_t reg, uint32_t value)
	needs_lock(&bus_lock)
{
	bus_memory_write(maddr_add(a->at, AT_INDEX), reg);
	bus_memory_write(maddr_add(a->at, AT_DATA), value);
}

static const struct ioapic *ioapic_of(uint32_t line)
{
	unsigned int i;

	for (i = 0; i < ioapic_count; i++)
		if (line - ioapics[i].first < ioapics[i].count)
			return &ioapics[i];
	return NULL;
}

bool ioapic_has(uint32_t line)
{
	return ioapic_of(line);
}

/* The lower register of the line. */
static uint32_t reg_of(const struct ioapic *a, uint32_t line)
{
	return REG_LINES + 2 * (line - a->first);
}

void ioapic_mask(uint32_t line, bool mask)
{
	const struct ioapic *a = ioapic_of(line);
	uint32_t low = reg_read(a, reg_of(a, line));

	reg_write(a, reg_of(a, line), mask ? low | LINE_MASKED : low & ~LINE_MASKED);
	(void)reg_read(a, reg_of(a, line));
}

void ioapic_set(uint32_t line, uint32_t apic_id, uint8_t vector, bool level,
		bool low)
{
	const struct ioapic *a = ioapic_of(line);

	ioapic_mask(line, true);	/* IOAPIC1 */
	if (reg_read(a, reg_of(a, line)) & LINE_SENT)
		reg_write(a, reg_of(a, line), LINE_MASKED); /* IOAPIC3 */
	reg_write(a, reg_of(a, line) + 1, apic_id << APIC_ID_SHIFT);
	reg_write(a, reg_of(a, line), LINE_MASKED | vector |
		  (level ? LINE_LEVEL : 0) | (low ? LINE_LOW : 0));
}

bool ioapic_read(uint64_t at, uint32_t reg, uint32_t *value)
{
	unsigned int i;

	for (i = 0; i < ioapic_count; i++) {
		if (maddr_n(ioapics[i].at) != at)
			continue;
		*value = reg_read(&ioapics[i], reg & 0xff);
		return true;
	}
	return false;
}

bool ioapic_add(maddr_t at, uint32_t first)
{
	struct ioapic *a = &ioapics[ioapic_count];
	uint32_t version, i;

	if (ioapic_count == IOAPICS_MAX)
		return false;
	*a = (struct ioapic){ .at = at, .first = first };
	spin_lock(&bus_lock);
	version = reg_read(a, REG_VERSION);
	if (version != ~0u)
		a->count = (version >> LINES_SHIFT & 0xff) + 1;
	for (i = 0; i < a->count; i++)
		reg_write(a, REG_LINES + 2 * i,
			  reg_read(a, REG_LINES + 2 * i) | LINE_MASKED);
	spin_unlock(&bus_lock);
	ioapic_count += a->count != 0;
	return a->count;
}
