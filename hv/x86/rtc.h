/* SPDX-License-Identifier: MIT */
/* The clock chip (MC146818 and its heirs: "CMOS", RTC). */
#ifndef HV_X86_RTC_H
#define HV_X86_RTC_H

#include "lib/types.h"

/* The registers as they are read. */
struct rtc_regs {
	uint8_t sec, min, hour, day, month, year, format;
};

/* Seconds since 1970, for the years 2000 to 2099; 0: that is no time. */
uint64_t rtc_decode(const struct rtc_regs *r);

unsigned int rtc_second(void);	/* now; above 59: there is none */
/* about to change: a read would wait, 2 ms at most */
bool rtc_busy(void);
/* since 1970; 0: there is no clock chip, or no time in it */
uint64_t rtc_seconds(void);

/* One register of the chip, 0 to 127. */
uint8_t rtc_register(uint8_t reg);
/* kept: bits of it that stay as they are */
void rtc_register_set(uint8_t reg, uint8_t value, uint8_t kept);

#endif
