/* links: tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/* The clock chip's ports: who reads it, and who sets it, beside one another. */
#include <check.h>
#include <string.h>

#include <port.h>

#include "unit/suite.h"

#define HV_X86_INSN_H

static struct {
	uint8_t address, reg[128];
	unsigned int writes;
} chip;
static bool was_locked;

static void outb(uint16_t port, uint8_t v);
static uint8_t inb(uint16_t port);

#include "x86/rtc.c"

static void outb(uint16_t port, uint8_t v)
{
	was_locked = spin_is_locked(&chip_lock);
	if (port == RTC_INDEX) {
		chip.address = v;
		return;
	}
	ck_assert_uint_eq(port, RTC_DATA);
	chip.reg[chip.address] = v;
	chip.writes++;
}

static uint8_t inb(uint16_t port)
{
	was_locked = spin_is_locked(&chip_lock);
	ck_assert_uint_eq(port, RTC_DATA);
	return chip.reg[chip.address];
}

START_TEST(a_register)
{
	chip.reg[0x42] = 17;
	ck_assert_uint_eq(rtc_register(0x42), 17);
	ck_assert(was_locked);
	was_locked = false;
	rtc_register_set(0x43, 9, 0);
	ck_assert(was_locked);
	ck_assert(!spin_is_locked(&chip_lock));
	ck_assert_uint_eq(chip.reg[0x43], 9);
	ck_assert_uint_eq(chip.reg[0x42], 17);
}
END_TEST

/* CMOS2 */
START_TEST(bits_that_stay)
{
	chip.reg[REG_A] = 0x26;
	rtc_register_set(REG_A, 0x7f, 0x70);
	ck_assert_uint_eq(chip.reg[REG_A], 0x2f);
	rtc_register_set(REG_A, 0x00, 0x70);
	ck_assert_uint_eq(chip.reg[REG_A], 0x20);
	ck_assert_uint_eq(chip.writes, 2);
}
END_TEST

START_TEST(its_time)
{
	static const uint8_t regs[] = { 0x20, 0, 0x13, 0, 0x07, 0, 0x28, 0x11,
					0x26, 0, 0x26, B_24_HOURS };

	ck_assert_uint_eq(rtc_second(), 0);
	ck_assert_uint_eq(rtc_seconds(), 0);
	memcpy(chip.reg, regs, sizeof(regs));
	chip.reg[7] = 0x28;
	chip.reg[8] = 0x11;
	chip.reg[9] = 0x26;
	ck_assert_uint_eq(rtc_seconds(), 1795850000);
	ck_assert_uint_eq(rtc_second(), 20);
	ck_assert(!rtc_busy());
	chip.reg[REG_A] |= A_UPDATING;
	ck_assert(rtc_busy());
	ck_assert_uint_eq(rtc_seconds(), 0);
	ck_assert_uint_eq(rtc_second(), 255);
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_test(t, a_register);
	tcase_add_test(t, bits_that_stay);
	tcase_add_test(t, its_time);
	return suite_run();
}
