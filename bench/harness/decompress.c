/* SPDX-License-Identifier: MIT */
/*
 * See decompress.h.  The kernel's build appends 4 bytes to most payloads; every
 * decoder here stops at the end of its stream and does not look at them.
 */
#include <bzlib.h>
#include <limits.h>
#include <lz4.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "bench/harness/decompress.h"

#define LZMA_MEMORY	(256u << 20)
#define LZ4_BLOCK	(8u << 20)	/* of the legacy frame */

static bool undo_gzip(const uint8_t *in, size_t in_bytes, uint8_t *out,
		      size_t out_bytes)
{
	z_stream z = { 0 };
	int rc;

	if (in_bytes > UINT_MAX || out_bytes > UINT_MAX ||
	    inflateInit2(&z, 16 + MAX_WBITS) != Z_OK)
		return false;
	z.next_in = (Bytef *)(uintptr_t)in;
	z.avail_in = (uInt)in_bytes;
	z.next_out = out;
	z.avail_out = (uInt)out_bytes;
	rc = inflate(&z, Z_FINISH);
	inflateEnd(&z);
	return rc == Z_STREAM_END && z.total_out == out_bytes;
}

static bool undo_bzip2(const uint8_t *in, size_t in_bytes, uint8_t *out,
		       size_t out_bytes)
{
	unsigned int made = (unsigned int)out_bytes;
	bz_stream z = { 0 };
	int rc;

	if (in_bytes > UINT_MAX || out_bytes > UINT_MAX ||
	    BZ2_bzDecompressInit(&z, 0, 0) != BZ_OK)
		return false;
	z.next_in = (char *)(uintptr_t)in;
	z.avail_in = (unsigned int)in_bytes;
	z.next_out = (char *)out;
	z.avail_out = made;
	rc = BZ2_bzDecompress(&z);
	made -= z.avail_out;
	BZ2_bzDecompressEnd(&z);
	return rc == BZ_STREAM_END && made == out_bytes;
}

/* Both of its formats: .xz and the older .lzma. */
static bool undo_lzma(const uint8_t *in, size_t in_bytes, uint8_t *out,
		      size_t out_bytes)
{
	lzma_stream z = LZMA_STREAM_INIT;
	lzma_ret rc;

	if (lzma_auto_decoder(&z, LZMA_MEMORY, 0) != LZMA_OK)
		return false;
	z.next_in = in;
	z.avail_in = in_bytes;
	z.next_out = out;
	z.avail_out = out_bytes;
	rc = lzma_code(&z, LZMA_FINISH);
	out_bytes = z.avail_out;
	lzma_end(&z);
	return rc == LZMA_STREAM_END && !out_bytes;
}

static bool undo_zstd(const uint8_t *in, size_t in_bytes, uint8_t *out,
		      size_t out_bytes)
{
	size_t frame = ZSTD_findFrameCompressedSize(in, in_bytes);

	return !ZSTD_isError(frame) &&
	       ZSTD_decompress(out, out_bytes, in, frame) == out_bytes;
}

/*
 * Magic, then blocks: their packed size in 4 bytes, and 8 MiB of content each.
 */
static bool undo_lz4(const uint8_t *in, size_t in_bytes, uint8_t *out,
		     size_t out_bytes)
{
	size_t at = 4, made = 0;

	while (made < out_bytes) {
		size_t room = out_bytes - made;
		uint32_t packed;
		int n;

		if (in_bytes - at < sizeof(packed))
			return false;
		memcpy(&packed, in + at, sizeof(packed));
		at += sizeof(packed);
		if (packed > in_bytes - at || packed > INT_MAX)
			return false;
		n = LZ4_decompress_safe((const char *)in + at,
					(char *)out + made, (int)packed,
					(int)(room < LZ4_BLOCK ? room : LZ4_BLOCK));
		if (n <= 0)
			return false;
		at += packed;
		made += (size_t)n;
	}
	return true;
}

const struct compression *compression_of(const uint8_t *in, size_t bytes)
{
	static const struct compression table[] = {
		{ "gzip", { 0x1f, 0x8b }, 2, undo_gzip },
		{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, undo_lzma },
		{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, undo_zstd },
		{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, undo_lz4 },
		{ "bzip2", { 'B', 'Z', 'h' }, 3, undo_bzip2 },
		{ "lzma", { 0x5d, 0, 0 }, 3, undo_lzma },
		{ "lzo", { 0x89, 'L', 'Z', 'O' }, 4, NULL },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (bytes >= table[i].magic_bytes &&
		    !memcmp(in, table[i].magic, table[i].magic_bytes))
			return &table[i];
	return NULL;
}
