/* SPDX-License-Identifier: MIT */
/* See ioport.h. */
#include <port.h>

#include "dom/privilege.h"
#include "io/bus.h"
#include "io/cmos.h"
#include "io/ioport.h"
#include "io/pci.h"
#include "io/pciconf.h"

/* IOPORT2 */
static const struct { uint16_t first, last; } ours[] = {
	{ 0x20, 0x21 }, { 0xa0, 0xa1 },		/* PICs */
	{ 0x40, 0x43 }, { 0x61, 0x61 },		/* PIT */
	{ 0x70, 0x71 },				/* clock */
	{ 0xf4, 0xf7 },				/* x86/exit.c */
	{ 0x2f8, 0x2ff }, { 0x3f8, 0x3ff },	/* serial lines */
	{ 0xcf8, 0xcff },			/* io/bus.c, and reset */
};

static bool is_ours(uint16_t port, unsigned int width)
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(ours); i++)
		if (port <= ours[i].last && port + width > ours[i].first)
			return true;
	return false;
}

#define FURTHER_MAX	16
/* of ACPI; constant after boot */
static struct { uint16_t first, count; } further[FURTHER_MAX];
static unsigned int further_count;

bool ioport_add(uint16_t first, uint16_t count)
{
	if (further_count == FURTHER_MAX)
		return false;
	further[further_count].first = first;
	further[further_count++].count = count;
	return true;
}

static bool is_further(uint16_t port, unsigned int width)
{
	unsigned int i;

	for (i = 0; i < further_count; i++)
		if (port >= further[i].first &&
		    port + width <= (unsigned int)further[i].first + further[i].count)
			return true;
	return false;
}

static bool is_first(const struct domain *d)
{
	return !privilege_check(d, PRIV_DEVICE, DEVICE_PORTS);
}

/* IOPORT1 */
static bool allowed(uint16_t port, unsigned int width)
{
	return !is_ours(port, width) &&
	       (is_further(port, width) || pci_has_ports(port, width));
}

bool ioport_in(struct domain *d, uint16_t port, unsigned int width,
	       uint32_t *value)
{
	if (!is_first(d))
		return false;
	if (pciconf_is_port(port, width)) {
		*value = pciconf_in(d, port, width);
		return true;
	}
	if (cmos_is_port(port, width)) {
		*value = cmos_in(d, port);
		return true;
	}
	if (!allowed(port, width))
		return false;
	*value = bus_port_in(port, width);
	return true;
}

bool ioport_out(struct domain *d, uint16_t port, unsigned int width,
		uint32_t value)
{
	if (!is_first(d))
		return false;
	if (pciconf_is_port(port, width)) {
		pciconf_out(d, port, width, value);
		return true;
	}
	if (cmos_is_port(port, width)) {
		cmos_out(d, port, (uint8_t)value);
		return true;
	}
	if (!allowed(port, width))
		return false;
	bus_port_out(port, width, value);
	return true;
}
