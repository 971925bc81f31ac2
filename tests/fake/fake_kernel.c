/* SPDX-License-Identifier: MIT */
/* See fake_kernel.h. */
#include <assert.h>
#include <bzlib.h>
#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <xen/elfnote.h>
#include <zlib.h>
#include <zstd.h>

#include "fake/fake_kernel.h"

#define NOTES_AT	(sizeof(Elf64_Ehdr) + 2 * sizeof(Elf64_Phdr))
#define LOAD_AT		4096
#define DEBUG_BYTES	100	/* behind the segments, for strip to cut off */
#define SETUP_BYTES	1024	/* one sector of setup */
#define LZ4_BLOCK	(8u << 20)
#define LINUX		0x78756e696cull	/* "linux" */

struct note {
	Elf64_Nhdr h;
	char name[4];
	uint64_t desc;
} __attribute__((packed));

static struct fake_file file_new(size_t bytes)
{
	struct fake_file f = { .data = calloc(1, bytes), .bytes = bytes };

	assert(f.data);
	return f;
}

void fake_file_free(struct fake_file *f)
{
	free(f->data);
	*f = (struct fake_file){ 0 };
}

struct fake_file fake_elf(size_t content_bytes, bool with_entry)
{
	struct fake_file f = file_new(LOAD_AT + content_bytes + DEBUG_BYTES);
	Elf64_Ehdr h = {
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, 1 },
		.e_type = ET_EXEC, .e_machine = EM_X86_64, .e_phnum = 2,
		.e_phoff = sizeof(h), .e_phentsize = sizeof(Elf64_Phdr),
		.e_entry = FAKE_KERNEL_FIRST,
		.e_shoff = LOAD_AT + content_bytes, .e_shnum = 1,
	};
	Elf64_Phdr p[2] = {
		{ .p_type = PT_LOAD, .p_offset = LOAD_AT,
		  .p_paddr = FAKE_KERNEL_FIRST, .p_filesz = content_bytes,
		  .p_memsz = FAKE_KERNEL_END - FAKE_KERNEL_FIRST },
		{ .p_type = PT_NOTE, .p_offset = NOTES_AT,
		  .p_filesz = 2 * sizeof(struct note) },
	};
	struct note n[2] = {
		{ { 4, 8, XEN_ELFNOTE_PHYS32_ENTRY }, "Xen", 1 },
		{ { 4, 8, with_entry ? XEN_ELFNOTE_ENTRY : XEN_ELFNOTE_GUEST_OS },
		  "Xen", with_entry ? FAKE_KERNEL_ENTRY : LINUX },
	};

	memcpy(f.data, &h, sizeof(h));
	memcpy(f.data + sizeof(h), p, sizeof(p));
	memcpy(f.data + NOTES_AT, n, sizeof(n));
	for (size_t i = 0; i < content_bytes; i++)
		f.data[LOAD_AT + i] = (uint8_t)(i / 7 ^ i >> 11);
	return f;
}

void fake_elf_guest_os(struct fake_file *elf, const char *os)
{
	struct note *n = (struct note *)(elf->data + NOTES_AT) + 1;

	n->desc = 0;
	memcpy(&n->desc, os, strlen(os));
}

struct fake_file fake_elf_sections(size_t content_bytes, const char *name,
				   bool notes)
{
	struct fake_file f = fake_elf(content_bytes, true);
	Elf64_Ehdr *h;
	size_t names_at = f.bytes, headers_at = (names_at + strlen(name) + 9) & ~7ull;
	Elf64_Shdr s[3] = {
		[1] = { .sh_type = SHT_STRTAB, .sh_offset = names_at,
			.sh_size = strlen(name) + 2 },
		[2] = { .sh_name = 1, .sh_type = notes ? SHT_NOTE : SHT_PROGBITS,
			.sh_offset = NOTES_AT, .sh_size = 2 * sizeof(struct note) },
	};

	f.bytes = headers_at + sizeof(s);
	f.data = realloc(f.data, f.bytes);
	assert(f.data);
	h = (Elf64_Ehdr *)f.data;
	h->e_phnum = 1;
	h->e_shnum = 3;
	h->e_shstrndx = 1;
	h->e_shentsize = sizeof(s[0]);
	h->e_shoff = headers_at;
	memset(f.data + names_at, 0, headers_at - names_at);
	memcpy(f.data + names_at + 1, name, strlen(name));
	memcpy(f.data + headers_at, s, sizeof(s));
	return f;
}

static size_t pack_gzip(const struct fake_file *in, uint8_t *out, size_t room)
{
	z_stream z = { .next_in = in->data, .avail_in = (uInt)in->bytes,
		       .next_out = out, .avail_out = (uInt)room };

	assert(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0) == Z_OK);
	assert(deflate(&z, Z_FINISH) == Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

static size_t pack_bzip2(const struct fake_file *in, uint8_t *out, size_t room)
{
	unsigned int n = (unsigned int)room;

	assert(BZ2_bzBuffToBuffCompress((char *)out, &n, (char *)in->data,
					(unsigned int)in->bytes, 1, 0, 0) == BZ_OK);
	return n;
}

static size_t pack_lzma(const struct fake_file *in, uint8_t *out, size_t room,
			bool alone)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_options_lzma options;

	assert(!lzma_lzma_preset(&options, 1));
	assert((alone ? lzma_alone_encoder(&z, &options) :
		lzma_easy_encoder(&z, 1, LZMA_CHECK_CRC32)) == LZMA_OK);
	z.next_in = in->data;
	z.avail_in = in->bytes;
	z.next_out = out;
	z.avail_out = room;
	assert(lzma_code(&z, LZMA_FINISH) == LZMA_STREAM_END);
	lzma_end(&z);
	return room - z.avail_out;
}

/* With a sum of its content, as the zstd program does. */
static size_t pack_zstd(const struct fake_file *in, uint8_t *out, size_t room)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t n;

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	n = ZSTD_compress2(c, out, room, in->data, in->bytes);
	ZSTD_freeCCtx(c);
	assert(!ZSTD_isError(n));
	return n;
}

static size_t pack_lz4(const struct fake_file *in, uint8_t *out, size_t room)
{
	static const uint8_t magic[4] = { 0x02, 0x21, 0x4c, 0x18 };
	size_t made = sizeof(magic);

	memcpy(out, magic, sizeof(magic));
	for (size_t at = 0; at < in->bytes; at += LZ4_BLOCK) {
		size_t left = in->bytes - at;
		int n = LZ4_compress_default(
			(char *)in->data + at, (char *)out + made + 4,
			(int)(left < LZ4_BLOCK ? left : LZ4_BLOCK),
			(int)(room - made - 4));
		assert(n > 0);
		memcpy(out + made, &n, 4);
		made += 4 + (size_t)n;
	}
	return made;
}

static size_t pack(const struct fake_file *in, const char *how, uint8_t *out,
		   size_t room)
{
	if (!strcmp(how, "gzip"))
		return pack_gzip(in, out, room);
	if (!strcmp(how, "bzip2"))
		return pack_bzip2(in, out, room);
	if (!strcmp(how, "zstd"))
		return pack_zstd(in, out, room);
	if (!strcmp(how, "lz4"))
		return pack_lz4(in, out, room);
	return pack_lzma(in, out, room, !strcmp(how, "lzma"));
}

struct fake_file fake_bzimage(const struct fake_file *elf, const char *how)
{
	size_t room = elf->bytes + elf->bytes / 4 + 65536;
	struct fake_file f = file_new(SETUP_BYTES + room);
	uint32_t length = (uint32_t)pack(elf, how, f.data + SETUP_BYTES, room);
	uint32_t size = (uint32_t)elf->bytes;

	if (strcmp(how, "gzip")) { /* it has the size already */
		memcpy(f.data + SETUP_BYTES + length, &size, 4);
		length += 4;
	}
	f.data[0x1f1] = 1;
	f.data[0x1fe] = 0x55;
	f.data[0x1ff] = 0xaa;
	memcpy(f.data + 0x202, "HdrS\x0f\x02", 6);
	memcpy(f.data + 0x24c, &length, 4);
	f.bytes = SETUP_BYTES + length;
	return f;
}
