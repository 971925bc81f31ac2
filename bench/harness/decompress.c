/* SPDX-License-Identifier: MIT */
/* See decompress.h. */
#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include "bench/harness/decompress.h"

#define SIZE_BYTES	4

/* All of it and no more: only at the end are sums looked at. */
static bool read_whole(struct archive *a, uint8_t *out, size_t out_bytes)
{
	size_t done = 0;
	la_ssize_t n;
	uint8_t beyond;

	while (done < out_bytes &&
	       (n = archive_read_data(a, out + done, out_bytes - done)) > 0)
		done += (size_t)n;
	return done == out_bytes && archive_read_data(a, &beyond, 1) == 0;
}

bool compression_undo(const struct compression *c, const uint8_t *in, size_t in_bytes,
		      uint8_t *out, size_t out_bytes)
{
	struct archive *a = archive_read_new();
	struct archive_entry *e;
	bool ok;

	if (c->size_behind && in_bytes > SIZE_BYTES)
		in_bytes -= SIZE_BYTES;
	ok = a && archive_read_append_filter(a, c->filter) == ARCHIVE_OK &&
	     archive_read_set_format(a, ARCHIVE_FORMAT_RAW) == ARCHIVE_OK &&
	     archive_read_open_memory(a, in, in_bytes) == ARCHIVE_OK &&
	     archive_read_next_header(a, &e) == ARCHIVE_OK &&
	     read_whole(a, out, out_bytes);
	if (a)
		archive_read_free(a);
	return ok;
}

const struct compression *compression_of(const uint8_t *in, size_t bytes)
{
	static const struct compression table[] = {
		{ "gzip", { 0x1f, 0x8b }, 2, ARCHIVE_FILTER_GZIP, false },
		{ "xz", { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, ARCHIVE_FILTER_XZ, true },
		{ "zstd", { 0x28, 0xb5, 0x2f, 0xfd }, 4, ARCHIVE_FILTER_ZSTD, true },
		{ "lz4", { 0x02, 0x21, 0x4c, 0x18 }, 4, ARCHIVE_FILTER_LZ4, true },
		{ "bzip2", { 'B', 'Z', 'h' }, 3, ARCHIVE_FILTER_BZIP2, true },
		{ "lzma", { 0x5d, 0, 0 }, 3, ARCHIVE_FILTER_LZMA, true },
		{ "lzo", { 0x89, 'L', 'Z', 'O' }, 4, 0, true },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (bytes >= table[i].magic_bytes &&
		    !memcmp(in, table[i].magic, table[i].magic_bytes))
			return &table[i];
	return NULL;
}
