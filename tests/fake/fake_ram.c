/* SPDX-License-Identifier: MIT */
/* See fake_ram.h. */
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "fake/fake_ram.h"
#include "mm/palloc.h"
#include "mm/ram.h"
#include "x86/cpu.h"

/* As the boot has it done before anybody asks. */
__attribute__((constructor)) static void ranges_set(void)
{
	ram_ranges[0] = (struct ram_range){ MFN(0), MFN(0x9f) };
	ram_ranges[1] = (struct ram_range){ MFN(0x100), MFN(0x1800) };
	ram_ranges[2] = (struct ram_range){ MFN(0x1900), MFN(FAKE_FRAMES) };
	ram_range_count = 3;
}

uint64_t fake_seed = 1;
uint64_t fake_free_at_start;

/* splitmix64 */
uint64_t random_next(uint64_t *stream)
{
	uint64_t z = *stream += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

uint64_t random_u64(void)
{
	return random_next(&fake_seed);
}

void entropy_fill(void *dst, size_t bytes)
{
	uint8_t *at = dst;

	while (bytes--)
		*at++ = random_u64();
}

static void poison(mfn_t first, mfn_t end)
{
	memset(&fake_frame_table[mfn_n(first)], 0xa5,
	       (mfn_n(end) - mfn_n(first)) * sizeof(struct frame));
	__asan_poison_memory_region(&fake_frame_table[mfn_n(first)],
				    (mfn_n(end) - mfn_n(first)) * sizeof(struct frame));
	__asan_poison_memory_region(fake_ram + mfn_n(first) * PAGE_SIZE,
				    (mfn_n(end) - mfn_n(first)) * PAGE_SIZE);
}

/*
 * Huge pages, and none of the heap's: at the end of each test LeakSanitizer
 * looks for pointers in all of that.  What is before and behind is nobody's.
 */
static void ram_make(void)
{
	const size_t huge = 2 << 20;
	uint64_t at;
	void *map = mmap(NULL, FAKE_FRAMES * PAGE_SIZE + 2 * huge, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(map != MAP_FAILED);
	at = ((uint64_t)map + huge) & ~(huge - 1);
	fake_ram = (void *)at;
	fake_ram_bytes = FAKE_FRAMES * PAGE_SIZE;
	CHECK(!mprotect(fake_ram, fake_ram_bytes, PROT_READ | PROT_WRITE));
	/* Where there are none, it is as well. */
	madvise(fake_ram, fake_ram_bytes, MADV_HUGEPAGE);
}

void fake_ram_start(void)
{
	if (fake_ram)
		return;
	ram_make();
	fake_frame_table = calloc(FAKE_FRAMES, sizeof(struct frame));
	frame_max_mfn = MFN(FAKE_FRAMES);
	cpu_areas[0] = this_cpu();
	cpu_count = 1;
	poison(MFN(0x9f), MFN(0x100));
	poison(MFN(0x1800), MFN(0x1900));
	memset(fake_ram + FAKE_RESERVED * PAGE_SIZE, 0xd5,
	       (0x1800 - FAKE_RESERVED) * PAGE_SIZE);
	palloc_add_range(MFN(FAKE_RESERVED), MFN(0x1800));
	palloc_add_range(MFN(0x1900), MFN(FAKE_FRAMES));
	fake_free_at_start = palloc_free_count();
}
