/* SPDX-License-Identifier: MIT */
/* See bzimage.h. */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness/bzimage.h"
#include "bench/harness/decompress.h"
#include "hv/lib/bzimage.h"

#define REFUSE(...)	(snprintf(err, err_bytes, __VA_ARGS__), false)

static bool is_elf(const uint8_t *p, size_t bytes)
{
	return bytes >= SELFMAG && !memcmp(p, ELFMAG, SELFMAG);
}

static bool find_payload(struct bzimage *b, const uint8_t *file, size_t bytes,
			 char *err, size_t err_bytes)
{
	switch (bzimage_read(b, file, bytes)) {
	case BZIMAGE_NOT:
		return REFUSE("neither a bzImage nor an ELF file");
	case BZIMAGE_OLD:
		return REFUSE("the bzImage is too old (boot protocol %u.%02u): "
			      "it does not say where the kernel is in it",
			      b->protocol >> 8, b->protocol & 0xff);
	case BZIMAGE_CUT:
		return REFUSE("the bzImage is truncated: %zu bytes, at least "
			      "%llu expected", bytes,
			      (unsigned long long)(b->at + b->bytes));
	case BZIMAGE_DAMAGED:
		return REFUSE("the bzImage is damaged: a kernel of %u bytes",
			      b->content);
	default:
		return true;
	}
}

static bool unpack(struct kernel_image *k, const struct bzimage *b,
		   const uint8_t *payload, char *err, size_t err_bytes)
{
	const struct compression *c = compression_of(payload, b->bytes);

	if (!c)
		return REFUSE("the kernel in the bzImage is compressed in an "
			      "unknown way (it begins %02x %02x %02x %02x)",
			      payload[0], payload[1], payload[2], payload[3]);
	if (!c->filter)
		return REFUSE("the kernel in the bzImage is compressed with %s, "
			      "which is not supported", c->name);
	k->elf = malloc(b->content);
	if (!k->elf)
		return REFUSE("no memory for a kernel of %u bytes", b->content);
	k->bytes = b->content;
	k->protocol = b->protocol;
	k->compression = c->name;
	if (!compression_undo(c, payload, b->bytes, k->elf, k->bytes))
		return REFUSE("the bzImage is damaged: its %s data cannot be "
			      "unpacked", c->name);
	return true;
}

static bool get_elf(struct kernel_image *k, const uint8_t *file, size_t bytes,
		    char *err, size_t err_bytes)
{
	struct bzimage b;

	if (is_elf(file, bytes)) {
		k->elf = malloc(bytes);
		if (!k->elf)
			return REFUSE("no memory for a kernel of %zu bytes", bytes);
		memcpy(k->elf, file, bytes);
		k->bytes = bytes;
		return true;
	}
	return find_payload(&b, file, bytes, err, err_bytes) &&
	       unpack(k, &b, file + b.at, err, err_bytes);
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
