/* SPDX-License-Identifier: MIT */
/*
 * See bzimage.h.  The setup header is described in the kernel's
 * Documentation/x86/boot.rst.  The payload ends with the size of its content,
 * 4 bytes, which gzip has in its own format.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness/bzimage.h"
#include "bench/harness/decompress.h"

#define SETUP_SECTS	0x1f1
#define BOOT_FLAG	0x1fe	/* 55 aa */
#define HEADER_MAGIC	0x202	/* "HdrS" */
#define VERSION		0x206
#define PAYLOAD_OFFSET	0x248
#define PAYLOAD_LENGTH	0x24c
#define HEADER_END	0x250

#define VERSION_PAYLOAD	0x208	/* first with the payload's place */
#define CONTENT_MAX	(512u << 20)

#define REFUSE(...)	(snprintf(err, err_bytes, __VA_ARGS__), false)

struct payload {
	const uint8_t *data;
	size_t bytes, content_bytes;
};

static uint32_t le32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static bool is_elf(const uint8_t *p, size_t bytes)
{
	return bytes >= SELFMAG && !memcmp(p, ELFMAG, SELFMAG);
}

static bool is_bzimage(const uint8_t *p, size_t bytes)
{
	return bytes >= HEADER_END && p[BOOT_FLAG] == 0x55 &&
	       p[BOOT_FLAG + 1] == 0xaa && !memcmp(p + HEADER_MAGIC, "HdrS", 4);
}

static bool find_payload(struct kernel_image *k, struct payload *p,
			 const uint8_t *file, size_t bytes, char *err,
			 size_t err_bytes)
{
	uint64_t sects = file[SETUP_SECTS] ? file[SETUP_SECTS] : 4;
	uint64_t at = (sects + 1) * 512 + le32(file + PAYLOAD_OFFSET);
	uint64_t length = le32(file + PAYLOAD_LENGTH);

	k->protocol = le32(file + VERSION) & 0xffff;
	if (k->protocol < VERSION_PAYLOAD)
		return REFUSE("the bzImage is too old (boot protocol %u.%02u): "
			      "it does not say where the kernel is in it",
			      k->protocol >> 8, k->protocol & 0xff);
	if (at + length > bytes)
		return REFUSE("the bzImage is truncated: %zu bytes, at least "
			      "%llu expected", bytes,
			      (unsigned long long)(at + length));
	if (length < 8)
		return REFUSE("the bzImage is damaged: no kernel in it");
	p->data = file + at;
	p->bytes = length;
	p->content_bytes = le32(p->data + length - 4);
	return true;
}

static bool unpack(struct kernel_image *k, const struct payload *p, char *err,
		   size_t err_bytes)
{
	const struct compression *c = compression_of(p->data, p->bytes);

	if (!c)
		return REFUSE("the kernel in the bzImage is compressed in an "
			      "unknown way (it begins %02x %02x %02x %02x)",
			      p->data[0], p->data[1], p->data[2], p->data[3]);
	if (!c->filter)
		return REFUSE("the kernel in the bzImage is compressed with %s, "
			      "which is not supported", c->name);
	if (!p->content_bytes || p->content_bytes > CONTENT_MAX)
		return REFUSE("the bzImage is damaged: a kernel of %zu bytes",
			      p->content_bytes);
	k->elf = malloc(p->content_bytes);
	if (!k->elf)
		return REFUSE("no memory for a kernel of %zu bytes",
			      p->content_bytes);
	k->bytes = p->content_bytes;
	k->compression = c->name;
	if (!compression_undo(c, p->data, p->bytes, k->elf, k->bytes))
		return REFUSE("the bzImage is damaged: its %s data cannot be "
			      "unpacked", c->name);
	return true;
}

static bool get_elf(struct kernel_image *k, const uint8_t *file, size_t bytes,
		    char *err, size_t err_bytes)
{
	struct payload p;

	if (is_elf(file, bytes)) {
		k->elf = malloc(bytes);
		if (!k->elf)
			return REFUSE("no memory for a kernel of %zu bytes", bytes);
		memcpy(k->elf, file, bytes);
		k->bytes = bytes;
		return true;
	}
	if (!is_bzimage(file, bytes))
		return REFUSE("neither a bzImage nor an ELF file");
	return find_payload(k, &p, file, bytes, err, err_bytes) &&
	       unpack(k, &p, err, err_bytes);
}

bool kernel_image_unpack(struct kernel_image *k, const uint8_t *file,
			 size_t bytes, char *err, size_t err_bytes)
{
	*k = (struct kernel_image){ 0 };
	if (!get_elf(k, file, bytes, err, err_bytes) ||
	    !kernel_elf_read(&k->info, k->elf, k->bytes, err, err_bytes)) {
		kernel_image_free(k);
		return false;
	}
	k->bytes = kernel_elf_strip(&k->info, k->elf);
	return true;
}

void kernel_image_free(struct kernel_image *k)
{
	free(k->elf);
	*k = (struct kernel_image){ 0 };
}
