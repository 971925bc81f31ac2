/* SPDX-License-Identifier: MIT */
/*
 * The libc names of string.h.  Host builds use the C library's.  The compiler
 * makes calls of some of them, after the linker has asked who needs them.
 */
#include "lib/string.h"

#define CALLED_BY_COMPILER	__attribute__((used))

CALLED_BY_COMPILER void *(memcpy)(void *dst, const void *src, size_t bytes)
{
	size_t words = bytes / 8, rest = bytes % 8;
	void *to = dst;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(src), "+c"(words)
			 : : "memory");
	__asm__ volatile("rep movsb" : "+D"(to), "+S"(src), "+c"(rest)
			 : : "memory");
	return dst;
}

CALLED_BY_COMPILER void *memmove(void *dst, const void *src, size_t bytes)
{
	uint8_t *to = dst;
	const uint8_t *from = src;

	if (to <= from || to >= from + bytes)
		return memcpy(dst, src, bytes);
	while (bytes--)
		to[bytes] = from[bytes];
	return dst;
}

CALLED_BY_COMPILER void *(memset)(void *dst, int byte, size_t bytes)
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

CALLED_BY_COMPILER int (memcmp)(const void *a, const void *b, size_t bytes)
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
