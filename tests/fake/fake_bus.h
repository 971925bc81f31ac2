/* SPDX-License-Identifier: MIT */
/*
 * In place of hv/io/bus.c: configuration space of a few functions, memory of
 * devices, ports that note what was done.
 */
#ifndef TESTS_FAKE_BUS_H
#define TESTS_FAKE_BUS_H

#include "io/bus.h"

#define FAKE_FUNCTIONS	260
#define FAKE_MEMORY	0xfe000000UL	/* device memory is from here on */
#define FAKE_WORDS	(0x20000 / 4)
#define FAKE_NOTES	4096
#define FAKE_IOAPIC	0xfec00000UL
#define FAKE_IOAPICS	2	/* a page apart; behind them nothing answers */
#define FAKE_LINES	24	/* of each */
#define FAKE_REMOTE_IRR	(1u << 14)	/* read-only; see ioapic_write() */

struct fake_function {
	uint16_t bdf;
	uint8_t config[4096];
	uint8_t writable[4096];	/* bits that a write changes */
};

struct fake_bus {
	struct fake_function fn[FAKE_FUNCTIONS];
	unsigned int count;
	uint32_t words[FAKE_WORDS];
	struct {
		uint32_t index, reg[0x10 + 2 * FAKE_LINES];
	} ioapic[FAKE_IOAPICS];
	/* writes to device memory, in their order */
	struct { uint64_t at; uint32_t value; } note[FAKE_NOTES];
	unsigned int note_count;
	unsigned int config_writes;
	uint64_t config_first, config_end;	/* frames that it is, too */
	uint16_t config_bdf;
	/* the last access to a port: out, or in, which gives in_value */
	uint16_t port;
	unsigned int width, outs, ins;
	uint32_t out_value, in_value;
};
extern struct fake_bus fake_bus;

void fake_bus_reset(void);
struct fake_function *fake_bus_add(uint16_t bdf, uint16_t class);
/* Its range i, at base, of so many bytes; flags: the low bits that it reads. */
void fake_bus_range(struct fake_function *f, unsigned int i, uint64_t base,
		    uint64_t bytes, uint32_t flags);
/* One more capability, of so many bytes; its register. */
unsigned int fake_bus_cap(struct fake_function *f, uint8_t id, unsigned int bytes);
/* MSI with that word of flags, all of the rest writable; its register */
unsigned int fake_bus_msi(struct fake_function *f, uint16_t flags);
unsigned int fake_bus_msix(struct fake_function *f, unsigned int entries,
			   unsigned int range, uint32_t offset);
uint32_t fake_bus_config(const struct fake_function *f, unsigned int reg,
			 unsigned int width);
void fake_bus_set(struct fake_function *f, unsigned int reg, unsigned int width,
		  uint32_t value);
uint32_t *fake_bus_word(uint64_t at);

#endif
