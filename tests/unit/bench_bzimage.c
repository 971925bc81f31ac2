/* SPDX-License-Identifier: MIT */
// links: bench/harness/bzimage.c bench/harness/decompress.c bench/harness/kernel_elf.c tests/fake/fake_kernel.c
/*
 * Kernel images: each compression, and what is said about one that will not do.
 */
#include <check.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness/bzimage.h"
#include "fake/fake_kernel.h"
#include "unit/suite.h"

static const char *const ways[] = { "gzip", "xz", "zstd", "lz4", "bzip2", "lzma" };
#define WAYS (int)(sizeof(ways) / sizeof(ways[0]))

static char err[300];

static bool unpack(struct kernel_image *k, const struct fake_file *f)
{
	err[0] = '\0';
	return kernel_image_unpack(k, f->data, f->bytes, err, sizeof(err));
}

static void refused(const struct fake_file *f, const char *text)
{
	struct kernel_image k;

	ck_assert(!unpack(&k, f));
	ck_assert_msg(strstr(err, text), "'%s' is not in '%s'", text, err);
	ck_assert(!strchr(err, '\n'));
	ck_assert(!k.elf);
}

START_TEST(each_compression)
{
	struct fake_file elf = fake_elf(30000, true);
	struct fake_file bz = fake_bzimage(&elf, ways[_i]);
	struct kernel_image k;

	ck_assert_msg(unpack(&k, &bz), "%s", err);
	ck_assert_str_eq(k.compression, ways[_i]);
	ck_assert_uint_eq(k.protocol, 0x20f);
	ck_assert_uint_eq(k.info.entry, FAKE_KERNEL_ENTRY);
	ck_assert_uint_eq(k.info.first, FAKE_KERNEL_FIRST);
	ck_assert_uint_eq(k.info.end, FAKE_KERNEL_END);
	/* What lies behind the segments is gone, the segments are not. */
	ck_assert_uint_eq(k.bytes, 4096 + 30000);
	ck_assert_mem_eq(k.elf + 4096, elf.data + 4096, 30000);
	kernel_image_free(&k);
	fake_file_free(&bz);
	fake_file_free(&elf);
}
END_TEST

START_TEST(elf_as_it_is)
{
	struct fake_file elf = fake_elf(100, true);
	struct kernel_image k;

	ck_assert(unpack(&k, &elf));
	ck_assert_ptr_null(k.compression);
	ck_assert_uint_eq(k.bytes, 4096 + 100);
	kernel_image_free(&k);
	fake_file_free(&elf);
}
END_TEST

START_TEST(lz4_of_two_blocks)
{
	struct fake_file elf = fake_elf(9u << 20, true);
	struct fake_file bz = fake_bzimage(&elf, "lz4");
	struct kernel_image k;

	ck_assert_msg(unpack(&k, &bz), "%s", err);
	ck_assert_mem_eq(k.elf + 4096, elf.data + 4096, 9u << 20);
	kernel_image_free(&k);
	fake_file_free(&bz);
	fake_file_free(&elf);
}
END_TEST

/* A block that claims to be longer than the file. */
START_TEST(lz4_long_block)
{
	struct fake_file elf = fake_elf(30000, true);
	struct fake_file bz = fake_bzimage(&elf, "lz4");

	memset(bz.data + 1028, 0x7f, 4);
	refused(&bz, "its lz4 data cannot be unpacked");
	fake_file_free(&bz);
	fake_file_free(&elf);
}
END_TEST

START_TEST(no_pv)
{
	struct fake_file elf = fake_elf(100, false);
	struct fake_file bz = fake_bzimage(&elf, "gzip");

	refused(&elf, "CONFIG_XEN_PV=y");
	refused(&bz, "CONFIG_XEN_PV=y");
	fake_file_free(&bz);
	fake_file_free(&elf);
}
END_TEST

/* Others than Linux may begin where the ELF header says ... */
START_TEST(notes_without_entry)
{
	struct fake_file elf = fake_elf(100, false);
	struct kernel_image k;

	fake_elf_guest_os(&elf, "other");
	ck_assert_msg(unpack(&k, &elf), "%s", err);
	ck_assert_uint_eq(k.info.entry, FAKE_KERNEL_FIRST);
	ck_assert_uint_eq(k.bytes, 4096 + 100);
	kernel_image_free(&k);
	fake_file_free(&elf);
}
END_TEST

/* ... and have no segment of notes. */
static void whole(const char *section, bool notes)
{
	struct fake_file elf = fake_elf_sections(100, section, notes);
	struct kernel_image k;

	ck_assert_msg(unpack(&k, &elf), "%s", err);
	ck_assert_uint_eq(k.info.entry, notes ? FAKE_KERNEL_ENTRY : FAKE_KERNEL_FIRST);
	ck_assert_uint_eq(k.bytes, elf.bytes);
	ck_assert_mem_eq(k.elf, elf.data, elf.bytes);
	kernel_image_free(&k);
	fake_file_free(&elf);
}

START_TEST(notes_in_sections)
{
	whole("__xen_guest", false);
	whole("any", true);
}
END_TEST

/* What is not in the file is no section. */
START_TEST(sections_damaged)
{
	struct fake_file elf = fake_elf_sections(100, "any", false);
	Elf64_Ehdr *h = (Elf64_Ehdr *)elf.data;
	Elf64_Shdr *s = (Elf64_Shdr *)(elf.data + h->e_shoff);

	refused(&elf, "CONFIG_XEN_PV=y");
	fake_file_free(&elf);
#define DAMAGED(change) do { \
	elf = fake_elf_sections(100, "__xen_guest", false); \
	h = (Elf64_Ehdr *)elf.data; \
	s = (Elf64_Shdr *)(elf.data + h->e_shoff); \
	change; \
	refused(&elf, "CONFIG_XEN_PV=y"); \
	fake_file_free(&elf); \
} while (0)
	DAMAGED(h->e_shoff = ~0ull);
	DAMAGED(h->e_shoff += 1);
	DAMAGED(h->e_shentsize = 40);
	DAMAGED(h->e_shstrndx = 3);
	DAMAGED(s[1].sh_offset = ~0ull);
	DAMAGED(s[1].sh_size = elf.bytes);
	DAMAGED(s[1].sh_size = sizeof("__xen_guest"));
	DAMAGED(s[2].sh_offset = elf.bytes);
	DAMAGED(s[2].sh_type = SHT_NOBITS);
	DAMAGED(s[2].sh_name = ~0u);
}
END_TEST

START_TEST(neither)
{
	uint8_t zeros[8192] = { 0 };
	struct fake_file f = { zeros, 0 };
	static const size_t sizes[] = { 0, 1, 3, 4, 0x24f, 0x250, 8192 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		f.bytes = sizes[i];
		refused(&f, "neither a bzImage nor an ELF file");
	}
	memcpy(zeros, "\177ELF", 4);
	refused(&f, "not for x86-64");
	f.bytes = 4;
	refused(&f, "no ELF file");
}
END_TEST

/* A truncated file is refused wherever it ends. */
START_TEST(truncated)
{
	struct fake_file elf = fake_elf(3000, true);
	struct fake_file bz = fake_bzimage(&elf, ways[_i]);
	size_t whole = bz.bytes;

	for (bz.bytes = 0x250; bz.bytes < whole; bz.bytes += 13)
		refused(&bz, "truncated");
	elf.bytes = 4096 + 2999;
	refused(&elf, "truncated: segment 0");
	fake_file_free(&bz);
	fake_file_free(&elf);
}
END_TEST

START_TEST(damaged)
{
	struct fake_file elf = fake_elf(30000, true);
	struct fake_file bz = fake_bzimage(&elf, ways[_i]);
	uint8_t *end = bz.data + bz.bytes;

	memset(bz.data + 1024 + 20, 0xa5, 200);
	refused(&bz, "cannot be unpacked");
	fake_file_free(&bz);
	bz = fake_bzimage(&elf, ways[_i]);
	end = bz.data + bz.bytes;
	end[-4]--; /* content of another size than it says */
	refused(&bz, "cannot be unpacked");
	memset(end - 4, 0, 4);
	refused(&bz, "a kernel of 0 bytes");
	memset(end - 4, 0xff, 4);
	refused(&bz, "a kernel of 4294967295 bytes");
	fake_file_free(&bz);
	fake_file_free(&elf);
}
END_TEST

START_TEST(unknown_compression)
{
	struct fake_file elf = fake_elf(100, true);
	struct fake_file bz = fake_bzimage(&elf, "gzip");

	memcpy(bz.data + 1024, "\x11\x22\x33\x44", 4);
	refused(&bz, "unknown way (it begins 11 22 33 44)");
	memcpy(bz.data + 1024, "\x89LZO", 4);
	refused(&bz, "compressed with lzo, which is not supported");
	memcpy(bz.data + 0x206, "\x07\x02", 2);
	refused(&bz, "too old (boot protocol 2.07)");
	fake_file_free(&bz);
	fake_file_free(&elf);
}
END_TEST

START_TEST(memory)
{
	struct kernel_elf k = { .first = 16 << 20, .end = 62 << 20 };

	ck_assert(!kernel_elf_fits(&k, 62, 0, err, sizeof(err)));
	ck_assert_str_eq(err, "a guest of 62 MiB is too small for this kernel, "
			 "which needs 63 MiB");
	ck_assert(kernel_elf_fits(&k, 63, 0, err, sizeof(err)));
	ck_assert(kernel_elf_fits(&k, 64, 1 << 20, err, sizeof(err)));
	ck_assert(!kernel_elf_fits(&k, 64, 2 << 20, err, sizeof(err)));
	ck_assert_str_eq(err, "the initial RAM disk (2048 KiB) is too large for "
			 "a guest of 64 MiB: 1408 KiB are left beside the kernel");
}
END_TEST

int main(void)
{
	TCase *c = suite_case("bzimage");

	tcase_add_loop_test(c, each_compression, 0, WAYS);
	tcase_add_test(c, elf_as_it_is);
	tcase_add_test(c, lz4_of_two_blocks);
	tcase_add_test(c, lz4_long_block);
	tcase_add_test(c, no_pv);
	tcase_add_test(c, notes_without_entry);
	tcase_add_test(c, notes_in_sections);
	tcase_add_test(c, sections_damaged);
	tcase_add_test(c, neither);
	tcase_add_loop_test(c, truncated, 0, WAYS);
	tcase_add_loop_test(c, damaged, 0, WAYS);
	tcase_add_test(c, unknown_compression);
	tcase_add_test(c, memory);
	tcase_set_timeout(c, 60);
	return suite_run();
}
