/* SPDX-License-Identifier: MIT */
/* See pciconf.h. */
#include <port.h>

#include "io/msi.h"
#include "io/pci.h"
#include "io/pciconf.h"
#include "io/pirq.h"

#define ENABLE		(1u << 31)

/* Capabilities in registers above 255. */
#define EXT_FIRST	0x100u
#define EXT_MAX		64
#define EXT_SRIOV	0x10
#define EXT_SRIOV_BYTES	0x40
#define EXT_REBAR	0x15
#define EXT_VF_REBAR	0x24

bool pciconf_is_port(uint16_t port, unsigned int width)
{
	return (port == PCICONF_ADDRESS && width == 4) ||
	       (port >= PCICONF_DATA && port + width <= PCICONF_DATA + 4u);
}

/* CONF1.  False: the domain has named no register. */
static bool named(const struct domain *d, uint16_t port, unsigned int width,
		  uint16_t *bdf, unsigned int *reg)
{
	uint32_t address = atomic_load(&d->io.config_address);

	*bdf = address >> 8;
	*reg = (address & 0xfc) + (port & 3);
	/* The machine's own accesses do not straddle, either. */
	return address & ENABLE && *reg % width == 0;
}

uint32_t pciconf_in(struct domain *d, uint16_t port, unsigned int width)
{
	uint32_t value = ~0u;
	unsigned int reg;
	uint16_t bdf;

	if (port == PCICONF_ADDRESS)
		return atomic_load(&d->io.config_address);
	if (!named(d, port, width, &bdf, &reg))
		return ~0u;
	spin_lock(&bus_lock);
	value = bus_config_read(bdf, reg, width);
	spin_unlock(&bus_lock);
	return value;
}

static bool answers(const struct pci_function *f) needs_lock(&bus_lock)
{
	return bus_config_read(f->bdf, PCI_REG_COMMAND, 2) & PCI_COMMAND_MEMORY;
}

/*
 * Bytes of a capability above 255 that says how large the function's memory is,
 * or that it has more; 0: another one.
 */
static unsigned int memory_cap_bytes(const struct pci_function *f,
				     unsigned int at, uint32_t header)
	needs_lock(&bus_lock)
{
	switch (header & 0xffff) {
	case EXT_SRIOV:
		return EXT_SRIOV_BYTES;
	case EXT_REBAR: case EXT_VF_REBAR:
		return 4 + 8 * (bus_config_read(f->bdf, at + 8, 4) >> 5 & 7);
	default:
		return 0;
	}
}

/* CONF4.  A list without an end is one that nobody may write behind. */
static bool is_memorys(const struct pci_function *f, unsigned int reg)
	needs_lock(&bus_lock)
{
	unsigned int at = EXT_FIRST, n;
	uint32_t header;

	for (n = 0; at >= EXT_FIRST && n < EXT_MAX; n++) {
		header = bus_config_read(f->bdf, at, 4);
		if (reg >= at && reg < at + memory_cap_bytes(f, at, header))
			return true;
		at = header >> 20 & 0xffc;
	}
	return n == EXT_MAX;
}

/* True: the function answers at its addresses, and did not before. */
static bool function_write(struct pci_function *f, unsigned int reg,
			   unsigned int width, uint32_t value)
	needs_lock(&bus_lock)
{
	bool answered = answers(f);

	if (f->chipset)
		return false;	/* CONF2 */
	if (reg >= EXT_FIRST && is_memorys(f, reg))
		return false;	/* CONF4 */
	if (msi_write(f, reg, width, value))
		return false;	/* CONF3 */
	bus_config_write(f->bdf, reg, width, pci_bus_kept(f, reg, width, value));
	pci_ranges_read(f, reg);
	if (answered || reg >= PCI_REG_COMMAND + 4 || !answers(f))
		return false;
	msi_answers(f);
	return true;
}

void pciconf_write(struct domain *d, uint16_t bdf, unsigned int reg,
		   unsigned int width, uint32_t value)
{
	struct pci_function *f;
	bool again;

	spin_lock(&bus_lock);
	f = pci_add(bdf);
	again = f && function_write(f, reg, width, value);
	spin_unlock(&bus_lock);
	/* Its messages again, with their masks (MSI2). */
	if (again)
		(void)pirq_restore(d, bdf);
}

void pciconf_out(struct domain *d, uint16_t port, unsigned int width,
		 uint32_t value)
{
	unsigned int reg;
	uint16_t bdf;

	if (port == PCICONF_ADDRESS) {
		/* but for the bits that are none of it */
		atomic_store(&d->io.config_address, value & 0x80fffffc);
		return;
	}
	if (named(d, port, width, &bdf, &reg))
		pciconf_write(d, bdf, reg, width, value);
}
