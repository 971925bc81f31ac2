/* SPDX-License-Identifier: MIT */
/* See decode.h.  The libraries do it; each format's end is looked at here. */
#include "decode.h"

#include <stdbool.h>
#include <string.h>

#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#define GZIP		(15 + 16)	/* any window, gzip's header */
#define MAGIC_LZ4	4
#define LZ4_BLOCK(left)	((left) < 8u << 20 ? (int)(left) : 8 << 20)
#define DAMAGED(name)	"its " name " data are damaged, or there is too little memory"

struct stream {
	const uint8_t *in;
	uint8_t *out;
	size_t in_bytes, out_bytes;
};

static bool undo_xz(struct stream *s)
{
	uint64_t most = UINT64_MAX;
	size_t in = 0, out = 0;

	return lzma_stream_buffer_decode(&most, 0, NULL, s->in, &in, s->in_bytes - DECODE_SIZE_BYTES,
					 s->out, &out, s->out_bytes) == LZMA_OK &&
	       out == s->out_bytes;
}

static bool undo_zstd(struct stream *s)
{
	return ZSTD_decompress(s->out, s->out_bytes, s->in, s->in_bytes - DECODE_SIZE_BYTES) == s->out_bytes;
}

/* Its own format ends with the size. */
static bool undo_gzip(struct stream *s)
{
	z_stream z = {
		.next_in = (Bytef *)(uintptr_t)s->in, .avail_in = s->in_bytes,
		.next_out = s->out, .avail_out = s->out_bytes,
	};
	bool ok = inflateInit2(&z, GZIP) == Z_OK && inflate(&z, Z_FINISH) == Z_STREAM_END;

	inflateEnd(&z);
	return ok && z.total_out == s->out_bytes;
}

/* Its legacy format: blocks of 8 MiB at most, each behind its packed size. */
static bool undo_lz4(struct stream *s)
{
	const uint8_t *in = s->in + MAGIC_LZ4;
	const uint8_t *end = s->in + s->in_bytes - DECODE_SIZE_BYTES;
	size_t out = 0;
	uint32_t size;
	int got;

	while ((size_t)(end - in) > sizeof(size) && out < s->out_bytes) {
		memcpy(&size, in, sizeof(size));
		in += sizeof(size);
		if (size > (size_t)(end - in))
			return false;
		got = LZ4_decompress_safe((const char *)in, (char *)s->out + out, size, LZ4_BLOCK(s->out_bytes - out));
		if (got <= 0)
			return false;
		in += size;
		out += got;
	}
	return out == s->out_bytes;
}

static const struct format {
	const char *damaged;
	uint8_t magic[4], magic_bytes;
	bool (*undo)(struct stream *s);
} formats[] = {
	{ DAMAGED("xz"), { 0xfd, '7', 'z', 'X' }, 4, undo_xz },
	{ DAMAGED("zstd"), { 0x28, 0xb5, 0x2f, 0xfd }, 4, undo_zstd },
	{ DAMAGED("gzip"), { 0x1f, 0x8b }, 2, undo_gzip },
	{ DAMAGED("lz4"), { 0x02, 0x21, 0x4c, 0x18 }, MAGIC_LZ4, undo_lz4 },
};

const char *decode(const uint8_t *in, size_t in_bytes, uint8_t *out,
		   size_t out_bytes)
{
	struct stream s = { in, out, in_bytes, out_bytes };

	for (unsigned int i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (!memcmp(in, formats[i].magic, formats[i].magic_bytes))
			return formats[i].undo(&s) ? NULL : formats[i].damaged;
	return "the kernel is compressed in another way than xz, zstd, gzip or lz4";
}
