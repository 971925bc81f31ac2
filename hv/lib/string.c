/* SPDX-License-Identifier: MIT */
/* Memory and string functions; see string.h. */
#include "lib/string.h"

void *memcpy(void *dst, const void *src, size_t bytes)
{
	size_t words = bytes / 8, rest = bytes % 8;
	void *to = dst;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words)
			 : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(rest)
			 : : "memory");
	return dst;
}

void *memmove(void *dst, const void *src, size_t bytes)
{
	uint8_t *to = dst;
	const uint8_t *from = src;

	if (to <= from || to >= from + bytes)
		return memcpy(dst, src, bytes);
	while (bytes--)
		to[bytes] = from[bytes];
	return dst;
}

void *memset(void *dst, int byte, size_t bytes)
{
	uint64_t pattern = (uint8_t)byte * 0x0101010101010101UL;
	size_t words = bytes / 8, rest = bytes % 8;
	void *to = dst;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(words) : "a"(pattern)
			 : "memory");
	__asm__ volatile("rep stosb" : "+D"(to), "+c"(rest) : "a"(pattern)
			 : "memory");
	return dst;
}

struct word {
	uint64_t v;
} __attribute__((packed, may_alias));

int memcmp(const void *a, const void *b, size_t bytes)
{
	const uint8_t *x = a, *y = b;

	/* Skip equal words; the bytes of the first unequal one decide. */
	for (; bytes >= 8; bytes -= 8, x += 8, y += 8)
		if (((const struct word *)x)->v != ((const struct word *)y)->v)
			break;
	for (; bytes; bytes--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t max)
{
	for (; max; max--, a++, b++)
		if (*a != *b || !*a)
			return (unsigned char)*a - (unsigned char)*b;
	return 0;
}

char *strchr(const char *s, int c)
{
	for (; *s != (char)c; s++)
		if (!*s)
			return NULL;
	return (char *)(uintptr_t)s;
}

bool str_copy(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size);
	bool fits = n < size;

	if (!size)
		return false;
	if (!fits)
		n = size - 1;
	memcpy(dst, src, n);
	dst[n] = '\0';
	return fits;
}

/* The value of a digit, or a number too large for any base. */
static unsigned int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

static unsigned int suffix_shift(char c)
{
	switch (c) {
	case 'k': case 'K': return 10;
	case 'm': case 'M': return 20;
	case 'g': case 'G': return 30;
	default: return 0;
	}
}

bool str_to_u64(const char *s, uint64_t *value)
{
	unsigned int base = 10, shift;
	const char *first;
	uint64_t v = 0;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		base = 16;
		s += 2;
	}
	for (first = s; digit_value(*s) < base; s++)
		if (__builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, digit_value(*s), &v))
			return false;
	if (s == first)
		return false;
	shift = suffix_shift(*s);
	if (shift)
		s++;
	if (*s || (v << shift) >> shift != v)
		return false;
	*value = v << shift;
	return true;
}
