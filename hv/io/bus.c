/* SPDX-License-Identifier: MIT */
/* See bus.h. */
#include <port.h>

#include "io/bus.h"
#include "x86/insn.h"

#define CONFIG_ADDRESS	0xcf8
#define CONFIG_DATA	0xcfc
#define CONFIG_ENABLE	(1u << 31)

struct spinlock bus_lock = SPINLOCK_INIT(LOCK_PCI);

uint32_t bus_port_in(uint16_t port, unsigned int width)
{
	switch (width) {
	case 1:
		return inb(port);
	case 2:
		return inw(port);
	default:
		return inl(port);
	}
}

void bus_port_out(uint16_t port, unsigned int width, uint32_t value)
{
	switch (width) {
	case 1:
		outb(port, value);
		break;
	case 2:
		outw(port, value);
		break;
	default:
		outl(port, value);
	}
}

static uint16_t config_select(uint16_t bdf, unsigned int reg)
	needs_lock(&bus_lock)
{
	outl(CONFIG_ADDRESS, CONFIG_ENABLE | (uint32_t)bdf << 8 | (reg & 0xfc));
	return CONFIG_DATA + (reg & 3);
}

/* Constant after boot. */
static struct {
	mfn_t first, end;
	uint16_t bdf;		/* of the first frame */
} config_memory;

void bus_config_memory_set(mfn_t first, mfn_t end, uint16_t bdf)
{
	config_memory.first = first;
	config_memory.end = end;
	config_memory.bdf = bdf;
}

bool bus_config_memory(mfn_t mfn, uint16_t *bdf)
{
	if (mfn_n(mfn) < mfn_n(config_memory.first) ||
	    mfn_n(mfn) >= mfn_n(config_memory.end))
		return false;
	*bdf = (uint16_t)(config_memory.bdf + mfn_n(mfn) -
			  mfn_n(config_memory.first));
	return true;
}

/* constant after boot, but for what the entry shows: bus_lock */
static struct {
	uint64_t va, flags;
	pte_t *pte;
} window;

void bus_window_set(uint64_t va, pte_t *pte, uint64_t flags)
{
	window.va = va;
	window.pte = pte;
	window.flags = flags;
}

/*
 * Who holds the lock sees what it put there: its own TLB it has flushed, and
 * others flush theirs before they look.
 */
static volatile void *window_at(maddr_t at) needs_lock(&bus_lock)
{
	WRITE_ONCE(*window.pte, pte_make(maddr_to_mfn(at), window.flags));
	invlpg(window.va);
	return (volatile void *)(window.va + (maddr_n(at) & ~PAGE_MASK));
}

uint32_t bus_memory_read(maddr_t at)
{
	return *(volatile uint32_t *)window_at(at);
}

void bus_memory_write(maddr_t at, uint32_t value)
{
	*(volatile uint32_t *)window_at(at) = value;
}

/* Where a register is that is in memory only; NULL: it is not there. */
static volatile void *config_at(uint16_t bdf, unsigned int reg)
	needs_lock(&bus_lock)
{
	mfn_t mfn = mfn_add(config_memory.first, (uint16_t)(bdf - config_memory.bdf));
	uint16_t there;

	if (!bus_config_memory(mfn, &there) || there != bdf)
		return NULL;
	return window_at(maddr_add(mfn_to_maddr(mfn), reg));
}

/* With one access of its width. */
static void config_memory_write(uint16_t bdf, unsigned int reg,
				unsigned int width, uint32_t value)
	needs_lock(&bus_lock)
{
	volatile void *at = config_at(bdf, reg);

	if (!at)
		return;
	if (width == 1)
		*(volatile uint8_t *)at = (uint8_t)value;
	else if (width == 2)
		*(volatile uint16_t *)at = (uint16_t)value;
	else
		*(volatile uint32_t *)at = value;
}

uint32_t bus_config_read(uint16_t bdf, unsigned int reg, unsigned int width)
{
	const volatile uint32_t *at;

	if (reg <= 255)
		return bus_port_in(config_select(bdf, reg), width);
	at = config_at(bdf, reg);
	return at ? *at : ~0u;
}

void bus_config_write(uint16_t bdf, unsigned int reg, unsigned int width,
		      uint32_t value)
{
	if (reg > 255)
		config_memory_write(bdf, reg, width, value);
	else
		bus_port_out(config_select(bdf, reg), width, value);
}
