/* SPDX-License-Identifier: MIT */
/*
 * What a multiboot 1 loader tells; multiboot2.c has the other one.  All of it
 * is copied at once: the loader keeps it anywhere in RAM, and that RAM is
 * handed out later.  Only the modules stay where they are.
 */
#include <port.h>

#include "boot/boot.h"
#include "ctl/first.h"
#include "lib/fmt.h"

#define MBI_MEM		(1u << 0)
#define MBI_CMDLINE	(1u << 2)
#define MBI_MODS	(1u << 3)
#define MBI_MMAP	(1u << 6)
#define MMAP_RAM	1
#define MAP_END		(4UL << 30)	/* of the boot tables */

struct mbi {
	uint32_t flags, mem_lower, mem_upper, boot_device, cmdline;
	uint32_t mods_count, mods_addr, syms[4], mmap_length, mmap_addr;
};

struct mbi_module {
	uint32_t start, end, cmdline, reserved;
};

struct mbi_mmap {
	uint32_t size;		/* of what follows this field */
	uint64_t start, bytes;
	uint32_t type;
} __attribute__((packed));

struct memory_map_entry memory_map[MEMORY_MAP_MAX];
unsigned int memory_map_count;
char boot_cmdline[2048];
uint8_t boot_rsdp[RSDP_BYTES];

void boot_add_memory(maddr_t start, uint64_t bytes, uint32_t type)
{
	if (memory_map_count == MEMORY_MAP_MAX)
		boot_fail("the firmware's memory map has more than %u entries",
			  MEMORY_MAP_MAX);
	memory_map[memory_map_count++] =
		(struct memory_map_entry){ start, bytes, type };
}

/* What the loader tells must end below MAP_END: the boot tables map no more. */
static const void *told_at(uint32_t at, uint64_t bytes, const char *what)
{
	if (bytes > MAP_END - at)
		boot_fail("the boot loader's %s ends above 4 GiB", what);
	return maddr_to_virt(MADDR(at));
}

static void read_memory_map(const struct mbi *m)
{
	const uint8_t *p = told_at(m->mmap_addr, m->mmap_length, "memory map");
	const uint8_t *end = p + m->mmap_length;
	struct mbi_mmap e;

	for (; p + sizeof(e) <= end; p += e.size + sizeof(e.size)) {
		memcpy(&e, p, sizeof(e));
		if (e.size < sizeof(e) - sizeof(e.size))
			boot_fail("the boot loader's memory map has entries of %u bytes",
				  e.size);
		boot_add_memory(MADDR(e.start), e.bytes, e.type);
	}
}

static void read_memory(const struct mbi *m)
{
	if (m->flags & MBI_MMAP) {
		read_memory_map(m);
	} else if (m->flags & MBI_MEM) {
		boot_add_memory(MADDR(0), m->mem_lower * 1024UL, MMAP_RAM);
		boot_add_memory(MADDR(1UL << 20), m->mem_upper * 1024UL, MMAP_RAM);
	} else {
		boot_fail("the boot loader gives no memory map");
	}
}

void boot_add_module(uint32_t start, uint32_t end, const char *cmdline)
{
	struct boot_module *to = &boot_modules[boot_module_count];

	if (boot_module_count == BOOT_MODULES_MAX)
		boot_fail("more than %u modules, which is what can be loaded",
			  BOOT_MODULES_MAX);
	if (end < start)
		boot_fail("module %u ends before it starts", boot_module_count);
	if (boot_options.first.wanted && !*cmdline)
		/* GRUB's script for Xen gives the initial RAM disk none. */
		fmt_snprintf(to->name, sizeof(to->name), "module-%u",
			     boot_module_count);
	else if (!config_module_name(cmdline, to->name, sizeof(to->name)))
		boot_fail("module %u has no name, or one of more than %lu characters",
			  boot_module_count, sizeof(to->name) - 1);
	if (boot_module_find(to->name))
		boot_fail("two modules have the name %s", to->name);
	first_note_module(to->name, cmdline);
	to->start = MADDR(start);
	to->bytes = end - start;
	boot_module_count++;
}

static void read_module(const struct mbi_module *m)
{
	boot_add_module(m->start, m->end,
			m->cmdline ? maddr_to_virt(MADDR(m->cmdline)) : "");
}

static void read_modules(const struct mbi *m)
{
	const struct mbi_module *mods;
	uint32_t i;

	if (!(m->flags & MBI_MODS))
		return;
	if (m->mods_count > BOOT_MODULES_MAX)
		boot_fail("%u modules, at most %u can be loaded",
			  m->mods_count, BOOT_MODULES_MAX);
	mods = told_at(m->mods_addr, m->mods_count * sizeof(*mods),
		       "list of modules");
	for (i = 0; i < m->mods_count; i++)
		read_module(&mods[i]);
}

void boot_set_cmdline(const char *line)
{
	if (!str_copy(boot_cmdline, sizeof(boot_cmdline),
		      config_skip_image_name(line)))
		boot_fail("the command line has more than %lu characters",
			  sizeof(boot_cmdline) - 1);
}

void multiboot_read_cmdline(maddr_t mbi)
{
	const struct mbi *m = maddr_to_virt(mbi);

	boot_set_cmdline(m->flags & MBI_CMDLINE ? maddr_to_virt(MADDR(m->cmdline)) :
						  "");
}

void multiboot_read(maddr_t mbi)
{
	const struct mbi *m = maddr_to_virt(mbi);

	read_memory(m);
	read_modules(m);
}
