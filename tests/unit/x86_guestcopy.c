/* SPDX-License-Identifier: MIT */
// links: hv/x86/guestcopy.c tests/port/port.c
/*
 * Which addresses are read for a guest: its range, references, and not the L4
 * slots by which it came to an L4 (LP10).
 */
#include <check.h>
#include <string.h>

#include <port.h>

#include "mm/layout.h"
#include "unit/suite.h"
#include "x86/above.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

#define SLOT		300UL
#define SLOT_VA		(0xffff000000000000UL | SLOT << 39)
#define REFERENCE	(2UL << 61)

static unsigned int moves, references;
static uint64_t word_written;
static size_t not_moved;
static uint64_t slots[PT_SLOTS / 64], *linked;

size_t guestcopy_move(void *dst, const void *src, size_t bytes);
size_t guestcopy_word(void *dst, uint64_t word);
size_t guestcopy_clear(void *dst, size_t bytes);

size_t guestcopy_move(void *dst, const void *src, size_t bytes)
{
	moves++;
	return not_moved;
}

size_t guestcopy_word(void *dst, uint64_t word)
{
	word_written = word;
	return not_moved;
}

size_t guestcopy_clear(void *dst, size_t bytes)
{
	return 0;
}

int guestref_copy(void *hv, uint64_t ref, size_t bytes, bool to_guest)
{
	references++;
	return ref == REFERENCE ? 0 : -EFAULT;
}

bool guestref_range_ok(uint64_t ref, uint64_t bytes)
{
	return ref == REFERENCE;
}

static bool reads(uint64_t va, size_t bytes)
{
	char to[4];

	moves = references = 0;
	not_moved = 0;
	return !copy_from_guest(to, va, bytes);
}

static void setup(void)
{
	cpu_areas[0] = this_cpu();
	memset(slots, 0, sizeof(slots));
	linked = NULL;
	guestcopy_slots(&linked);
}

/* The same whether or not slots are looked at. */
static void ranges(void)
{
	const uint64_t good[] = {
		0, 0x1000, (1UL << 47) - 8, HV_VIRT_END, SLOT_VA, -8UL,
	}, bad[] = {
		(1UL << 47) - 7, 1UL << 47, HV_VIRT_START - 8, HV_VIRT_START,
		HV_VIRT_START + 8, HV_VIRT_END - 1, -7UL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(good); i++) {
		ck_assert(reads(good[i], 8) && moves == 1 && !references);
		ck_assert(reads(good[i], 0) && !references);
	}
	for (i = 0; i < ARRAY_COUNT(bad); i++)
		ck_assert(!reads(bad[i], 8) && !moves);
	ck_assert(reads(REFERENCE, 8) && references == 1 && !moves);
}

START_TEST(ranges_plain)
{
	ranges();
}
END_TEST

START_TEST(ranges_looked_at)
{
	guestcopy_look(1);
	ranges();
	linked = slots;
	ranges();
	/* no guest runs */
	guestcopy_slots(NULL);
	guestcopy_look(1);
	ranges();
}
END_TEST

START_TEST(linked_slot)
{
	char code[4];

	linked = slots;
	slots[SLOT / 64] |= 1UL << SLOT % 64;
	guestcopy_look(1);
	ck_assert(!reads(SLOT_VA, 1) && !moves);
	ck_assert(!reads(SLOT_VA + (1UL << 39) - 1, 1) && !moves);
	ck_assert(!reads(SLOT_VA + (1UL << 39) - 1, 2) && !moves);
	ck_assert(!reads(SLOT_VA - 1, 2) && !moves);
	ck_assert(reads(SLOT_VA - 2, 2));
	ck_assert(reads(SLOT_VA + (1UL << 39), 2));
	ck_assert_int_eq(guest_read_insn(code, SLOT_VA, 4), 0);
	ck_assert_int_eq(guest_read_insn(code, SLOT_VA - 4, 4), 4);
	/* The next guest's are others. */
	linked = NULL;
	guestcopy_slots(&linked);
	ck_assert(reads(SLOT_VA, 1));
}
END_TEST

/* Into what copies go into, and a reference; a fault is said. */
START_TEST(words)
{
	references = not_moved = word_written = 0;
	ck_assert_int_eq(copy_word_to_guest(HV_VIRT_START, 2), -EFAULT);
	ck_assert_int_eq(copy_word_to_guest((1UL << 47) - 7, 2), -EFAULT);
	ck_assert(!word_written && references == 2);
	ck_assert_int_eq(copy_word_to_guest(REFERENCE, 2), 0);
	ck_assert(!word_written && references == 3);
	ck_assert_int_eq(copy_word_to_guest(HV_VIRT_END + 3, 2), 0);
	ck_assert_uint_eq(word_written, 2);
	not_moved = 8;
	ck_assert_int_eq(copy_word_to_guest(0x1000, 3), -EFAULT);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("guestcopy");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, ranges_plain);
	tcase_add_test(tc, ranges_looked_at);
	tcase_add_test(tc, linked_slot);
	tcase_add_test(tc, words);
	return suite_run();
}
