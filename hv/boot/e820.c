/* SPDX-License-Identifier: MIT */
/*
 * RAM, and what it is used for at boot.
 *
 * ram_ranges: what the firmware calls RAM, less what it calls anything else.
 * free_ram: ram_ranges without the first MiB, the image and the modules.
 * e820_alloc_early() takes from both ends of one free range below 4 GiB, which
 * the boot tables map: single pages from its start, 2 MiB blocks from its end,
 * so that alignment wastes nothing.  e820_alloc_block() takes from above, where
 * there is memory: 4 GiB would not hold the frame table of a large machine, and
 * are of more use to devices.  The rest of free_ram goes to palloc.
 */
#include <port.h>

#include "boot/boot.h"
#include "debug/log.h"
#include "mm/firmware.h"
#include "mm/palloc.h"

#define MIB		(1UL << 20)
#define FIRST_MIB_END	(MIB >> PAGE_SHIFT)
#define MAP_4G_END	((4UL << 30) >> PAGE_SHIFT)
#define MIN_MEMORY_MIB	64
#define LAST_PAGE	ALIGN_DOWN(~0UL, PAGE_SIZE)
#define BLOCK_FRAMES	(2 * MIB >> PAGE_SHIFT)
/* above the real-mode vectors and BIOS data */
#define LOW_PAGE_FIRST	8
#define LOW_PAGE_END	0x90

extern const char image_end[];		/* pasture.lds */


static struct ranges ram, free_ram;
/* the part of the early range that is left */
static mfn_t early_first, early_end;

/*
 * If the firmware's map has more pieces than there is room for, the smallest
 * are dropped: a set never holds what is not RAM, and the largest pieces stay.
 */
static uint64_t dropped;

static void take(struct ranges *set, mfn_t first, mfn_t end)
{
	if (ranges_subtract(set, first, end))
		return;
	dropped += ranges_keep_largest(set, RANGES_MAX - 1);
	CHECK(ranges_subtract(set, first, end)); /* one piece more at most */
}

static void put(struct ranges *set, mfn_t first, mfn_t end)
{
	if (ranges_add(set, first, end))
		return;
	dropped += ranges_keep_largest(set, RANGES_MAX - 1);
	CHECK(ranges_add(set, first, end));
}

/*
 * The firmware may give any numbers: an entry may even end beyond 2^64.  Our
 * own sums stay at or below the last page of the address space, so that none
 * wraps.
 */
static bool wraps(const struct memory_map_entry *e)
{
	return e->bytes > LAST_PAGE - MIN(maddr_n(e->start), LAST_PAGE);
}

static maddr_t entry_end(const struct memory_map_entry *e)
{
	return MADDR(wraps(e) ? LAST_PAGE : MIN(maddr_n(e->start), LAST_PAGE) + e->bytes);
}

/* Add an entry's whole pages, but nothing of an entry that cannot be true. */
static void add_entry(const struct memory_map_entry *e)
{
	uint64_t start = MIN(maddr_n(e->start), LAST_PAGE);

	if (wraps(e))
		log_warn("the memory map has %lu MiB of RAM at %lx, which makes no sense: left out",
			 e->bytes >> 20, maddr_n(e->start));
	else
		put(&ram, MFN(ALIGN_UP(start, PAGE_SIZE) >> PAGE_SHIFT),
		    maddr_to_mfn(entry_end(e)));
}

/*
 * Remove every page that the entry has a part of; if it wraps, to the last page
 * of all.
 */
static void remove_entry(const struct memory_map_entry *e)
{
	if (e->bytes)
		take(&ram, maddr_to_mfn(e->start),
		     MFN(ALIGN_UP(maddr_n(entry_end(e)), PAGE_SIZE) >> PAGE_SHIFT));
}

static void collect_ram(void)
{
	const struct memory_map_entry *e;

	for (e = memory_map; e < memory_map + memory_map_count; e++)
		if (e->type == FIRMWARE_RAM)
			add_entry(e);
	for (e = memory_map; e < memory_map + memory_map_count; e++)
		if (e->type != FIRMWARE_RAM)
			remove_entry(e);
}

/* For the first domain; beyond what there is room for it is told of none. */
static void keep_map(void)
{
	const struct memory_map_entry *e;

	for (e = memory_map; e < memory_map + memory_map_count; e++)
		if (e->bytes && firmware_range_count < FIRMWARE_RANGES_MAX)
			firmware_ranges[firmware_range_count++] =
				(struct firmware_range){ maddr_n(e->start), e->bytes, e->type };
}

static void clip_ram(void)
{
	mfn_t max = MFN(MAX_MADDR >> PAGE_SHIFT);
	uint64_t before = ranges_frames(&ram), lost;

	take(&ram, max, MFN(~0UL));
	lost = before - ranges_frames(&ram);
	if (lost)
		log_warn("%lu MiB of RAM above %lu TiB are not used",
			 lost >> 8, MAX_MADDR >> 40);
}

/* The firmware keeps a little for itself: round up to what was installed. */
static void check_enough(void)
{
	uint64_t frames = ranges_frames(&ram);
	uint64_t mib = (frames + FIRST_MIB_END - 1) / FIRST_MIB_END;

	if (mib < MIN_MEMORY_MIB)
		boot_fail("too little memory: %lu MiB, need %u", mib,
			  MIN_MEMORY_MIB);
}

static void publish_ram(void)
{
	dropped += ranges_keep_largest(&ram, RAM_RANGES_MAX);
	if (dropped)
		log_warn("the memory map has too many pieces: the largest %u are used, %lu KiB are left out",
			 ram.count, dropped << 2);
	memcpy(ram_ranges, ram.r, ram.count * sizeof(ram.r[0]));
	ram_range_count = ram.count;
}

static void reserve_module(const struct boot_module *m)
{
	mfn_t first = maddr_to_mfn(m->start);
	mfn_t end = MFN(ALIGN_UP(maddr_n(m->start) + m->bytes, PAGE_SIZE) >> PAGE_SHIFT);

	if (!ranges_contain(&ram, first, end))
		boot_fail("module %s lies outside of RAM", m->name);
	if (mfn_n(first) >= FIRST_MIB_END && !ranges_contain(&free_ram, first, end))
		boot_fail("module %s overlaps another one or the hypervisor",
			  m->name);
	take(&free_ram, first, end);
}

static void find_free(void)
{
	uint32_t i;

	free_ram = ram;
	take(&free_ram, MFN(0), MFN(FIRST_MIB_END));
	take(&free_ram, MFN(FIRST_MIB_END),
	     MFN(((uintptr_t)image_end - IMAGE_VIRT) >> PAGE_SHIFT));
	for (i = 0; i < boot_module_count; i++)
		reserve_module(&boot_modules[i]);
}

/* The largest free range below 4 GiB becomes the early one. */
static void choose_early_range(void)
{
	const struct ram_range *r;
	mfn_t end;

	for (r = free_ram.r; r < free_ram.r + free_ram.count; r++) {
		end = mfn_min(r->end, MFN(MAP_4G_END));
		if (mfn_n(r->first) < mfn_n(end) &&
		    mfn_n(end) - mfn_n(r->first) > mfn_n(early_end) - mfn_n(early_first)) {
			early_first = r->first;
			early_end = end;
		}
	}
}

void e820_init(void)
{
	keep_map();
	collect_ram();
	clip_ram();
	check_enough();
	publish_ram();
	find_free();
	choose_early_range();
}

/* Frames of the early range. */
static void *take_early(mfn_t first, uint64_t frames)
{
	if (mfn_n(first) < mfn_n(early_first) || mfn_n(first) + frames > mfn_n(early_end))
		boot_fail("too little memory for the hypervisor's tables");
	take(&free_ram, first, mfn_add(first, frames));
	return memset(mfn_to_virt(first), 0, frames << PAGE_SHIFT);
}

void *e820_alloc_early(uint64_t bytes)
{
	uint64_t frames = bytes >> PAGE_SHIFT;
	void *p = take_early(early_first, frames);

	early_first = mfn_add(early_first, frames);
	return p;
}

/* The last block that ends at or below `end`. */
static mfn_t block_below(mfn_t end)
{
	return MFN(ALIGN_DOWN(mfn_n(end) - MIN(BLOCK_FRAMES, mfn_n(end)), BLOCK_FRAMES));
}

/* The highest free block above 4 GiB; INVALID_MFN: none. */
static mfn_t block_high(void)
{
	const struct ram_range *r;
	mfn_t first;

	for (r = free_ram.r + free_ram.count; r-- > free_ram.r;) {
		first = block_below(r->end);
		if (mfn_n(first) >= MAX(mfn_n(r->first), MAP_4G_END))
			return first;
	}
	return INVALID_MFN;
}

void *e820_alloc_block(void)
{
	mfn_t first = block_high();
	void *p;

	if (!mfn_eq(first, INVALID_MFN)) {
		take(&free_ram, first, mfn_add(first, BLOCK_FRAMES));
		return memset(mfn_to_virt(first), 0, 2 * MIB);
	}
	first = block_below(early_end);
	p = take_early(first, BLOCK_FRAMES);
	early_end = first;
	return p;
}

maddr_t e820_low_page(void)
{
	const struct boot_module *m;
	mfn_t p;
	bool ok;

	for (p = MFN(LOW_PAGE_FIRST); mfn_n(p) < LOW_PAGE_END; p = mfn_add(p, 1)) {
		ok = ranges_contain(&ram, p, mfn_add(p, 1));
		for (m = boot_modules; m < boot_modules + boot_module_count;
		     m++)
			ok &= maddr_n(m->start) >> PAGE_SHIFT > mfn_n(p) ||
			      (maddr_n(m->start) + m->bytes) >> PAGE_SHIFT < mfn_n(p);
		if (ok)
			return mfn_to_maddr(p);
	}
	return MADDR(0);
}

void e820_give_to_palloc(void)
{
	unsigned int i;

	for (i = 0; i < free_ram.count; i++)
		palloc_add_range(free_ram.r[i].first, free_ram.r[i].end);
	log_info("memory: %lu MiB, %lu MiB free", ranges_frames(&ram) >> 8,
		 ranges_frames(&free_ram) >> 8);
}
