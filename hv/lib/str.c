/* SPDX-License-Identifier: MIT */
/* String functions of our own; in host builds too. */
#include "lib/string.h"

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

const char *str_take_name(const char *v, char *out, size_t size)
{
	const char *p;

	for (p = v; *p; p++)
		if (*p <= ' ' || *p > '~' || *p == '(' || *p == ')')
			return "has a character that names cannot have";
	if (!*v)
		return "must not be empty";
	return str_copy(out, size, v) ? NULL : "is too long";
}
