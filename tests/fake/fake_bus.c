/* SPDX-License-Identifier: MIT */
/* See fake_bus.h. */
#include <port.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_bus.h"

struct spinlock bus_lock = SPINLOCK_INIT(LOCK_PCI);
struct fake_bus fake_bus;
/* where the next capability goes, and where its number belongs */
static unsigned int cap_free[FAKE_FUNCTIONS], cap_last[FAKE_FUNCTIONS];

static void bad(const char *what, uint64_t at)
{
	fprintf(stderr, "fake_bus: %s %lx\n", what, (unsigned long)at);
	abort();
}

void fake_bus_reset(void)
{
	memset(&fake_bus, 0, sizeof(fake_bus));
	for (unsigned int i = 0; i < FAKE_IOAPICS; i++)
		fake_bus.ioapic[i].reg[1] = (FAKE_LINES - 1) << 16 | 0x11;
}

static struct fake_function *find(uint16_t bdf)
{
	for (unsigned int i = 0; i < fake_bus.count; i++)
		if (fake_bus.fn[i].bdf == bdf)
			return &fake_bus.fn[i];
	return NULL;
}

uint32_t fake_bus_config(const struct fake_function *f, unsigned int reg,
			 unsigned int width)
{
	uint32_t value = 0;

	memcpy(&value, f->config + reg, width);
	return value;
}

void fake_bus_set(struct fake_function *f, unsigned int reg, unsigned int width,
		  uint32_t value)
{
	memcpy(f->config + reg, &value, width);
}

struct fake_function *fake_bus_add(uint16_t bdf, uint16_t class)
{
	struct fake_function *f = &fake_bus.fn[fake_bus.count];

	cap_free[fake_bus.count] = 0x40;
	cap_last[fake_bus.count++] = 0x34;
	f->bdf = bdf;
	fake_bus_set(f, 0, 4, 0x12341af4);
	fake_bus_set(f, 0x0a, 2, class);
	fake_bus_set(f, 4, 2, 7);
	memset(f->writable + 4, 0xff, 2);
	if (class == 0x0604)
		memset(f->writable + 0x18, 0xff, 3);	/* its buses */
	return f;
}

void fake_bus_range(struct fake_function *f, unsigned int i, uint64_t base,
		    uint64_t bytes, uint32_t flags)
{
	unsigned int reg = i == 6 ? 0x30 : 0x10 + 4 * i;
	uint64_t bits = ~(bytes - 1);

	fake_bus_set(f, reg, 4, (uint32_t)base | flags);
	memcpy(f->writable + reg, &bits, 4);
	if ((flags & 7) != 4)
		return;
	fake_bus_set(f, reg + 4, 4, (uint32_t)(base >> 32));
	bits >>= 32;
	memcpy(f->writable + reg + 4, &bits, 4);
}

unsigned int fake_bus_cap(struct fake_function *f, uint8_t id, unsigned int bytes)
{
	unsigned int at = cap_free[f - fake_bus.fn];

	f->config[6] |= 0x10;
	f->config[cap_last[f - fake_bus.fn]] = at;
	cap_last[f - fake_bus.fn] = at + 1;
	f->config[at] = id;
	cap_free[f - fake_bus.fn] += (bytes + 3) & ~3u;
	return at;
}

unsigned int fake_bus_msi(struct fake_function *f, uint16_t flags)
{
	unsigned int at = fake_bus_cap(f, 5, 24);

	fake_bus_set(f, at + 2, 2, flags);
	f->writable[at + 2] = 0x71;
	memset(f->writable + at + 4, 0xff, 20);
	return at;
}

unsigned int fake_bus_msix(struct fake_function *f, unsigned int entries,
			   unsigned int range, uint32_t offset)
{
	unsigned int at = fake_bus_cap(f, 0x11, 12);

	fake_bus_set(f, at + 2, 2, entries - 1);
	f->writable[at + 3] = 0xc0;
	fake_bus_set(f, at + 4, 4, offset | range);
	return at;
}

/* A register of an IOAPIC: which, or what is in it.  NULL: none is there. */
static uint32_t *ioapic_word(uint64_t at)
{
	unsigned int i = (at - FAKE_IOAPIC) / PAGE_SIZE;

	if (i >= FAKE_IOAPICS)
		return NULL;
	switch (at % PAGE_SIZE) {
	case 0:
		return &fake_bus.ioapic[i].index;
	case 0x10:
		if (fake_bus.ioapic[i].index >= ARRAY_COUNT(fake_bus.ioapic[i].reg))
			bad("register of IOAPIC", fake_bus.ioapic[i].index);
		return &fake_bus.ioapic[i].reg[fake_bus.ioapic[i].index];
	}
	bad("IOAPIC", at);
	return NULL;
}

static bool is_ioapic(uint64_t at)
{
	return at >= FAKE_IOAPIC && at < FAKE_IOAPIC + 0x10000;
}

uint32_t *fake_bus_word(uint64_t at)
{
	if (at < FAKE_MEMORY || at >= FAKE_MEMORY + 4 * FAKE_WORDS || at % 4)
		bad("device memory", at);
	return &fake_bus.words[(at - FAKE_MEMORY) / 4];
}

/* --- hv/io/bus.h --- */

uint32_t bus_config_read(uint16_t bdf, unsigned int reg, unsigned int width)
{
	const struct fake_function *f = find(bdf);

	if (!spin_is_locked(&bus_lock) || reg % width ||
	    reg + width > (width == 4 ? 4096 : 256))
		bad("read of register", reg);
	return f ? fake_bus_config(f, reg, width) :
		   ~0u >> (32 - 8 * width);
}

void bus_config_write(uint16_t bdf, unsigned int reg, unsigned int width,
		      uint32_t value)
{
	struct fake_function *f = find(bdf);

	if (!spin_is_locked(&bus_lock) || reg % width || reg + width > 4096)
		bad("write of register", reg);
	fake_bus.config_writes++;
	for (unsigned int i = 0; f && i < width; i++, value >>= 8)
		f->config[reg + i] = (f->config[reg + i] & ~f->writable[reg + i]) |
				     (value & f->writable[reg + i]);
}

/* A frame of it is none: what is written there goes by bus_config_write(). */
void bus_config_memory_set(mfn_t first, mfn_t end, uint16_t bdf)
{
	fake_bus.config_first = mfn_n(first);
	fake_bus.config_end = mfn_n(end);
	fake_bus.config_bdf = bdf;
}

bool bus_config_memory(mfn_t mfn, uint16_t *bdf)
{
	*bdf = (uint16_t)(fake_bus.config_bdf + mfn_n(mfn) - fake_bus.config_first);
	return mfn_n(mfn) >= fake_bus.config_first && mfn_n(mfn) < fake_bus.config_end;
}

uint32_t bus_memory_read(maddr_t at)
{
	const uint32_t *word;

	if (!is_ioapic(maddr_n(at)))
		return *fake_bus_word(maddr_n(at));
	word = ioapic_word(maddr_n(at));
	return word ? *word : ~0u;
}

/* Of a line: a level that was sent stays so in a level, until its EOI. */
static void ioapic_write(uint64_t at, uint32_t value)
{
	uint32_t *word = ioapic_word(at);

	if (word && at % PAGE_SIZE && fake_bus.ioapic[(at - FAKE_IOAPIC) / PAGE_SIZE].index >= 0x10)
		value = (value & ~FAKE_REMOTE_IRR) |
			(value & 1u << 15 ? *word & FAKE_REMOTE_IRR : 0);
	if (word)
		*word = value;
}

void bus_memory_write(maddr_t at, uint32_t value)
{
	if (is_ioapic(maddr_n(at))) {
		ioapic_write(maddr_n(at), value);
	} else {
		*fake_bus_word(maddr_n(at)) = value;
	}
	if (fake_bus.note_count == FAKE_NOTES)
		bad("too many writes, to", maddr_n(at));
	fake_bus.note[fake_bus.note_count].at = maddr_n(at);
	fake_bus.note[fake_bus.note_count++].value = value;
}

uint32_t bus_port_in(uint16_t port, unsigned int width)
{
	fake_bus.port = port;
	fake_bus.width = width;
	fake_bus.ins++;
	return fake_bus.in_value;
}

void bus_port_out(uint16_t port, unsigned int width, uint32_t value)
{
	fake_bus.port = port;
	fake_bus.width = width;
	fake_bus.out_value = value;
	fake_bus.outs++;
}
