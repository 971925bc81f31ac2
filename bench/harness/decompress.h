/* SPDX-License-Identifier: MIT */
/*
 * The compressions that a bzImage's payload may have, known by their first
 * bytes, undone by libarchive.  Pure: no output, no exit.
 */
#ifndef HARNESS_DECOMPRESS_H
#define HARNESS_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct compression {
	const char *name;
	uint8_t magic[6];
	size_t magic_bytes;
	int filter;		/* libarchive's; 0: known, but not supported */
	/* The kernel's build appends 4 bytes, the content's size. */
	bool size_behind;
};

/* NULL: none that we know. */
const struct compression *compression_of(const uint8_t *in, size_t bytes);
/* False: damaged, or not out_bytes long. */
bool compression_undo(const struct compression *c, const uint8_t *in, size_t in_bytes,
		      uint8_t *out, size_t out_bytes);

#endif
