/* SPDX-License-Identifier: MIT */
/*
 * What a multiboot 2 loader tells: tags, one behind the other, each aligned to
 * 8 bytes.  It is the only way from UEFI, where ACPI's root is in no fixed
 * place, so the loader gives a copy.  No read goes beyond its tag's end, and no
 * tag beyond the end of all.
 */
#include <port.h>

#include "boot/boot.h"

#define MAP_END		(4UL << 30)	/* of the boot tables */
#define TAG_ALIGN	8
#define MMAP_RAM	1

enum tag_type {
	TAG_END = 0, TAG_CMDLINE = 1, TAG_MODULE = 3, TAG_MEM = 4,
	TAG_MMAP = 6, TAG_RSDP_OLD = 14, TAG_RSDP_NEW = 15, TAG_EFI_MMAP = 17,
};

struct info {
	uint32_t bytes, reserved;
};

struct tag {
	uint32_t type, bytes;	/* with these two */
};

struct tag_module {
	struct tag tag;
	uint32_t start, end;
	char cmdline[];
};

struct tag_mem {
	struct tag tag;
	uint32_t lower, upper;	/* KiB below 1 MiB, and from there on */
};

struct tag_mmap {
	struct tag tag;
	uint32_t entry_bytes, version;
	uint8_t entries[];
};

struct mmap_entry {
	uint64_t start, bytes;
	uint32_t type, reserved;
};

static const uint8_t *info_end(const struct info *i, maddr_t mbi)
{
	if (i->bytes < sizeof(*i) || i->bytes > MAP_END - maddr_n(mbi))
		boot_fail("the boot loader's information is %u bytes long, which makes no sense",
			  i->bytes);
	return (const uint8_t *)i + i->bytes;
}

/* The tag at p; NULL: p is the end. */
static const struct tag *tag_at(const uint8_t *p, const uint8_t *end)
{
	const struct tag *t = (const struct tag *)p;
	size_t room = p < end ? (size_t)(end - p) : 0;

	if (room < sizeof(*t) || t->type == TAG_END)
		return NULL;
	if (t->bytes < sizeof(*t) || t->bytes > room)
		boot_fail("the boot loader's tag %u is %u bytes long, which makes no sense",
			  t->type, t->bytes);
	return t;
}

static void need(const struct tag *t, size_t bytes)
{
	if (t->bytes < bytes)
		boot_fail("the boot loader's tag %u is too short: %u bytes",
			  t->type, t->bytes);
}

/* The text that begins at byte `at` of the tag, and must end in it. */
static const char *text_in(const struct tag *t, size_t at)
{
	const char *text = (const char *)t + at;
	size_t n = 0, room;

	need(t, at + 1);
	for (room = t->bytes - at; n < room && text[n];)
		n++;
	if (n == room)
		boot_fail("the text in the boot loader's tag %u has no end",
			  t->type);
	return text;
}

static const struct tag *find_tag(maddr_t mbi, enum tag_type type)
{
	const struct info *i = maddr_to_virt(mbi);
	const uint8_t *end = info_end(i, mbi);
	const struct tag *t = tag_at((const uint8_t *)(i + 1), end);

	while (t && t->type != type)
		t = tag_at((const uint8_t *)t +
				   ALIGN_UP((size_t)t->bytes, TAG_ALIGN),
			   end);
	return t;
}

static void read_mmap(const struct tag *t)
{
	const struct tag_mmap *m = (const struct tag_mmap *)t;
	struct mmap_entry e;
	size_t at;

	need(t, sizeof(*m));
	if (m->entry_bytes < sizeof(e) || m->entry_bytes % TAG_ALIGN)
		boot_fail("the boot loader's memory map has entries of %u bytes",
			  m->entry_bytes);
	for (at = sizeof(*m); at + sizeof(e) <= t->bytes;
	     at += m->entry_bytes) {
		memcpy(&e, (const uint8_t *)t + at, sizeof(e));
		boot_add_memory(MADDR(e.start), e.bytes, e.type);
	}
}

static void read_mem(const struct tag *t)
{
	const struct tag_mem *m = (const struct tag_mem *)t;

	need(t, sizeof(*m));
	boot_add_memory(MADDR(0), m->lower * 1024UL, MMAP_RAM);
	boot_add_memory(MADDR(1UL << 20), m->upper * 1024UL, MMAP_RAM);
}

/*
 * The short memory tag leaves out what UEFI keeps for itself, so under UEFI it
 * is not enough.
 */
static void read_memory(maddr_t mbi)
{
	const struct tag *map = find_tag(mbi, TAG_MMAP);
	const struct tag *mem = find_tag(mbi, TAG_MEM);

	if (map)
		read_mmap(map);
	else if (find_tag(mbi, TAG_EFI_MMAP))
		boot_fail("the boot loader gives only UEFI's memory map: use one that gives multiboot 2's too, as GRUB does");
	else if (mem)
		read_mem(mem);
	else
		boot_fail("the boot loader gives no memory map");
}

static void read_modules(maddr_t mbi)
{
	const struct info *i = maddr_to_virt(mbi);
	const uint8_t *end = info_end(i, mbi), *p = (const uint8_t *)(i + 1);
	const struct tag_module *m;
	const struct tag *t;

	for (; (t = tag_at(p, end));
	     p += ALIGN_UP((size_t)t->bytes, TAG_ALIGN)) {
		if (t->type != TAG_MODULE)
			continue;
		m = (const struct tag_module *)t;
		need(t, sizeof(*m));
		boot_add_module(m->start, m->end, text_in(t, sizeof(*m)));
	}
}

/*
 * The tag of newer ACPI has the root with 64-bit addresses; the old one has
 * only 20 bytes.
 */
static void read_rsdp(maddr_t mbi)
{
	const struct tag *t = find_tag(mbi, TAG_RSDP_NEW) ?:
			      find_tag(mbi, TAG_RSDP_OLD);

	if (t)
		memcpy(boot_rsdp, t + 1,
		       MIN(t->bytes - sizeof(*t), sizeof(boot_rsdp)));
}

void multiboot2_read_cmdline(maddr_t mbi)
{
	const struct tag *t = find_tag(mbi, TAG_CMDLINE);

	boot_set_cmdline(t ? text_in(t, sizeof(*t)) : "");
}

void multiboot2_read(maddr_t mbi)
{
	read_memory(mbi);
	read_modules(mbi);
	read_rsdp(mbi);
}
