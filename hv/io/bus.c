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

uint32_t bus_config_read(uint16_t bdf, unsigned int reg, unsigned int width)
{
	return bus_port_in(config_select(bdf, reg), width);
}

void bus_config_write(uint16_t bdf, unsigned int reg, unsigned int width,
		      uint32_t value)
{
	bus_port_out(config_select(bdf, reg), width, value);
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
static volatile uint32_t *word(maddr_t at) needs_lock(&bus_lock)
{
	WRITE_ONCE(*window.pte, pte_make(maddr_to_mfn(at), window.flags));
	invlpg(window.va);
	return (volatile uint32_t *)(window.va + (maddr_n(at) & ~PAGE_MASK));
}

uint32_t bus_memory_read(maddr_t at)
{
	return *word(at);
}

void bus_memory_write(maddr_t at, uint32_t value)
{
	*word(at) = value;
}
