/* links: hv/boot/multiboot.c hv/boot/multiboot2.c hv/ctl/config.c hv/ctl/first.c hv/lib/fmt.c hv/lib/str.c tests/port/port.c */
/* SPDX-License-Identifier: MIT */
/* A multiboot 2 loader's tags: whole, cut off anywhere, and nonsense. */
#include <check.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <port.h>

#include "boot/boot.h"
#include "unit/suite.h"

#define SPACE	4096u

static uint8_t made[SPACE];
static uint32_t made_bytes;
static maddr_t at;		/* of the copy that ends where the RAM ends */
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

static void add(const void *p, uint32_t bytes)
{
	memcpy(made + made_bytes, p, bytes);
	made_bytes += bytes;
}

static void add_tag(uint32_t type, const void *p, uint32_t bytes)
{
	uint32_t head[2] = { type, bytes + 8 };

	made_bytes = ALIGN_UP(made_bytes, 8u);
	add(head, sizeof(head));
	add(p, bytes);
}

static void add_module(uint32_t start, uint32_t end, const char *name)
{
	uint8_t body[64];

	memcpy(body, &start, 4);
	memcpy(body + 4, &end, 4);
	memcpy(body + 8, name, strlen(name) + 1);
	add_tag(3, body, 8 + (uint32_t)strlen(name) + 1);
}

static void add_mmap(uint32_t entry_bytes)
{
	uint32_t head[2] = { entry_bytes, 0 };
	uint64_t ram[3] = { 0x100000, 0x7f00000, 1 };
	uint64_t acpi[3] = { 0x8000000, 0x1000, 3 };
	uint8_t body[56];

	memcpy(body, head, 8);
	memcpy(body + 8, ram, 24);
	memcpy(body + 32, acpi, 24);
	add_tag(6, body, sizeof(body));
}

static void begin(void)
{
	made_bytes = 8;
	memset(made, 0, sizeof(made));
	memory_map_count = 0;
	boot_module_count = 0;
	memset(boot_rsdp, 0, sizeof(boot_rsdp));
	why[0] = 0;
}

/* The last byte is the last one of the RAM: ASan sees a read beyond it. */
static bool reads(void)
{
	memcpy(made, &made_bytes, 4);
	fake_ram_init(SPACE);
	at = MADDR((SPACE - made_bytes) & ~7u);
	memcpy(maddr_to_virt(at), made, made_bytes);
	if (setjmp(failed)) {
		fake_ram_fini();
		return false;
	}
	multiboot2_read_cmdline(at);
	multiboot2_read(at);
	fake_ram_fini();
	return true;
}

static void make_whole(void)
{
	uint8_t rsdp[36];

	begin();
	add_tag(1, "loglevel=debug", 15);
	add_module(0x200000, 0x201234, "domains.cfg");
	add_module(0x300000, 0x300001, "a.elf");
	add_mmap(24);
	memset(rsdp, 0x11, sizeof(rsdp));
	add_tag(14, rsdp, 20);
	memset(rsdp, 0x22, sizeof(rsdp));
	add_tag(15, rsdp, sizeof(rsdp));
	add_tag(0, "", 0);
}

START_TEST(whole)
{
	make_whole();
	ck_assert_msg(reads(), "%s", why);
	ck_assert_str_eq(boot_cmdline, "loglevel=debug");
	ck_assert_uint_eq(boot_module_count, 2);
	ck_assert_str_eq(boot_modules[0].name, "domains.cfg");
	ck_assert_uint_eq(boot_modules[0].bytes, 0x1234);
	ck_assert_uint_eq(memory_map_count, 2);
	ck_assert(memory_map[0].type == 1 && memory_map[1].type != 1);
	ck_assert_uint_eq(memory_map[0].bytes, 0x7f00000);
	ck_assert_uint_eq(boot_rsdp[0], 0x22);
	ck_assert_uint_eq(boot_rsdp[35], 0x22);
}
END_TEST

START_TEST(old_root)
{
	uint8_t rsdp[20];

	begin();
	memset(rsdp, 0x11, sizeof(rsdp));
	add_tag(14, rsdp, sizeof(rsdp));
	add_mmap(24);
	ck_assert(reads());
	ck_assert_uint_eq(boot_rsdp[19], 0x11);
	ck_assert_uint_eq(boot_rsdp[20], 0);
}
END_TEST

/* Cut at every byte: refused, or what was whole is read; never beyond. */
START_TEST(cut)
{
	uint32_t whole_bytes, n;

	make_whole();
	whole_bytes = made_bytes;
	for (n = 8; n < whole_bytes; n++) {
		make_whole();
		made_bytes = n;
		if (!reads())
			ck_assert_uint_ne(strlen(why), 0);
	}
}
END_TEST

/* Any word may hold anything. */
START_TEST(nonsense)
{
	static const uint32_t v[] = { 0, 1, 7, 9, 0x7fffffff, 0xfffffff8, ~0u };
	uint32_t whole_bytes, n, i;

	make_whole();
	whole_bytes = made_bytes;
	for (n = 8; n + 4 <= whole_bytes; n += 4) {
		for (i = 0; i < 7; i++) {
			make_whole();
			memcpy(made + n, &v[i], 4);
			reads();
		}
	}
}
END_TEST

static void refused(const char *text)
{
	ck_assert(!reads());
	ck_assert_msg(strstr(why, text), "%s", why);
}

START_TEST(refusals)
{
	begin();
	refused("gives no memory map");
	begin();
	add_tag(17, "", 1);
	refused("only UEFI's memory map");
	begin();
	add_mmap(16);
	refused("entries of 16 bytes");
	begin();
	add_mmap(24);
	add_tag(1, "abc", 3);
	refused("has no end");
	begin();
	add_mmap(24);
	add_module(0x2000, 0x1000, "x");
	refused("ends before it starts");
	begin();
	add_mmap(24);
	add_tag(3, "1234", 4);
	refused("too short");
}
END_TEST

int main(void)
{
	TCase *t = suite_case("all");

	tcase_add_test(t, whole);
	tcase_add_test(t, old_root);
	tcase_add_test(t, cut);
	tcase_add_test(t, nonsense);
	tcase_add_test(t, refusals);
	return suite_run();
}
