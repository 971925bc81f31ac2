/* links: hv/boot/multiboot.c hv/ctl/config.c hv/ctl/first.c hv/lib/fmt.c hv/lib/str.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/* What a multiboot 1 loader tells: whole, and nonsense. */
#include <check.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <port.h>

#include "boot/boot.h"
#include "unit/suite.h"

#define SPACE	16384u
#define AT_MAP	0x1000u
#define AT_MODS	0x2000u
#define AT_TEXT	0x3000u
#define MEM	1u
#define CMDLINE	4u
#define MODS	8u
#define MMAP	64u

/* As the loader lays it out. */
static struct {
	uint32_t flags, lower, upper, device, cmdline, mods_count, mods,
		syms[4], mmap_bytes, mmap;
} mbi;
static uint32_t map[12], mods[8];
static jmp_buf failed;
static char why[300];

void boot_fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	longjmp(failed, 1);
}

static void make_whole(void)
{
	static const uint32_t whole_map[12] = { 20, 0x100000, 0, 0x7f00000, 0, 1,
						20, 0x8000000, 0, 0x1000, 0, 3 };
	static const uint32_t whole_mods[8] = { 0x200000, 0x201234, AT_TEXT, 0,
						0x300000, 0x300001, AT_TEXT + 16, 0 };

	memcpy(map, whole_map, sizeof(map));
	memcpy(mods, whole_mods, sizeof(mods));
	memset(&mbi, 0, sizeof(mbi));
	mbi.flags = CMDLINE | MODS | MMAP;
	mbi.cmdline = AT_TEXT + 32;
	mbi.mods_count = 2;
	mbi.mods = AT_MODS;
	mbi.mmap_bytes = sizeof(map);
	mbi.mmap = AT_MAP;
}

static bool reads(void)
{
	memory_map_count = 0;
	boot_module_count = 0;
	fake_ram_init(SPACE);
	memcpy(fake_ram + 8, &mbi, sizeof(mbi));
	memcpy(fake_ram + AT_MAP, map, sizeof(map));
	memcpy(fake_ram + AT_MODS, mods, sizeof(mods));
	strcpy((char *)fake_ram + AT_TEXT, "domains.cfg");
	strcpy((char *)fake_ram + AT_TEXT + 16, "a.elf");
	strcpy((char *)fake_ram + AT_TEXT + 32, "pasture loglevel=debug");
	if (setjmp(failed)) {
		fake_ram_fini();
		return false;
	}
	multiboot_read_cmdline(MADDR(8));
	multiboot_read(MADDR(8));
	fake_ram_fini();
	return true;
}

static void refused(const char *text)
{
	ck_assert(!reads());
	ck_assert_msg(strstr(why, text), "%s", why);
}

START_TEST(whole)
{
	make_whole();
	ck_assert_msg(reads(), "%s", why);
	ck_assert_str_eq(boot_cmdline, " loglevel=debug");
	ck_assert_uint_eq(boot_module_count, 2);
	ck_assert_str_eq(boot_modules[1].name, "a.elf");
	ck_assert_uint_eq(boot_modules[0].bytes, 0x1234);
	ck_assert_uint_eq(memory_map_count, 2);
	ck_assert_uint_eq(memory_map[0].bytes, 0x7f00000);
	ck_assert(memory_map[0].type == 1 && memory_map[1].type != 1);
}
END_TEST

START_TEST(two_numbers)
{
	make_whole();
	mbi.flags = MEM;
	mbi.lower = 640;
	mbi.upper = ~0u;
	ck_assert_msg(reads(), "%s", why);
	ck_assert_uint_eq(memory_map_count, 2);
	ck_assert_uint_eq(memory_map[0].bytes, 640 << 10);
	ck_assert_uint_eq(memory_map[1].bytes, (uint64_t)~0u << 10);
}
END_TEST

START_TEST(nothing)
{
	make_whole();
	mbi.flags = 0;
	refused("gives no memory map");
}
END_TEST

START_TEST(map_nonsense)
{
	make_whole();
	mbi.mmap = ~0u - 15;
	mbi.mmap_bytes = 48;
	refused("memory map ends above 4 GiB");
	make_whole();
	map[0] = 0;
	refused("entries of 0 bytes");
	make_whole();
	map[0] = 19;
	refused("entries of 19 bytes");
	make_whole();
	map[0] = ~0u;		/* there is no second one then */
	ck_assert(reads());
	ck_assert_uint_eq(memory_map_count, 1);
	make_whole();
	mbi.mmap_bytes = 47;	/* cut off: only what is whole */
	ck_assert(reads());
	ck_assert_uint_eq(memory_map_count, 1);
}
END_TEST

START_TEST(modules_nonsense)
{
	make_whole();
	mbi.mods = ~0u - 15;
	refused("list of modules ends above 4 GiB");
	make_whole();
	mbi.mods_count = ~0u;
	refused("modules, at most 256");
	make_whole();
	mods[1] = 0x1fffff;
	refused("module 0 ends before it starts");
	make_whole();
	mods[6] = AT_TEXT;
	refused("two modules have the name");
	make_whole();
	mods[2] = 0;
	refused("module 0 has no name");
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_test(t, whole);
	tcase_add_test(t, two_numbers);
	tcase_add_test(t, nothing);
	tcase_add_test(t, map_nonsense);
	tcase_add_test(t, modules_nonsense);
	return suite_run();
}
