/* SPDX-License-Identifier: MIT */
/* Between the files of boot/; see main.c for the order. */
#ifndef HV_BOOT_BOOT_H
#define HV_BOOT_BOOT_H

#include "ctl/config.h"
#include "boot/ranges.h"
#include "x86/init.h"

/* The operator's mistake: one line, then EXIT_ERROR. */
void boot_fail(const char *fmt, ...) noreturn printf_like(1, 2);

/* --- multiboot.asm: the tables of the first instructions, for all --- */
extern const maddr_t boot_l4_maddr, boot_gdt_maddr;

/* --- multiboot.c: copies everything out of the loader's memory --- */
#define MEMORY_MAP_MAX	1024
struct memory_map_entry {
	maddr_t start;
	uint64_t bytes;
	uint32_t type;		/* as the loader gave it (mm/firmware.h) */
};
extern struct memory_map_entry memory_map[MEMORY_MAP_MAX];
extern unsigned int memory_map_count;
extern char boot_cmdline[2048];
void multiboot_read_cmdline(maddr_t mbi);
void multiboot_read(maddr_t mbi);		/* the memory map and modules */
void boot_add_memory(maddr_t start, uint64_t bytes, uint32_t type);
void boot_add_module(uint32_t start, uint32_t end, const char *cmdline);
void boot_set_cmdline(const char *line);

/* --- multiboot2.c: the same of the newer loader, and ACPI's root --- */
#define MULTIBOOT2	0x36d76289u	/* what such a loader calls itself */
void multiboot2_read_cmdline(maddr_t mbi);
void multiboot2_read(maddr_t mbi);

/* --- e820.c: ram_ranges, and what of them is free --- */
void e820_init(void);
/*
 * Zeroed memory that is never freed; until e820_give_to_palloc().  _early:
 * below 4 GiB; bytes: a multiple of 4 KiB.
 */
void *e820_alloc_early(uint64_t bytes);
/* 2 MiB, at a multiple of that, from anywhere; after paging_init() */
void *e820_alloc_block(void);
/* a page below 640 KiB for the AP trampoline */
maddr_t e820_low_page(void);
void e820_give_to_palloc(void);

/* --- acpi.c --- */
#define RSDP_BYTES	36
/* the loader's copy of ACPI's root; zeroes: none */
extern uint8_t boot_rsdp[RSDP_BYTES];
/* ACPI's root, wherever it is, and its size; NULL and 0: there is none. */
const void *acpi_root(uint32_t *bytes);
/* Ids of the processors, this one's first; says what is left out. */
uint32_t acpi_find_cpus(uint32_t self, struct cpu_ids *ids, uint32_t max);
void acpi_find_clocks(struct ref_hw *hw);
/* Where IOAPICs are, and the number of each one's first line. */
struct acpi_ioapic {
	maddr_t at;
	uint32_t first;
};
uint32_t acpi_find_ioapics(struct acpi_ioapic *out, uint32_t max);
/* Ports by which an operating system drives ACPI's own registers. */
struct acpi_ports {
	uint16_t first, count;
};
#define ACPI_PORTS_MAX	9
uint32_t acpi_find_ports(struct acpi_ports out[ACPI_PORTS_MAX]);
/*
 * Configuration space of the first segment in memory, from that bus on; both 0:
 * it is not.
 */
void acpi_find_config(maddr_t *first, maddr_t *end, uint8_t *bus);

/* --- paging.c --- */
/* builds and loads cpu_idle_cr3 */
void paging_init(uint32_t cpus, maddr_t lapic_base);
void paging_init_frametable(void);
/* The page of addresses for devices' memory (io/bus.h). */
void paging_set_window(void);

#endif
