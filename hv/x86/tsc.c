/* SPDX-License-Identifier: MIT */
/*
 * Time: the TSC, whose rate comes from CPUID where it says, else from PIT
 * channel 2; and the wall clock at time 0, from the CMOS clock.
 *
 * TSC to ns uses the very numbers that guests get (pvclock), so their clock and
 * ours agree to the nanosecond.
 */
#include <port.h>

#include "debug/log.h"
#include "x86/init.h"
#include "x86/insn.h"

#define PIT_HZ		1193182UL
#define PIT_COUNT	11932UL		/* 10 ms */
#define PIT_WAIT_LOOPS	20000000UL
#define PIT_TRIES	20
#define PIT_EXACT	2048
#define NS_PER_S	1000000000UL

uint64_t tsc_khz;
uint64_t tsc_boot;
uint32_t tsc_pv_mul;
int8_t tsc_pv_shift;
static uint64_t tsc_per_ns_32;	/* as a fraction of 2^32 */
static uint64_t boot_seconds;

uint64_t tsc_read(void)
{
	return rdtsc();
}

uint64_t tsc_to_ns(uint64_t tsc)
{
	uint64_t delta = tsc > tsc_boot ? tsc - tsc_boot : 0;

	if (tsc_pv_shift < 0)
		delta >>= -tsc_pv_shift;
	else
		delta <<= tsc_pv_shift;
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

/*
 * TSC ticks while the PIT counts PIT_COUNT down, between `least` and `most`: the
 * reads around both ends tell how far an interruption (of a virtual machine, say)
 * may have moved them.  false: there is no PIT.
 */
static bool pit_sample(uint64_t *least, uint64_t *most)
{
	uint64_t before, after, running, i;

	outb(0x61, (inb(0x61) & ~2) | 1);	/* gate on, speaker off */
	outb(0x43, 0xb0);			/* channel 2, both bytes, mode 0 */
	outb(0x42, PIT_COUNT & 0xff);
	before = rdtsc();
	outb(0x42, PIT_COUNT >> 8);
	after = rdtsc();
	running = after;
	for (i = 0; i < PIT_WAIT_LOOPS; i++) {
		if (inb(0x61) & 0x20) {
			*least = running - after;
			*most = rdtsc() - before;
			return true;
		}
		running = rdtsc();
	}
	return false;
}

/* The most exact of some samples; the first that is exact enough ends it. */
static uint64_t khz_from_pit(void)
{
	uint64_t least, most, best = 0, best_error = ~0UL;
	unsigned int i;

	for (i = 0; i < PIT_TRIES && best_error > best / PIT_EXACT; i++) {
		if (!pit_sample(&least, &most))
			return 0;
		if (most - least >= best_error)
			continue;
		best_error = most - least;
		best = least + best_error / 2;
	}
	return best * PIT_HZ / PIT_COUNT / 1000;
}

/* CPUID leaf 0x15: crystal frequency and ratio, if it has both. */
static uint64_t khz_from_cpuid(void)
{
	uint32_t r[4];

	cpuid(0, 0, r);
	if (r[0] < 0x15)
		return 0;
	cpuid(0x15, 0, r);
	if (!r[0] || !r[1] || !r[2])
		return 0;
	return (uint64_t)r[2] * r[1] / r[0] / 1000;
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

void tsc_init(void)
{
	tsc_khz = khz_from_cpuid();
	if (!tsc_khz)
		tsc_khz = khz_from_pit();
	if (!tsc_khz) {
		log_warn("no PIT to measure the TSC with, 1 GHz assumed");
		tsc_khz = 1000000;
	}
	set_scale(tsc_khz * 1000);
	tsc_per_ns_32 = (tsc_khz << 32) / 1000000;
	tsc_boot = rdtsc();
}

/* --- CMOS --- */

static uint8_t cmos(uint8_t reg)
{
	outb(0x70, reg);
	return inb(0x71);
}

struct cmos_time {
	uint8_t sec, min, hour, day, month, year;
};

static void cmos_read(struct cmos_time *t)
{
	unsigned int i;

	for (i = 0; i < 1000000 && cmos(0x0a) & 0x80; i++)
		cpu_pause();		/* being updated */
	*t = (struct cmos_time){ cmos(0), cmos(2), cmos(4), cmos(7), cmos(8),
				 cmos(9) };
}

static unsigned int from_bcd(unsigned int v, bool binary)
{
	return binary ? v : (v >> 4) * 10 + (v & 15);
}

/* Days from 1970-01-01, for years 2000 to 2099. */
static uint64_t days_since_1970(unsigned int year, unsigned int month,
				unsigned int day)
{
	static const uint16_t before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334
	};
	unsigned int years = year - 2000;
	uint64_t days = 10957 + years * 365UL + (years + 3) / 4;

	days += before[(month - 1) % 12] + day - 1;
	return days + (month > 2 && years % 4 == 0);
}

void wallclock_init(void)
{
	struct cmos_time t, again;
	uint8_t format = cmos(0x0b);
	bool binary = format & 4, pm;
	unsigned int hour;

	do {
		cmos_read(&t);
		cmos_read(&again);
	} while (memcmp(&t, &again, sizeof(t)));
	pm = t.hour & 0x80;
	hour = from_bcd(t.hour & 0x7f, binary);
	if (!(format & 2))
		hour = hour % 12 + (pm ? 12 : 0);
	boot_seconds = days_since_1970(2000 + from_bcd(t.year, binary) % 100,
				       from_bcd(t.month, binary) ?: 1,
				       from_bcd(t.day, binary)) * 86400 +
		       hour * 3600 + from_bcd(t.min, binary) * 60 +
		       from_bcd(t.sec, binary) - now_ns() / NS_PER_S;
}

uint64_t wallclock_boot_seconds(void)
{
	return boot_seconds;
}
