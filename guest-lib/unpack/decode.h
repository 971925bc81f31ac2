/* SPDX-License-Identifier: MIT */
#ifndef UNPACK_DECODE_H
#define UNPACK_DECODE_H

#include <stddef.h>
#include <stdint.h>

#define DECODE_SIZE_BYTES	4	/* of the size, behind a stream */

/*
 * Undo the payload of a bzImage: a stream of xz, zstd, gzip or lz4 that ends
 * with the content's size, out_bytes; at least 2 * DECODE_SIZE_BYTES.  NULL, or
 * a sentence.
 */
const char *decode(const uint8_t *in, size_t in_bytes, uint8_t *out,
		   size_t out_bytes);

#endif
