/* SPDX-License-Identifier: MIT */
/*
 * Linux's bzImage: its payload is the kernel proper, an ELF file, compressed.
 * Pure: no output, no exit; a refusal is one sentence in err.
 */
#ifndef HARNESS_BZIMAGE_H
#define HARNESS_BZIMAGE_H

#include "bench/harness/kernel_elf.h"

struct kernel_image {
	uint8_t *elf;		/* stripped; to be freed */
	size_t bytes;
	const char *compression; /* its name; NULL: the file was an ELF file */
	unsigned int protocol;	/* of the setup header, 0x20f = 2.15 */
	struct kernel_elf info;
};

/* A bzImage, or an ELF file as it is. */
bool kernel_image_unpack(struct kernel_image *k, const uint8_t *file,
			 size_t bytes, char *err, size_t err_bytes);
void kernel_image_free(struct kernel_image *k);

#endif
