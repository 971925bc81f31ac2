/* SPDX-License-Identifier: MIT */
/* The table of PCI functions; pci.h has the rules (PCI1-PCI5). */
#include <port.h>

#include "debug/log.h"
#include "io/pci.h"
#include "mm/frame.h"
#include "mm/ram.h"
#include "x86/cpu.h"

#define ABSENT		0xffffffffu
#define HEADER_TYPE	0x7f
#define HEADER_MANY	0x80	/* the device has further functions */
#define STATUS_LIST	0x10	/* there is a list of capabilities */
#define CAP_MSI		0x05
#define CAP_MSIX	0x11
#define CAPS_MOST	48	/* as many as fit: a list may be a circle */
#define RANGE_PORTS	1u
#define RANGE_TYPE	6u
#define RANGE_64	4u
#define MSIX_COUNT	0x7ffu
#define MSIX_ENTRY	16	/* bytes */

#define CLASS_HOST	0x0600
#define CLASS_ISA	0x0601
#define CLASS_OTHER	0x0680

/* IOAPICs, clocks and local APICs, wherever a range says it is (PCI3). */
#define PROCESSORS_FIRST	0xfec00UL
#define PROCESSORS_END		0xfef00UL

/* bus_lock to add; the first `count` are whole */
static struct pci_function table[PCI_FUNCTIONS_MAX];
static unsigned int count;

struct pci_function *pci_nth(unsigned int number)
{
	return number < atomic_load_acquire(&count) ? &table[number] : NULL;
}

struct pci_function *pci_find(uint16_t bdf)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (table[i].bdf == bdf)
			return &table[i];
	return NULL;
}

/* --- ranges --- */

/* Registers of ranges: bridges have two. */
static unsigned int ranges_of(const struct pci_function *f)
{
	return f->bridge ? 2 : 6;
}

static uint32_t reg_read(const struct pci_function *f, unsigned int reg)
	needs_lock(&bus_lock)
{
	return bus_config_read(f->bdf, reg, 4);
}

/* What the register says of where the range is. */
static uint64_t base_read(const struct pci_function *f, unsigned int reg)
	needs_lock(&bus_lock)
{
	uint32_t low = reg_read(f, reg);

	if (low & RANGE_PORTS)
		return low & ~3u & 0xffff;
	if ((low & RANGE_TYPE) != RANGE_64)
		return low & ~15u;
	return (uint64_t)reg_read(f, reg + 4) << 32 | (low & ~15u);
}

/* Which bits stay when all are written; the register is as it was then. */
static uint32_t bits_read(const struct pci_function *f, unsigned int reg,
			  uint32_t ones) needs_lock(&bus_lock)
{
	uint32_t was = reg_read(f, reg), bits;

	bus_config_write(f->bdf, reg, 4, ones);
	bits = reg_read(f, reg);
	bus_config_write(f->bdf, reg, 4, was);
	return bits;
}

static uint64_t lowest_bit(uint64_t bits)
{
	return bits & -bits;
}

/* Ask for the range's size; true: it takes the next register, too. */
static bool range_size(struct pci_function *f, unsigned int i)
	needs_lock(&bus_lock)
{
	unsigned int reg = PCI_REG_RANGES + 4 * i;
	uint32_t low = bits_read(f, reg, ~0u);
	struct pci_range *r = &f->range[i];
	uint64_t high = 0xffffffff;
	bool wide;

	r->ports = low & RANGE_PORTS;
	wide = !r->ports && (low & RANGE_TYPE) == RANGE_64 &&
	       i + 1 < ranges_of(f);
	if (r->ports) {
		r->bytes = lowest_bit(low & ~3u & 0xffff);
		return false;
	}
	if (wide)
		high = bits_read(f, reg + 4, ~0u);
	if (low & ~15u || wide)
		r->bytes = lowest_bit(high << 32 | (low & ~15u));
	return wide;
}

static void rom_size(struct pci_function *f) needs_lock(&bus_lock)
{
	/* not the bit that turns it on */
	uint32_t bits = bits_read(f, f->rom_reg, 0xfffff800) & 0xfffff800;

	f->range[PCI_RANGES - 1].bytes = lowest_bit(bits);
}

/* With the device's decoders off: a size is asked by moving the range. */
static void ranges_size(struct pci_function *f) needs_lock(&bus_lock)
{
	uint32_t command = bus_config_read(f->bdf, PCI_REG_COMMAND, 2);
	unsigned int i;

	bus_config_write(f->bdf, PCI_REG_COMMAND, 2,
			 command & ~(PCI_COMMAND_PORTS | PCI_COMMAND_MEMORY));
	for (i = 0; i < ranges_of(f); i++)
		if (range_size(f, i))
			i++;
	rom_size(f);
	bus_config_write(f->bdf, PCI_REG_COMMAND, 2, command);
}

static void bases_read(struct pci_function *f) needs_lock(&bus_lock)
{
	unsigned int i;

	for (i = 0; i < ranges_of(f); i++)
		if (f->range[i].bytes)
			f->range[i].base = base_read(f, PCI_REG_RANGES + 4 * i);
	f->range[PCI_RANGES - 1].base = reg_read(f, f->rom_reg) & 0xfffff800;
}

void pci_ranges_read(struct pci_function *f, unsigned int reg)
{
	bool ranges = reg >= PCI_REG_RANGES &&
		      reg < PCI_REG_RANGES + 4 * ranges_of(f);

	if (!f->chipset && (ranges || (reg & ~3u) == f->rom_reg))
		bases_read(f);
}

/* --- one function --- */

static void msix_read(struct pci_function *f, unsigned int at)
	needs_lock(&bus_lock)
{
	uint32_t place = bus_config_read(f->bdf, at + 4, 4);

	f->msix = at;
	f->msix_flags = bus_config_read(f->bdf, at + 2, 2);
	f->msix_range = place & 7;
	f->msix_offset = place & ~7u;
}

static void capabilities_read(struct pci_function *f) needs_lock(&bus_lock)
{
	unsigned int at, n;

	if (!(bus_config_read(f->bdf, PCI_REG_STATUS, 2) & STATUS_LIST))
		return;
	at = bus_config_read(f->bdf, PCI_REG_CAPABILITIES, 1) & 0xfc;
	for (n = 0; n < CAPS_MOST && at >= 0x40; n++) {
		uint32_t head = bus_config_read(f->bdf, at, 4);

		if ((head & 0xff) == CAP_MSI && !f->msi) {
			f->msi = at;
			f->msi_flags = head >> 16;
		}
		if ((head & 0xff) == CAP_MSIX && !f->msix)
			msix_read(f, at);
		at = head >> 8 & 0xfc;
	}
}

static bool is_chipset(uint32_t class)
{
	return class == CLASS_HOST || class == CLASS_ISA || class == CLASS_OTHER;
}

static void function_read(struct pci_function *f) needs_lock(&bus_lock)
{
	uint32_t header = bus_config_read(f->bdf, PCI_REG_HEADER, 1);

	f->bridge = (header & HEADER_TYPE) == 1;
	f->leads = f->bridge || (header & HEADER_TYPE) == 2;
	if (f->leads)
		f->bus = bus_config_read(f->bdf, PCI_REG_SECONDARY, 1);
	f->chipset = is_chipset(bus_config_read(f->bdf, PCI_REG_CLASS, 2));
	f->rom_reg = f->bridge ? 0x38 : PCI_REG_ROM;
	capabilities_read(f);
	if ((header & HEADER_TYPE) > 1 || f->chipset)
		return;		/* a bridge to cards, or the board's own */
	ranges_size(f);
	bases_read(f);
}

/*
 * PCI5: is it known where that bus is, or what is on it?  A bridge that is gone
 * has its number still, until another one is at its place.
 */
static bool bus_is_known(unsigned int bus) needs_lock(&bus_lock)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if ((table[i].leads && table[i].bus == bus) ||
		    (table[i].bdf >> 8 == bus && !table[i].gone))
			return true;
	return false;
}

uint32_t pci_bus_kept(struct pci_function *f, unsigned int reg,
		      unsigned int width, uint32_t value)
{
	unsigned int shift = 8 * (PCI_REG_SECONDARY - reg);
	uint8_t bus;

	if (!f->leads || reg > PCI_REG_SECONDARY || reg + width <= PCI_REG_SECONDARY)
		return value;
	bus = (uint8_t)(value >> shift);
	if (!f->bus && !bus_is_known(bus))
		f->bus = bus;
	return (value & ~(0xffu << shift)) | (uint32_t)f->bus << shift;
}

struct pci_function *pci_add(uint16_t bdf)
{
	struct pci_function *f = pci_find(bdf);

	if (f && !f->gone)
		return f;
	if (!f && count == PCI_FUNCTIONS_MAX)
		return NULL;
	if (bus_config_read(bdf, PCI_REG_VENDOR, 4) == ABSENT)
		return NULL;
	if (!f)
		f = &table[count];
	*f = (struct pci_function){ .bdf = bdf };
	function_read(f);
	if (f == &table[count])
		atomic_store_release(&count, count + 1);
	return f;
}

void pci_remove(struct pci_function *f)
{
	ASSERT(!f->msi_used && !f->msix_used);
	f->gone = true;
}

/*
 * A device's writes are ahead of its answer to a read, so with the answer here
 * they are done.
 */
void pci_quiet(struct pci_function *f)
{
	uint32_t command = bus_config_read(f->bdf, PCI_REG_COMMAND, 2);

	if (f->chipset)
		return;
	bus_config_write(f->bdf, PCI_REG_COMMAND, 2, command & ~PCI_COMMAND_MASTER);
	(void)bus_config_read(f->bdf, PCI_REG_COMMAND, 2);
}

/* --- all of them --- */

/* Buses to look at, in the order in which they were found. */
struct buses {
	uint8_t found[256];
	unsigned int count;
	bool known[256];
};

static void bus_note(struct buses *b, unsigned int bus)
{
	if (b->known[bus])
		return;
	b->known[bus] = true;
	b->found[b->count++] = bus;
}

static void device_scan(struct buses *b, uint16_t bdf) needs_lock(&bus_lock)
{
	unsigned int last = 0, i;

	for (i = 0; i <= last; i++) {
		const struct pci_function *f = pci_add(bdf + i);

		if (!f)
			continue;
		if (!i && bus_config_read(bdf, PCI_REG_HEADER, 1) & HEADER_MANY)
			last = 7;
		if (f->bridge)
			bus_note(b, f->bus);
	}
}

void pci_scan(void)
{
	static struct buses buses;
	unsigned int i, device;

	spin_lock(&bus_lock);
	bus_note(&buses, 0);
	for (i = 0; i < buses.count; i++)
		for (device = 0; device < 32; device++)
			device_scan(&buses, buses.found[i] << 8 | device << 3);
	spin_unlock(&bus_lock);
	log_info("PCI: %u functions on %u buses", count, buses.count);
}

/* --- whose is it? --- */

static bool range_has(const struct pci_range *r, bool ports, uint64_t first,
		      uint64_t end)
{
	return r->bytes && r->base && r->ports == ports && first >= r->base &&
	       end - r->base <= r->bytes;
}

/* A range may be a part of a frame only. */
static bool range_touches(const struct pci_range *r, mfn_t mfn)
{
	return r->bytes && r->base && !r->ports &&
	       r->base < (mfn_n(mfn) + 1) << PAGE_SHIFT &&
	       r->base + r->bytes > mfn_n(mfn) << PAGE_SHIFT;
}

/* A frame of which a part is RAM is in no range of ram_ranges. */
static bool is_ram(mfn_t mfn)
{
	unsigned int i;

	for (i = 0; i < ram_range_count; i++)
		if (mfn_n(mfn) + 1 >= mfn_n(ram_ranges[i].first) &&
		    mfn_n(mfn) <= mfn_n(ram_ranges[i].end))
			return true;
	return false;
}

bool pci_is_processors(mfn_t mfn)
{
	return mfn_n(mfn) >= PROCESSORS_FIRST && mfn_n(mfn) < PROCESSORS_END;
}

unsigned int pci_messages_count(const struct pci_function *f)
{
	return f->msix ? (f->msix_flags & MSIX_COUNT) + 1u : 0;
}

/* Nothing of it is RAM, a processor's, or beyond what has an address (PCI3). */
static bool is_devices(uint64_t base, uint64_t bytes)
{
	uint64_t end, mfn;

	if (__builtin_add_overflow(base, bytes, &end) || end > 1UL << cpu_features.maxphysaddr)
		return false;
	for (mfn = base >> PAGE_SHIFT; mfn << PAGE_SHIFT < end; mfn++)
		if (is_ram(MFN(mfn)) || pci_is_processors(MFN(mfn)))
			return false;
	return true;
}

/* The driver may move the range anywhere, also while it asks for its size. */
maddr_t pci_messages(const struct pci_function *f)
{
	uint64_t bytes = pci_messages_count(f) * MSIX_ENTRY;
	const struct pci_range *r;

	if (!bytes || f->msix_range >= 6)
		return MADDR(0);
	r = &f->range[f->msix_range];
	if (r->ports || !r->base || f->msix_offset + bytes > r->bytes ||
	    !is_devices(r->base + f->msix_offset, bytes))
		return MADDR(0);
	return MADDR(r->base + f->msix_offset);
}

static bool has_messages(const struct pci_function *f, mfn_t mfn)
	needs_lock(&bus_lock)
{
	uint64_t at = maddr_n(pci_messages(f));
	struct pci_range r = { at, pci_messages_count(f) * MSIX_ENTRY, false };

	return range_touches(&r, mfn);
}

static enum pci_memory function_memory(const struct pci_function *f, mfn_t mfn)
	needs_lock(&bus_lock)
{
	unsigned int i;

	for (i = 0; i < PCI_RANGES; i++)
		if (range_touches(&f->range[i], mfn))
			return has_messages(f, mfn) ? PCI_MEMORY_READ_ONLY :
						      PCI_MEMORY_DEVICE;
	return PCI_MEMORY_NONE;
}

enum pci_memory pci_memory_kind(mfn_t mfn)
{
	enum pci_memory kind = PCI_MEMORY_NONE;
	unsigned int i;

	if (is_ram(mfn) || pci_is_processors(mfn))
		return kind;
	spin_lock(&bus_lock);
	for (i = 0; i < count; i++)
		kind = MAX(kind, function_memory(&table[i], mfn));
	spin_unlock(&bus_lock);
	return kind;
}

bool pci_has_ports(uint16_t port, unsigned int number)
{
	bool has = false;
	unsigned int i, k;

	spin_lock(&bus_lock);
	for (i = 0; i < count && !has; i++)
		for (k = 0; k < PCI_RANGES && !has; k++)
			has = range_has(&table[i].range[k], true, port,
					port + number);
	spin_unlock(&bus_lock);
	return has;
}
