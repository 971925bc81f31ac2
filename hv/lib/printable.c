/* SPDX-License-Identifier: MIT */
/* Text for a terminal; in host builds too. */
#include "lib/printable.h"

#define LONGEST	4	/* bytes of a character */

/* Refused although they are characters; ascending. */
static const struct {
	uint32_t first, last;
} refused[] = {
	{ 0x0, 0x8 }, { 0xa, 0x1f }, { 0x7f, 0x9f },
	{ 0xad, 0xad },		/* soft hyphen */
	{ 0x61c, 0x61c },	/* mark of Arabic writing */
	{ 0x180e, 0x180e },	/* a blank without width */
	{ 0x200b, 0x200f },	/* without width; marks of direction */
	{ 0x2028, 0x202e },	/* ends of lines; embeddings, overrides */
	{ 0x2060, 0x206f },	/* unseen operators; isolates */
	{ 0xd800, 0xdfff },	/* halves of UTF-16 */
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb },
	{ 0xe0000, 0xe0fff },	/* tags */
	{ 0x110000, 0xffffffff },
};

static bool may_pass(uint32_t c)
{
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (c >= refused[i].first && c <= refused[i].last)
			return false;
	return true;
}

/* Bytes of the character that begins so, 0: none does. */
static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xc2 && first < 0xe0)
		return 2;
	if (first >= 0xe0 && first < 0xf0)
		return 3;
	return first >= 0xf0 && first < 0xf5 ? 4 : 0;
}

/* The length of a character that may pass, at the start of text; or 0. */
static size_t good_character(const unsigned char *text, size_t bytes)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = length_of(text[0]), i;
	uint32_t c;

	if (!n || n > bytes)
		return 0;
	c = n == 1 ? text[0] : text[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (text[i] & 0x3f);
	}
	return c >= least[n] && may_pass(c) ? n : 0;
}

void printable(char *text, size_t bytes)
{
	size_t at = 0, n;

	while (at < bytes) {
		n = good_character((unsigned char *)text + at, bytes - at);
		if (!n)
			text[at] = '.';
		at += n ? n : 1;
	}
}

size_t printable_utf8_unfinished(const char *text, size_t bytes)
{
	size_t back;

	for (back = 1; back < LONGEST && back <= bytes; back++) {
		unsigned char c = text[bytes - back];

		if ((c & 0xc0) != 0x80)
			return length_of(c) > back ? back : 0;
	}
	return 0;
}
