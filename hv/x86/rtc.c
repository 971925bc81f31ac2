/* SPDX-License-Identifier: MIT */
/* See rtc.h. */
#include <port.h>

#include "x86/insn.h"
#include "x86/rtc.h"
#include "x86/spinlock.h"

#define RTC_INDEX	0x70
#define RTC_DATA	0x71
#define REG_A		0x0a
#define REG_B		0x0b
#define A_UPDATING	0x80
#define B_24_HOURS	2
#define B_BINARY	4
#define HOUR_PM		0x80
/* an update takes 2 ms; a read about a microsecond */
#define UPDATE_READS	100000
/* two in a row are the same, unless nothing is there */
#define READS		10

/* The address port and what follows it. */
static struct spinlock chip_lock = SPINLOCK_INIT(LOCK_CHIP);

static uint8_t read_reg(uint8_t reg) needs_lock(&chip_lock)
{
	outb(RTC_INDEX, reg);
	return inb(RTC_DATA);
}

uint8_t rtc_register(uint8_t reg)
{
	uint8_t value;

	spin_lock(&chip_lock);
	value = read_reg(reg);
	spin_unlock(&chip_lock);
	return value;
}

void rtc_register_set(uint8_t reg, uint8_t value, uint8_t kept)
{
	spin_lock(&chip_lock);
	if (kept)
		value = (read_reg(reg) & kept) | (value & ~kept);
	outb(RTC_INDEX, reg);
	outb(RTC_DATA, value);
	spin_unlock(&chip_lock);
}

bool rtc_busy(void)
{
	return rtc_register(REG_A) & A_UPDATING;
}

static bool wait_ready(void)
{
	unsigned int i;

	for (i = 0; i < UPDATE_READS; i++)
		if (!rtc_busy())
			return true;
	return false;
}

/* 255: not a number in this format. */
static unsigned int number(uint8_t v, uint8_t format)
{
	if (format & B_BINARY)
		return v;
	return (v & 15) < 10 && v >> 4 < 10 ? (v >> 4) * 10u + (v & 15) : 255;
}

static unsigned int hour_of(const struct rtc_regs *r)
{
	unsigned int h;

	if (r->format & B_24_HOURS)
		return number(r->hour, r->format);
	h = number(r->hour & ~HOUR_PM, r->format);
	if (h < 1 || h > 12)
		return 255;
	return h % 12 + (r->hour & HOUR_PM ? 12 : 0);
}

static uint64_t days_since_1970(unsigned int years, unsigned int month,
				unsigned int day)
{
	static const uint16_t before[] = {
		0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334
	};
	uint64_t days = 10957 + years * 365UL + (years + 3) / 4;

	days += before[month - 1] + day - 1;
	return days + (month > 2 && years % 4 == 0);
}

/* Of 2000 to 2099, where each fourth year has a day more. */
static unsigned int days_of(unsigned int years, unsigned int month)
{
	if (month == 2)
		return years % 4 ? 28 : 29;
	return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

uint64_t rtc_decode(const struct rtc_regs *r)
{
	unsigned int sec = number(r->sec, r->format);
	unsigned int min = number(r->min, r->format), hour = hour_of(r);
	unsigned int day = number(r->day, r->format);
	unsigned int month = number(r->month, r->format);
	unsigned int year = number(r->year, r->format);

	if (sec > 59 || min > 59 || hour > 23 || !month || month > 12 ||
	    year > 99 || !day || day > days_of(year, month))
		return 0;
	return days_since_1970(year, month, day) * 86400 + hour * 3600UL +
	       min * 60 + sec;
}

static void read_regs(struct rtc_regs *r)
{
	*r = (struct rtc_regs){ rtc_register(0), rtc_register(2),
				rtc_register(4), rtc_register(7),
				rtc_register(8), rtc_register(9),
				rtc_register(REG_B) };
}

/* A port that nobody answers reads as all ones, or as all zeroes. */
uint64_t rtc_seconds(void)
{
	struct rtc_regs r, again;
	unsigned int i;

	for (i = 0; i < READS && wait_ready(); i++) {
		read_regs(&r);
		read_regs(&again);
		if (!memcmp(&r, &again, sizeof(r)))
			return rtc_decode(&r);
	}
	return 0;
}

unsigned int rtc_second(void)
{
	uint8_t format = rtc_register(REG_B);

	return wait_ready() ? number(rtc_register(0), format) : 255;
}
