/* SPDX-License-Identifier: MIT */
/*
 * The compressions that a bzImage's payload may have, known by their first
 * bytes, undone by their own libraries.  Pure: no output, no exit.
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
	/*
	 * NULL: known, but not supported. False: damaged, or not out_bytes
	 * long.
	 */
	bool (*undo)(const uint8_t *in, size_t in_bytes, uint8_t *out,
		     size_t out_bytes);
};

/* NULL: none that we know. */
const struct compression *compression_of(const uint8_t *in, size_t bytes);

#endif
