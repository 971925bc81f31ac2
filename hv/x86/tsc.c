/* SPDX-License-Identifier: MIT */
/*
 * Time, by the TSC; its rate is found in refclock.c.
 *
 * TSC to ns uses the very numbers that guests get (pvclock), so their clock and
 * ours agree to the nanosecond.
 */
#include <port.h>

#include "x86/init.h"
#include "x86/insn.h"

#define NS_PER_S	1000000000UL

uint64_t tsc_khz;
uint64_t tsc_boot;
uint32_t tsc_pv_mul;
int8_t tsc_pv_shift;
static uint64_t tsc_per_ns_32;	/* TSC ticks per ns, times 2^32 */

uint64_t tsc_read(void)
{
	return rdtsc();
}

uint64_t tsc_to_ns(uint64_t tsc)
{
	uint64_t delta = tsc > tsc_boot ? tsc - tsc_boot : 0;

	if (unlikely(tsc_pv_shift > 0))	/* below 1 GHz */
		delta <<= tsc_pv_shift;
	else
		delta >>= -tsc_pv_shift;
	return (unsigned __int128)delta * tsc_pv_mul >> 32;
}

uint64_t ns_to_tsc(uint64_t ns)
{
	unsigned __int128 delta = (unsigned __int128)ns * tsc_per_ns_32 >> 32;

	if (delta > ~0UL - tsc_boot)
		return ~0UL;
	return tsc_boot + (uint64_t)delta;
}

uint64_t now_ns(void)
{
	return tsc_to_ns(rdtsc());
}

void delay_us(uint64_t us)
{
	uint64_t end = rdtsc() + us * tsc_khz / 1000;

	while (rdtsc() < end)
		cpu_pause();
}

/* mul in [2^31, 2^32), as exact as 32 bits allow. */
static void set_scale(uint64_t hz)
{
	tsc_pv_shift = 0;
	while (hz > 2 * NS_PER_S) {
		hz >>= 1;
		tsc_pv_shift--;
	}
	while (hz <= NS_PER_S) {
		hz <<= 1;
		tsc_pv_shift++;
	}
	tsc_pv_mul = (NS_PER_S << 32) / hz;
}

void tsc_init(const struct ref_hw *hw)
{
	tsc_khz = refclock_find_tsc_khz(hw);
	set_scale(tsc_khz * 1000);
	tsc_per_ns_32 = (tsc_khz << 32) / 1000000;
	tsc_boot = rdtsc();
}
