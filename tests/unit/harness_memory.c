// links: bench/harness/memory.c bench/harness/util.c
/* SPDX-License-Identifier: MIT */
/*
 * What the harness reads from a machine's memory, from a machine made by hand:
 * its tables, its frame table, its pages.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/memory.h"
#include "mm/frame.h"
#include "mm/layout.h"
#include "unit/suite.h"

_Static_assert(sizeof(struct frame) == FRAME_BYTES, "as the harness has it");
_Static_assert(FRAME_KIND_SHIFT == KIND_SHIFT, "as the harness has it");
_Static_assert(FRAME_OWNER_SHIFT == OWNER_SHIFT, "as the harness has it");
_Static_assert(FRAME_OWNED == KIND_OWNED, "as the harness has it");
_Static_assert(FRAME_SHARED == KIND_SHARED, "as the harness has it");

#define SIZE	(8ul << 20)
#define P	1ul
#define LARGE	0x80ul
/* Frames: variables, tables, and from TABLE_AT on the frame table. */
#define VARIABLES	0x1000ul
#define L4		0x2000ul
#define TABLE_AT	0x200000ul
#define FRAMES		600ul	/* of which records have two pages and more */
#define FIRST		100ul	/* frame of a guest */

static int file;
static uint8_t *ram;
static char pasture[64];
static struct memory m;

static uint64_t *word(uint64_t maddr)
{
	return (uint64_t *)(ram + maddr);
}

static void variables(uint64_t cr3, uint64_t frames)
{
	char path[80];
	FILE *f;

	*word(VARIABLES) = cr3;
	*word(VARIABLES + 8) = frames;
	snprintf(path, sizeof(path), "%s.sym", pasture);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "%lx t other\n%lx B cpu_idle_cr3\n%lx B frame_max_mfn\n",
		IMAGE_VIRT, IMAGE_VIRT + VARIABLES, IMAGE_VIRT + VARIABLES + 8);
	fclose(f);
}

/* The frame table by one large page, or by small ones. */
static void tables(bool large)
{
	uint64_t l3 = L4 + 0x1000, l2 = L4 + 0x2000, l1 = L4 + 0x3000;

	*word(L4 + (FRAMETABLE_VIRT >> 39 & 511) * 8) = l3 | P;
	*word(l3 + (FRAMETABLE_VIRT >> 30 & 511) * 8) = l2 | P;
	*word(l2) = large ? TABLE_AT | P | LARGE : l1 | P;
	for (uint64_t i = 0; i < 8; i++)
		*word(l1 + i * 8) = (TABLE_AT + i * 4096) | P;
}

static void frame(uint64_t mfn, uint64_t kind, uint64_t owner, uint8_t content)
{
	*word(TABLE_AT + mfn * FRAME_BYTES) = kind << KIND_SHIFT |
					      owner << OWNER_SHIFT | 1;
	memset(ram + mfn * 4096, content, 4096);
}

static void setup(void)
{
	file = memfd_create("ram", 0);
	ck_assert(file >= 0 && !ftruncate(file, SIZE));
	ram = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	snprintf(pasture, sizeof(pasture), "build/unit/memory.%d", (int)getpid());
	variables(L4, FRAMES);
	tables(true);
}

static void teardown(void)
{
	char path[80];

	snprintf(path, sizeof(path), "%s.sym", pasture);
	unlink(path);
	memory_free(&m);
	munmap(ram, SIZE);
	close(file);
}

static void check_kinds(void)
{
	memory_read_fd(&m, file, pasture);
	ck_assert(m.known);
	ck_assert_uint_eq(m.owned, 9);
	ck_assert_uint_eq(m.shared, 3);
	ck_assert_uint_eq(m.distinct, 5);
	ck_assert_uint_eq(m.twice_zero, 2);
	ck_assert_uint_eq(m.twice_shared, 3);
	ck_assert_uint_eq(m.twice_private, 1);
	ck_assert_uint_eq(m.twice_groups, 1);
	ck_assert_uint_eq(m.owned + m.shared - m.distinct, m.twice_zero +
			  m.twice_shared + m.twice_private + m.twice_groups);
	ck_assert_uint_eq(m.own[1], 6);
	ck_assert_uint_eq(m.own[2], 3);
	memory_free(&m);
}

START_TEST(kinds)
{
	static const uint8_t own1[] = { 0, 0, 0, 7, 7, 9 }, own2[] = { 7, 5, 5 };

	for (unsigned int i = 0; i < 6; i++)
		frame(FIRST + i, FRAME_OWNED, 1, own1[i]);
	for (unsigned int i = 0; i < 3; i++)
		frame(FRAMES - 1 - i, FRAME_OWNED, 2, own2[i]);
	frame(FIRST + 20, FRAME_SHARED, 1, 7);
	frame(FIRST + 21, FRAME_SHARED, 2, 7);
	frame(FIRST + 22, FRAME_SHARED, 2, 8);
	/* Not guests': the hypervisor's, free, and an orphan's. */
	frame(FIRST + 30, FRAME_HV, 1, 7);
	frame(FIRST + 31, FRAME_FREE, 0, 7);
	frame(FIRST + 32, FRAME_HEAP, 1, 7);
	frame(FIRST + 33, FRAME_OWNED, MEMORY_DOMAINS, 7);
	check_kinds();
	tables(false);
	check_kinds();
}
END_TEST

/* All that may be missing, and numbers that lead out of the memory. */
START_TEST(not_known)
{
	frame(FIRST, FRAME_OWNED, 1, 1);
	variables(SIZE - 8, FRAMES);
	memory_read_fd(&m, file, pasture);
	ck_assert(!m.known);
	memory_free(&m);
	variables(L4, 1ul << 20);	/* more frames than RAM and tables */
	memory_read_fd(&m, file, pasture);
	ck_assert(m.known && m.owned == 1);
	memory_free(&m);
	memory_read_fd(&m, file, "build/unit/no-such");
	ck_assert(!m.known);
	memory_read(&m, getpid(), SIZE >> 20, pasture);
	ck_assert(m.known && m.owned == 1);
	memory_free(&m);
	memory_read(&m, getpid(), 1 + (SIZE >> 20), pasture);
	ck_assert(!m.known);
	memory_read_fd(&m, -1, pasture);
	ck_assert(!m.known);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("harness_memory");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, kinds);
	tcase_add_test(tc, not_known);
	return suite_run();
}
