/* SPDX-License-Identifier: MIT */
/* See cmos.h. */
#include <port.h>

#include "io/cmos.h"
#include "x86/rtc.h"

#define ADDRESS		0x70
#define DATA		0x71
#define REGISTERS	0x7f	/* of the address; the rest keeps NMIs away */
#define REG_A		0x0a
#define A_DIVIDER	0x70

bool cmos_is_port(uint16_t port, unsigned int width)
{
	return width == 1 && (port == ADDRESS || port == DATA);
}

/* CMOS1 */
static uint8_t named(const struct domain *d)
{
	return atomic_load(&d->io.cmos_register);
}

uint8_t cmos_in(struct domain *d, uint16_t port)
{
	return port == ADDRESS ? named(d) : rtc_register(named(d));
}

/* CMOS2 */
static uint8_t kept_of(uint8_t reg)
{
	return reg == REG_A ? A_DIVIDER : 0;
}

void cmos_out(struct domain *d, uint16_t port, uint8_t value)
{
	uint8_t reg = named(d);

	if (port == ADDRESS)
		atomic_store(&d->io.cmos_register, value & REGISTERS);
	else
		rtc_register_set(reg, value, kept_of(reg));
}
