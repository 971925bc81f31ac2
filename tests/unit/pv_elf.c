// SPDX-License-Identifier: MIT
// links: hv/ctl/elf*.c hv/lib/str.c hv/lib/fmt.c tests/fake/fake_elf.c tests/port/port.c
/* Guest images: what the notes say, and each way in which a file is none. */
#include <check.h>
#include <port.h>
#include <stdlib.h>
#include <string.h>

#include "fake/fake_elf.h"
#include "ctl/elf.h"
#include "unit/suite.h"

#define BASE	0xffffffff80000000UL
#define NOTES(...) ((const uint64_t[][2]){ __VA_ARGS__, { 0 } })

static struct fake_elf f;
static struct elf_image out;
static char why[160];

static bool parse(void)
{
	why[0] = '\0';
	return elf_parse(&f, sizeof(f), &out, why, sizeof(why));
}

static void setup(void)
{
	fake_elf_make(&f, BASE, 0x1000000, 0x2e00000,
		      NOTES({ XEN_ELFNOTE_INIT_P2M, 0x8000000000 },
			    { XEN_ELFNOTE_MOD_START_PFN, 1 },
			    { XEN_ELFNOTE_ENTRY, BASE + 0x1000010 },
			    { XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x1001000 }));
}

START_TEST(as_linux_has_it)
{
	f.h.entry = 0x1000000;	/* physical: the note counts */
	ck_assert_msg(parse(), "%s", why);
	ck_assert_uint_eq(out.virt_base, BASE);
	ck_assert_uint_eq(out.entry, BASE + 0x1000010);
	ck_assert_uint_eq(out.init_p2m, 0x8000000000);
	ck_assert(out.mod_start_pfn);
	ck_assert_uint_eq(out.hypercall_page, BASE + 0x1001000);
	ck_assert_uint_eq(out.first_va, BASE + 0x1000000);
	ck_assert_uint_eq(out.end_va, BASE + 0x3e00000);
	ck_assert_uint_eq(out.segment_count, 1);
	ck_assert_uint_eq(out.segments[0].paddr, 0x1000000);
}
END_TEST

/* Small kernels have no VIRT_BASE: pfn 0 is at 0. */
START_TEST(without_base)
{
	fake_elf_make(&f, 0, 0x100000, 0x10000,
		      NOTES({ XEN_ELFNOTE_LOADER, 0 }));
	ck_assert_msg(parse(), "%s", why);
	ck_assert_uint_eq(out.virt_base, 0);
	ck_assert_uint_eq(out.entry, 0x100000);
	ck_assert(!out.mod_start_pfn && !out.init_p2m);
}
END_TEST

/* A segment's virtual address does not count (Linux: .data..percpu has 0). */
START_TEST(offset)
{
	fake_elf_make(&f, BASE, 0x1000000, 0x1000,
		      NOTES({ XEN_ELFNOTE_PADDR_OFFSET, 0x800000 },
			    { XEN_ELFNOTE_ENTRY, BASE + 0x800000 }));
	ck_assert_msg(parse(), "%s", why);
	ck_assert_uint_eq(out.first_va, BASE + 0x800000);
}
END_TEST

/* Without CONFIG_XEN_PV a kernel has the PVH note alone. */
START_TEST(pvh_only)
{
	fake_elf_make(&f, 0, 0x1000000, 0x1000,
		      NOTES({ XEN_ELFNOTE_PHYS32_ENTRY, 0x1000000 }));
	ck_assert(!parse());
	ck_assert_ptr_nonnull(strstr(why, "CONFIG_XEN_PV"));
}
END_TEST

/*
 * A kernel that is older than notes: sections for names and for the text alone.
 */
static struct old {
	struct fake_elf f;
	struct {
		uint32_t name, type;
		uint64_t flags, addr, offset, size;
		uint32_t link, info;
		uint64_t align, entsize;
	} sections[2];
	char names[16];
	char text[400];
} old;

#define OLD_TEXT "GUEST_OS=linux,GUEST_VER=2.6,XEN_VER=xen-3.0,"

static bool parse_old(const char *text)
{
	fake_elf_make(&old.f, 0, 0x1000000, 0x100000,
		      NOTES({ XEN_ELFNOTE_LOADER, 0 }));
	old.f.load.paddr += BASE;
	old.f.h.entry = BASE + 0x1000000;
	old.f.h.phnum = 1;		/* no notes */
	old.f.h.shoff = offsetof(struct old, sections);
	old.f.h.shentsize = sizeof(old.sections[0]);
	old.f.h.shnum = 2;
	old.f.h.shstrndx = 0;
	memcpy(old.names, "x\0__xen_guest", 14);
	old.sections[0].offset = offsetof(struct old, names);
	old.sections[0].size = sizeof(old.names);
	old.sections[1].name = 2;
	old.sections[1].offset = offsetof(struct old, text);
	old.sections[1].size = strlen(text);	/* without a zero */
	memset(old.text, 'A', sizeof(old.text));
	memcpy(old.text, text, strlen(text));
	why[0] = '\0';
	return elf_parse(&old, sizeof(old), &out, why, sizeof(why));
}

START_TEST(old_kernel)
{
	ck_assert_msg(parse_old(OLD_TEXT "HYPERCALL_PAGE=0x1001,PAE=yes,"
				"VIRT_BASE=0xffffffff80000000,"
				"FEATURES=a|!writable_descriptor_tables,BSD_SYMTAB"),
		      "%s", why);
	ck_assert_uint_eq(out.virt_base, BASE);
	ck_assert_uint_eq(out.paddr_offset, BASE);
	ck_assert_uint_eq(out.first_va, BASE + 0x1000000);
	ck_assert_uint_eq(out.entry, BASE + 0x1000000);
	ck_assert_uint_eq(out.hypercall_page, BASE + 0x1001000);
	ck_assert_msg(parse_old("LOADER=generic,XEN_VER=xen-3.0-x86_64,"
				"VIRT_BASE=0,ELF_PADDR_OFFSET=0xffffffff80000000,"
				"VIRT_ENTRY=16777232"), "%s", why);
	ck_assert_uint_eq(out.first_va, 0x1000000);
	ck_assert_uint_eq(out.entry, 0x1000010);
	ck_assert_uint_eq(out.hypercall_page, 0);
}
END_TEST

static void old_refused(const char *text, const char *because)
{
	ck_assert(!parse_old(text));
	ck_assert_msg(strstr(why, because) != NULL, "%s", why);
}

START_TEST(old_kernel_refused)
{
	char text[300];

	old_refused("", "neither LOADER");
	old_refused("XEN_VER=xen-3.0,LOADER=other,GUEST_OS=plan9", "neither");
	old_refused("LOADER=generic", "XEN_VER");
	old_refused("LOADER=generic,XEN_VER=xen-2.0", "XEN_VER");
	old_refused(OLD_TEXT "ELF_PADDR_OFFSET=0", "without VIRT_BASE");
	old_refused(OLD_TEXT "VIRT_BASE=here", "no number");
	old_refused(OLD_TEXT "VIRT_BASE", "no number");
	old_refused(OLD_TEXT "VIRT_ENTRY=0x10000000000000000", "no number");
	old_refused(OLD_TEXT "VIRT_BASE=0x1000", "out of range");
	old_refused(OLD_TEXT "VIRT_BASE=0xffffffff80000000,HYPERCALL_PAGE=9",
		    "hypercall page");
	memset(text, 'N', sizeof(text));
	text[32] = '\0';
	old_refused(text, "more than 31");
	memset(text, 'N', sizeof(text));
	memcpy(text, "KEY=", 4);
	text[4 + 128] = '\0';
	old_refused(text, "more than 127");
	text[4 + 127] = '\0';
	old_refused(text, "neither");
}
END_TEST

/* Sections that are not in the file are none; one with the name has to be. */
START_TEST(old_kernel_sections)
{
	const char *text = OLD_TEXT "VIRT_BASE=0xffffffff80000000";

	ck_assert_msg(parse_old(text), "%s", why);
#define OLD_REFUSED(change, because) do { \
	parse_old(text); \
	change; \
	ck_assert(!elf_parse(&old, sizeof(old), &out, why, sizeof(why))); \
	ck_assert_msg(strstr(why, because) != NULL, "%s", why); \
} while (0)
	OLD_REFUSED(old.f.h.shstrndx = 2, "no Xen notes");
	OLD_REFUSED(old.f.h.shoff = ~0UL, "no Xen notes");
	OLD_REFUSED(old.sections[0].size = 13, "no Xen notes");
	OLD_REFUSED(old.sections[0].offset = ~0UL, "no Xen notes");
	OLD_REFUSED(old.sections[1].name = ~0u, "no Xen notes");
	OLD_REFUSED(old.sections[1].offset = sizeof(old), "outside the file");
	OLD_REFUSED(old.sections[1].size = ~0UL, "outside the file");
}
END_TEST

/* With notes the section is not read, whatever is in it. */
START_TEST(notes_come_first)
{
	parse_old("VIRT_BASE=unknown");
	old.f.h.phnum = 2;
	old.f.load.paddr -= BASE;
	old.f.h.entry -= BASE;
	ck_assert_msg(elf_parse(&old, sizeof(old), &out, why, sizeof(why)),
		      "%s", why);
}
END_TEST

#define REFUSED(change, text) do { \
	setup(); \
	change; \
	ck_assert(!parse()); \
	ck_assert_msg(strstr(why, text) != NULL, "%s", why); \
} while (0)

START_TEST(refused)
{
	REFUSED(f.h.ident[0] = 0, "no ELF magic");
	REFUSED(f.h.ident[4] = 1, "ELF class");
	REFUSED(f.h.ident[5] = 2, "machine");
	REFUSED(f.h.machine = 40, "machine");
	REFUSED(f.h.phentsize = 32, "program header size");
	REFUSED(f.h.phoff = ~0UL, "outside the file");
	REFUSED(f.h.phnum = 0xffff, "outside the file");
	REFUSED(f.load.offset = sizeof(f), "outside the file");
	REFUSED(f.load.filesz = ~0UL, "outside the file");
	REFUSED(f.load.memsz = 1, "larger in the file");
	REFUSED(f.load.paddr = ~0UL, "out of range");
	REFUSED(f.load.paddr = 1UL << 41, "out of range");
	REFUSED(f.load.memsz = 0, "no loadable segment");
	REFUSED(f.note_segment.offset = ~0UL - 4, "outside the file");
	REFUSED(f.note[1].descsz = 1000, "runs past");
	REFUSED(f.note[1].namesz = ~0u, "runs past");
	REFUSED(f.note_segment.type = 0, "CONFIG_XEN_PV");
	REFUSED(f.note[0].desc = 0xffff800000000000, "out of range");
	REFUSED(f.note[0].desc = ~0UL << 12, "out of range");
	REFUSED(f.note[1].desc = 0x8000000001, "p2m address");
	REFUSED(f.note[1].desc = 1UL << 50, "p2m address");
	REFUSED(f.note[3].desc = BASE, "entry point");
	REFUSED(f.note[3].desc = BASE + 0x3e00000, "entry point");
	REFUSED(f.note[4].desc = BASE + 0x3e00000, "hypercall page");
	REFUSED(f.note[4].desc = BASE + 0x1001008, "hypercall page");
}
END_TEST

/* A heap block of exactly that size: the sanitizer sees a byte too far. */
START_TEST(cut_short)
{
	for (size_t n = 0; n < sizeof(f); n++) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, &f, n);
		ck_assert(!elf_parse(copy, n, &out, why, sizeof(why)));
		free(copy);
	}
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("elf");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, as_linux_has_it);
	tcase_add_test(tc, without_base);
	tcase_add_test(tc, offset);
	tcase_add_test(tc, pvh_only);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, cut_short);
	tcase_add_test(tc, old_kernel);
	tcase_add_test(tc, old_kernel_refused);
	tcase_add_test(tc, old_kernel_sections);
	tcase_add_test(tc, notes_come_first);
	return suite_run();
}
