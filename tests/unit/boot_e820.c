/* links: hv/mm/firmware.c hv/boot/ranges.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/*
 * The firmware's memory map, whole and nonsense: no frame is called RAM that an
 * entry does not give in full, or that another entry calls anything else.
 */
#include <check.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <port.h>

#include "unit/suite.h"

#define IMAGE_END	0x400000UL
/* the image lies where the host's linker put `image_end` */
#undef IMAGE_VIRT
#define IMAGE_VIRT	((uintptr_t)image_end - IMAGE_END)
#include "boot/e820.c"

#define FRAME(bytes)	MFN((bytes) >> PAGE_SHIFT)
#define BASE		0x100000UL	/* 1 MiB */
#define BASE_RAM	(128 * MIB)	/* enough to go on with */
#define TOP		(~0UL)

const char image_end[1];
struct ram_range ram_ranges[RAM_RANGES_MAX];
unsigned int ram_range_count;
struct memory_map_entry memory_map[MEMORY_MAP_MAX];
unsigned int memory_map_count;
struct boot_module boot_modules[BOOT_MODULES_MAX];
uint32_t boot_module_count;

static jmp_buf failed;
static char why[300], said[300];
static struct ranges given;	/* to palloc */

void boot_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	longjmp(failed, 1);
}

void log_at(unsigned int level, const char *fmt, ...)
{
	va_list ap;

	if (level != 1)
		return;
	va_start(ap, fmt);
	vsnprintf(said, sizeof(said), fmt, ap);
	va_end(ap);
}

void palloc_add_range(mfn_t first, mfn_t end)
{
	ck_assert(ranges_add(&given, first, end));
}

static void entry(uint64_t start, uint64_t bytes, bool ram)
{
	memory_map[memory_map_count++] =
		(struct memory_map_entry){ MADDR(start), bytes, ram };
}

static void module(uint64_t start, uint64_t bytes)
{
	struct boot_module *m = &boot_modules[boot_module_count++];

	snprintf(m->name, sizeof(m->name), "m%u", boot_module_count);
	m->start = MADDR(start);
	m->bytes = bytes;
}

static bool boots(void)
{
	if (setjmp(failed))
		return false;
	e820_init();
	e820_give_to_palloc();
	return true;
}

static void must_boot(void)
{
	ck_assert_msg(boots(), "%s", why);
}

static void check_ram(unsigned int count, const struct ram_range *want)
{
	unsigned int i;

	ck_assert_uint_eq(ram_range_count, count);
	for (i = 0; i < count; i++) {
		ck_assert_uint_eq(mfn_n(ram_ranges[i].first), mfn_n(want[i].first));
		ck_assert_uint_eq(mfn_n(ram_ranges[i].end), mfn_n(want[i].end));
	}
}

/* That the map has 128 MiB from 1 MiB on, and nothing else. */
static void check_base_only(void)
{
	struct ram_range want = { FRAME(BASE), FRAME(BASE + BASE_RAM) };

	check_ram(1, &want);
}

/* --- an entry that makes no sense adds nothing --- */

static const struct memory_map_entry no_ram[] = {
	{ MADDR(0x200000000), 0, true },		/* empty */
	{ MADDR(0x200000000), 0, false },
	{ MADDR(BASE + 0x1000), 0, false },
	{ MADDR(BASE + 0x1800), 0, false },
	{ MADDR(TOP), 0, true },
	{ MADDR(0x200000800), 0x800, true },		/* no whole page */
	{ MADDR(0x200000001), 0x1ffe, true },
	{ MADDR(0x200000000), TOP, true },		/* beyond 2^64 */
	/* to 2^64 exactly */
	{ MADDR(0x200000000), TOP - 0x200000000 + 1, true },
	/* round to before its start */
	{ MADDR(BASE + 0x1000), TOP - 0x2000, true },
	/* in the last page of all */
	{ MADDR(TOP - 0x7ff), 0x400, true },
	{ MADDR(TOP - 0x7ff), 0x800, true },
	{ MADDR(TOP - 0x7ff), 0x10000000, true },
	{ MADDR(TOP - 0xffff), 0x10000, false },
	{ MADDR(TOP), TOP, true },
	{ MADDR(TOP), TOP, false },
};

#define NONSENSE	((int)(sizeof(no_ram) / sizeof(no_ram[0])))

START_TEST(adds_nothing)
{
	const struct memory_map_entry *e = &no_ram[_i];

	entry(BASE, BASE_RAM, true);
	entry(maddr_n(e->start), e->bytes, e->type);
	must_boot();
	check_base_only();
}
END_TEST

START_TEST(nonsense_is_said)
{
	entry(BASE, BASE_RAM, true);
	entry(0x200000000, TOP, true);
	must_boot();
	ck_assert_msg(strstr(said, "makes no sense"), "%s", said);
}
END_TEST

/* What is not RAM takes all that it can mean: to the very end if it wraps. */
START_TEST(reserved_to_the_end)
{
	static const uint64_t bytes[] = { TOP, TOP - 0x200000000 + 1,
					  TOP - 0x200000000 };

	entry(BASE, BASE_RAM, true);
	entry(0x200000000, 0x10000000, true);
	entry(0x200000000, bytes[_i], false);
	must_boot();
	check_base_only();
}
END_TEST

/* --- pages: RAM is rounded inwards, all else outwards --- */

START_TEST(unaligned)
{
	struct ram_range want[] = {
		{ mfn_add(FRAME(BASE), 1), mfn_add(FRAME(BASE), 0x1000) },
		{ mfn_add(FRAME(BASE), 0x1002), mfn_add(FRAME(BASE + BASE_RAM), -1) },
	};

	entry(BASE + 1, BASE_RAM - 2, true);
	entry(BASE + 0x1000fff, 2, false);
	must_boot();
	check_ram(2, want);
}
END_TEST

START_TEST(overlapping_unordered)
{
	struct ram_range want[] = {
		{ FRAME(BASE), FRAME(0x5000000) },
		{ FRAME(0x6000000), FRAME(0x9000000) },
	};

	entry(0x5000000, 0x1000000, false);
	entry(0x7000000, 0x2000000, true);
	entry(0x3000000, 0x5000000, true);
	entry(0x5800000, 0x400000, false);
	entry(BASE, 0x3f00000, true);
	must_boot();
	check_ram(2, want);
}
END_TEST

/* --- many pieces --- */

START_TEST(too_many_pieces)
{
	unsigned int i;

	for (i = 0; i < MEMORY_MAP_MAX - 1; i++)
		entry(0x100000000 + i * 0x10000UL, i < 40 ? 0x1000 : 0x2000,
		      true);
	entry(BASE, BASE_RAM, true);
	must_boot();
	ck_assert_uint_eq(ram_range_count, RAM_RANGES_MAX);
	ck_assert_uint_eq(mfn_n(ram_ranges[0].first), mfn_n(FRAME(BASE)));
	for (i = 1; i < ram_range_count; i++)
		ck_assert_uint_eq(mfn_n(ram_ranges[i].end) - mfn_n(ram_ranges[i].first), 2);
	/* 40 of one page, and 983 - 63 of two. */
	ck_assert_msg(strstr(said, "7520 KiB are left out"), "%s", said);
}
END_TEST

/* Holes make pieces too: what is cut out of a full set is never kept. */
START_TEST(too_many_holes)
{
	unsigned int i, j;
	mfn_t hole;

	entry(BASE, 4 * BASE_RAM, true);
	for (i = 0; i < MEMORY_MAP_MAX - 1; i++)
		entry(BASE + 0x10000 + i * 0x20000UL, 0x800, false);
	must_boot();
	ck_assert_uint_eq(ram_range_count, RAM_RANGES_MAX);
	for (i = 0; i < MEMORY_MAP_MAX - 1; i++) {
		hole = FRAME(BASE + 0x10000 + i * 0x20000UL);
		for (j = 0; j < ram_range_count; j++)
			ck_assert(mfn_n(hole) < mfn_n(ram_ranges[j].first) ||
				  mfn_n(hole) >= mfn_n(ram_ranges[j].end));
	}
}
END_TEST

/* --- any map, against a flag for each page --- */

#define MODEL_PAGES	2048u

static bool is_ram[MODEL_PAGES], is_other[MODEL_PAGES];

static void model_entry(uint64_t start, uint64_t bytes, bool ram)
{
	uint64_t p;

	for (p = 0; p < MODEL_PAGES; p++) {
		uint64_t from = p << PAGE_SHIFT, to = from + PAGE_SIZE;

		if (ram)
			is_ram[p] |= start <= from && to <= start + bytes;
		else
			is_other[p] |= bytes && start < to && from < start + bytes;
	}
}

START_TEST(any_map)
{
	unsigned int i, j, n = 2 + _i % 30;
	bool got;

	srand48(_i);
	for (i = 0; i < n; i++) {
		uint64_t start = lrand48() % (MODEL_PAGES * PAGE_SIZE / 2);
		uint64_t bytes = lrand48() % (MODEL_PAGES * PAGE_SIZE / 4);

		if (lrand48() & 1)
			start &= PAGE_MASK;
		entry(start, bytes, i & 1);
		model_entry(start, bytes, i & 1);
	}
	entry(0x100000000, BASE_RAM, true);
	must_boot();
	for (i = 0; i < MODEL_PAGES; i++) {
		for (got = false, j = 0; j < ram_range_count; j++)
			got |= i >= mfn_n(ram_ranges[j].first) && i < mfn_n(ram_ranges[j].end);
		ck_assert_msg(got == (is_ram[i] && !is_other[i]),
			      "map %d, page %u", _i, i);
	}
}
END_TEST

/* --- what is free --- */

START_TEST(free_is_what_nobody_has)
{
	entry(0, 0x9fc00, true);
	entry(BASE, BASE_RAM, true);
	module(0x1000000, 0x1001);
	module(0x1003000, 0);
	must_boot();
	ck_assert_uint_eq(given.count, 2);
	ck_assert_uint_eq(mfn_n(given.r[0].first), mfn_n(FRAME(IMAGE_END)));
	ck_assert_uint_eq(mfn_n(given.r[0].end), mfn_n(FRAME(0x1000000)));
	ck_assert_uint_eq(mfn_n(given.r[1].first), mfn_n(FRAME(0x1002000)));
	ck_assert_uint_eq(mfn_n(given.r[1].end), mfn_n(FRAME(BASE + BASE_RAM)));
}
END_TEST

static void refused(const char *text)
{
	ck_assert(!boots());
	ck_assert_msg(strstr(why, text), "%s", why);
}

START_TEST(no_memory)
{
	refused("too little memory: 0 MiB");
}
END_TEST

START_TEST(modules_apart)
{
	entry(BASE, BASE_RAM, true);
	module(0x1000000, 0x2000);
	module(0x1001000, 0x2000);
	refused("module m2 overlaps");
}
END_TEST

START_TEST(module_outside)
{
	entry(BASE, BASE_RAM, true);
	module(BASE + BASE_RAM - 0x1000, 0x1001);
	refused("module m1 lies outside of RAM");
}
END_TEST

START_TEST(above_the_map)
{
	struct ram_range want = { FRAME(BASE), FRAME(MAX_MADDR) };

	entry(BASE, 2 * MAX_MADDR, true);
	must_boot();
	check_ram(1, &want);
	ck_assert_msg(strstr(said, "above 4 TiB are not used"), "%s", said);
}
END_TEST

/* Blocks come from the highest memory, and never from below 4 GiB. */
START_TEST(blocks_from_above)
{
	const uint64_t low = 4UL << 30, high = 1UL << 40;

	entry(BASE, low - BASE, true);
	entry(low, 2 * MIB, true);
	entry(high + PAGE_SIZE, 4 * MIB - PAGE_SIZE, true);
	entry(2 * high + PAGE_SIZE, 3 * MIB, true);	/* holds no block */
	must_boot();
	ck_assert_uint_eq(mfn_n(block_high()), mfn_n(FRAME(high + 2 * MIB)));
	take(&free_ram, FRAME(high + 2 * MIB), FRAME(high + 4 * MIB));
	ck_assert_uint_eq(mfn_n(block_high()), mfn_n(FRAME(low)));
	take(&free_ram, FRAME(low + 2 * MIB - PAGE_SIZE), FRAME(low + 2 * MIB));
	ck_assert_uint_eq(mfn_n(block_high()), mfn_n(INVALID_MFN));
	ck_assert_uint_eq(mfn_n(block_below(MFN(1))), 0);
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_loop_test(t, adds_nothing, 0, NONSENSE);
	tcase_add_test(t, nonsense_is_said);
	tcase_add_loop_test(t, reserved_to_the_end, 0, 3);
	tcase_add_test(t, unaligned);
	tcase_add_test(t, overlapping_unordered);
	tcase_add_test(t, too_many_pieces);
	tcase_add_test(t, too_many_holes);
	tcase_add_loop_test(t, any_map, 0, 100);
	tcase_add_test(t, free_is_what_nobody_has);
	tcase_add_test(t, no_memory);
	tcase_add_test(t, modules_apart);
	tcase_add_test(t, module_outside);
	tcase_add_test(t, above_the_map);
	tcase_add_test(t, blocks_from_above);
	return suite_run();
}
