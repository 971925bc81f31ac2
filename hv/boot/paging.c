/* SPDX-License-Identifier: MIT */
/*
 * The hypervisor's half of every address space: L4 slots 257 to 271 of
 * cpu_idle_cr3, which domains copy.  Tables below the L4 are shared, so
 * whatever is mapped later by filling them shows everywhere.  All entries are
 * global, supervisor only, and never writable and executable at once.
 */
#include <port.h>

#include "boot/boot.h"
#include "io/bus.h"
#include "mm/frame.h"
#include "mm/ram.h"
#include "x86/insn.h"
#include "x86/tlb.h"

#define SIZE_4K		PAGE_SIZE
#define SIZE_2M		(1UL << 21)
#define SIZE_1G		(1UL << 30)
#define SIZE_4G		(1UL << 32)

/* Accessed and dirty from the start: the CPU need not write them. */
#define FLAGS_RX	(PTE_P | PTE_A | global())
#define FLAGS_RO	(FLAGS_RX | pte_nx())
#define FLAGS_RW	(FLAGS_RO | PTE_RW | PTE_D)
#define FLAGS_DEVICE	(FLAGS_RW | PTE_PCD | PTE_PWT)

/* pasture.lds */
extern const char image_text_start[], image_rodata_start[];
extern const char image_data_start[], image_end[];

static pte_t *l4;

/*
 * A CPU without global pages ignores the bit; we leave it out there all the
 * same.
 */
static uint64_t global(void)
{
	return cpu_features.pge ? PTE_G : 0;
}

/* The entry for va at `level`, tables above it made as needed. */
static pte_t *entry_for(uint64_t va, unsigned int level)
{
	pte_t *table = l4, *e;
	unsigned int at;

	for (at = 4; at > level; at--) {
		e = &table[pt_slot(va, at)];
		if (!*e)
			*e = maddr_n(virt_to_maddr(e820_alloc_early(PAGE_SIZE))) |
			     PTE_P | PTE_RW | PTE_A;
		CHECK(!(*e & PTE_PSE));
		table = maddr_to_virt(MADDR(*e & PTE_ADDR_MASK));
	}
	return &table[pt_slot(va, level)];
}

/* The largest page that fits at both addresses, within `left` and `max`. */
static unsigned int level_for(uint64_t va, maddr_t maddr, uint64_t left,
			      uint64_t max)
{
	uint64_t both = va | maddr_n(maddr);

	if (max >= SIZE_1G && both % SIZE_1G == 0 && left >= SIZE_1G)
		return 3;
	if (max >= SIZE_2M && both % SIZE_2M == 0 && left >= SIZE_2M)
		return 2;
	return 1;
}

static void map(uint64_t va, maddr_t maddr, uint64_t bytes, uint64_t flags,
		uint64_t max_page)
{
	unsigned int level;
	uint64_t done, step;

	for (done = 0; done < bytes; done += step) {
		level = level_for(va + done, maddr_add(maddr, done), bytes - done,
				  max_page);
		step = SIZE_4K << (9 * (level - 1));
		*entry_for(va + done, level) = (maddr_n(maddr) + done) | flags |
					       (level > 1 ? PTE_PSE : 0);
	}
}

/* The first 4 GiB whole (firmware tables, devices), above that where RAM is. */
static void map_direct(void)
{
	uint64_t block = cpu_features.page1gb ? SIZE_1G : SIZE_2M;
	const struct ram_range *r;
	uint64_t m, end;

	map(DIRECTMAP_VIRT, MADDR(0), SIZE_4G, FLAGS_RW, block);
	for (r = ram_ranges; r < ram_ranges + ram_range_count; r++) {
		m = MAX(ALIGN_DOWN(maddr_n(mfn_to_maddr(r->first)), block), SIZE_4G);
		end = ALIGN_UP(maddr_n(mfn_to_maddr(r->end)), block);
		if (m < end)
			map(DIRECTMAP_VIRT + m, MADDR(m), end - m, FLAGS_RW, block);
	}
}

static void map_image_part(const char *start, const char *end, uint64_t flags)
{
	map((uintptr_t)start, MADDR((uintptr_t)start - IMAGE_VIRT), end - start,
	    flags, SIZE_4K);
}

static void map_image(void)
{
	map_image_part(image_text_start, image_rodata_start, FLAGS_RX);
	map_image_part(image_rodata_start, image_data_start, FLAGS_RO);
	map_image_part(image_data_start, image_end, FLAGS_RW);
}

/* A stack that ends at `end`, with nothing mapped below it. */
static void map_stack(uint64_t end, uint64_t bytes)
{
	void *p = e820_alloc_early(bytes);

	map(end - bytes, virt_to_maddr(p), bytes, FLAGS_RW, SIZE_4K);
}

static void make_cpu(uint32_t id)
{
	uint64_t end = CPU_STACKS_VIRT + id * CPU_STACKS_STRIDE + PAGE_SIZE;
	struct cpu_memory memory;
	unsigned int i;

	memory.gdt_page = e820_alloc_early(PAGE_SIZE);
	memory.gdt_page_mfn = virt_to_mfn(memory.gdt_page);
	memory.tss = e820_alloc_early(PAGE_SIZE);

	end += CPU_STACK_BYTES;
	map_stack(end, CPU_STACK_BYTES);
	memory.stack_top = (void *)end;
	for (i = 0; i < CPU_IST_COUNT; i++) {
		end += PAGE_SIZE + CPU_IST_BYTES;
		map_stack(end, CPU_IST_BYTES);
		memory.ist_top[i] = (void *)(end - 16);
	}
	percpu_init(id);
	gdt_prepare(id, &memory);
}

void paging_init(uint32_t cpus, maddr_t lapic_base)
{
	uint32_t id;

	l4 = e820_alloc_early(PAGE_SIZE);
	cpu_idle_cr3 = virt_to_maddr(l4);
	map_direct();
	map_image();
	map(DEVICE_VIRT, lapic_base, PAGE_SIZE, FLAGS_DEVICE, SIZE_4K);
	/* for paging_set_window(); until then the same once more */
	map(DEVICE_VIRT + PAGE_SIZE, lapic_base, PAGE_SIZE, FLAGS_DEVICE, SIZE_4K);
	tlb_load_cr3(cpu_idle_cr3);
	for (id = 0; id < cpus; id++)
		make_cpu(id);
}

void paging_set_window(void)
{
	bus_window_set(DEVICE_VIRT + PAGE_SIZE, entry_for(DEVICE_VIRT + PAGE_SIZE, 1),
		       FLAGS_DEVICE);
}

/* --- the frame table --- */

/*
 * Map zeroed memory at [va, end); an earlier range may have made the first
 * page.
 */
static void back_frametable(uint64_t va, uint64_t end)
{
	uint64_t step;
	void *p;

	if (*entry_for(va, 2) & PTE_PSE)
		va = ALIGN_UP(va + 1, SIZE_2M);
	else if (*entry_for(va, 1))
		va += PAGE_SIZE;
	for (; va < end; va += step) {
		step = va % SIZE_2M == 0 && end - va >= SIZE_2M ? SIZE_2M :
								  SIZE_4K;
		p = step == SIZE_2M ? e820_alloc_block() : e820_alloc_early(step);
		map(va, virt_to_maddr(p), step, FLAGS_RW, step);
	}
}

void paging_init_frametable(void)
{
	const struct ram_range *r;

	for (r = ram_ranges; r < ram_ranges + ram_range_count; r++) {
		back_frametable(ALIGN_DOWN((uintptr_t)(FRAME_TABLE + mfn_n(r->first)),
					   PAGE_SIZE),
				ALIGN_UP((uintptr_t)(FRAME_TABLE + mfn_n(r->end)),
					 PAGE_SIZE));
		frame_max_mfn = r->end;
	}
}
