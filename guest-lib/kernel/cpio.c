/* SPDX-License-Identifier: MIT */
/*
 * cpio "newc": a header of 110 ASCII bytes (magic and thirteen 8-digit
 * hexadecimal numbers), the name with its NUL, the data; name and data are each
 * padded so that what follows lies at a multiple of 4 from the archive's start.
 * An archive ends with a member "TRAILER!!!"; zeros may follow, then the next
 * one.  Pure; nothing is trusted: every length is checked against what is left.
 */
#include <gl/cpio.h>

#include <stddef.h>

#define HEADER_BYTES	110
#define FIELD_MODE	1	/* number of the field */
#define FIELD_FILESIZE	6
#define FIELD_NAMESIZE	11

void gl_cpio_open(struct gl_cpio *c, const void *data, uint64_t bytes)
{
	*c = (struct gl_cpio){ .data = data, .bytes = bytes, .between = true };
}

static bool same(const void *a, const char *b, size_t bytes)
{
	const char *x = a;

	for (size_t i = 0; i < bytes; i++)
		if (x[i] != b[i])
			return false;
	return true;
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool get_field(const uint8_t *header, unsigned int field, uint32_t *out)
{
	const uint8_t *s = header + 6 + field * 8;

	*out = 0;
	for (int i = 0; i < 8; i++) {
		int d = hex_digit(s[i]);

		if (d < 0)
			return false;
		*out = *out << 4 | (uint32_t)d;
	}
	return true;
}

static uint64_t align_from(uint64_t base, uint64_t at)
{
	return base + ((at - base + 3) & ~3UL);
}

/* Over the zeros between two archives; false at the end of all. */
static bool skip_zeros(struct gl_cpio *c)
{
	while (c->at < c->bytes && !c->data[c->at])
		c->at++;
	return c->at < c->bytes;
}

/* Parse the member at c->at and move past it; false: malformed. */
static bool parse_member(struct gl_cpio *c, struct gl_cpio_file *f)
{
	const uint8_t *h = c->data + c->at;
	uint32_t name_bytes, file_bytes;
	uint64_t data_at;

	if (c->bytes - c->at < HEADER_BYTES ||
	    !(same(h, "070701", 6) || same(h, "070702", 6)) ||
	    !get_field(h, FIELD_MODE, &f->mode) ||
	    !get_field(h, FIELD_FILESIZE, &file_bytes) ||
	    !get_field(h, FIELD_NAMESIZE, &name_bytes))
		return false;
	data_at = align_from(c->base, c->at + HEADER_BYTES + name_bytes);
	if (!name_bytes || data_at > c->bytes ||
	    c->bytes - data_at < file_bytes ||
	    h[HEADER_BYTES + name_bytes - 1])
		return false;
	f->name = (const char *)h + HEADER_BYTES;
	f->name_bytes = name_bytes - 1;
	f->data = c->data + data_at;
	f->bytes = file_bytes;
	c->at = align_from(c->base, data_at + file_bytes);
	if (c->at > c->bytes)	/* the last padding may be missing */
		c->at = c->bytes;
	return true;
}

int gl_cpio_next(struct gl_cpio *c, struct gl_cpio_file *file)
{
	for (;;) {
		if (c->between) {
			if (!skip_zeros(c))
				return 0;
			c->base = c->at;
			c->between = false;
		}
		if (!parse_member(c, file))
			return -1;
		if (file->name_bytes != 10 ||
		    !same(file->name, "TRAILER!!!", 10))
			return 1;
		c->between = true;
	}
}
