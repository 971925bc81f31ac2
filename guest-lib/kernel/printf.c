/* SPDX-License-Identifier: MIT */
/* gl_vsnprintf(): pure, so the host's unit tests use this same file. */
#include <gl/printf.h>

#include <stdbool.h>
#include <stdint.h>

struct out {
	char *text;
	size_t bytes, length;	/* length counts what did not fit, too */
};

struct spec {
	bool left, zero, upper;
	int longs;		/* 0: int, else 64 bits */
	size_t width;
	size_t precision;	/* of a string; ~0: none */
};

static void put(struct out *o, char c)
{
	if (o->length + 1 < o->bytes)
		o->text[o->length] = c;
	o->length++;
}

static void put_padding(struct out *o, char c, size_t have, size_t width)
{
	for (; have < width; have++)
		put(o, c);
}

static void put_string(struct out *o, const struct spec *s, const char *text)
{
	size_t n = 0;

	if (!text)
		text = "(null)";
	while (n < s->precision && text[n])
		n++;
	if (!s->left)
		put_padding(o, ' ', n, s->width);
	for (size_t i = 0; i < n; i++)
		put(o, text[i]);
	if (s->left)
		put_padding(o, ' ', n, s->width);
}

static void put_number(struct out *o, const struct spec *s, uint64_t value,
		       unsigned int base, bool negative)
{
	const char *digits = s->upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24];
	size_t n = 0, have;

	do {
		text[n++] = digits[value % base];
		value /= base;
	} while (value);
	have = n + negative;
	if (!s->left && !s->zero)
		put_padding(o, ' ', have, s->width);
	if (negative)
		put(o, '-');
	if (!s->left && s->zero)
		put_padding(o, '0', have, s->width);
	while (n)
		put(o, text[--n]);
	if (s->left)
		put_padding(o, ' ', have, s->width);
}

static const char *parse_number(const char *f, size_t *value)
{
	for (*value = 0; *f >= '0' && *f <= '9'; f++)
		*value = *value * 10 + (size_t)(*f - '0');
	return f;
}

/*
 * f points past the percent sign; returns where the conversion letter stands.
 */
static const char *parse_spec(const char *f, struct spec *s)
{
	*s = (struct spec){ .precision = ~(size_t)0 };
	for (; *f == '-' || *f == '0'; f++) {
		s->left |= *f == '-';
		s->zero |= *f == '0';
	}
	f = parse_number(f, &s->width);
	if (*f == '.')
		f = parse_number(f + 1, &s->precision);
	for (; *f == 'l' || *f == 'z'; f++)
		s->longs++;
	return f;
}

static void put_signed(struct out *o, const struct spec *s, int64_t v)
{
	put_number(o, s, v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 10, v < 0);
}

int gl_vsnprintf(char *out, size_t bytes, const char *format, va_list args)
{
	struct out o = { .text = out, .bytes = bytes };
	va_list ap;
	struct spec s;

	va_copy(ap, args);
	for (const char *f = format; *f; f++) {
		if (*f != '%') {
			put(&o, *f);
			continue;
		}
		f = parse_spec(f + 1, &s);
		switch (*f) {
		case 'd':
		case 'i':
			put_signed(&o, &s, s.longs ? va_arg(ap, int64_t) :
				   va_arg(ap, int));
			break;
		case 'X':
		case 'x':
			s.upper = *f == 'X';
			put_number(&o, &s, s.longs ? va_arg(ap, uint64_t) :
				   va_arg(ap, unsigned int), 16, false);
			break;
		case 'u':
			put_number(&o, &s, s.longs ? va_arg(ap, uint64_t) :
				   va_arg(ap, unsigned int), 10, false);
			break;
		case 'p':
			put(&o, '0');
			put(&o, 'x');
			put_number(&o, &s, (uintptr_t)va_arg(ap, void *), 16,
				   false);
			break;
		case 's':
			put_string(&o, &s, va_arg(ap, const char *));
			break;
		case 'c':
			put(&o, (char)va_arg(ap, int));
			break;
		case '\0':
			f--;
			break;
		default:
			put(&o, *f);
		}
	}
	va_end(ap);
	if (bytes)
		out[o.length < bytes ? o.length : bytes - 1] = '\0';
	return (int)o.length;
}

int gl_snprintf(char *out, size_t bytes, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = gl_vsnprintf(out, bytes, format, ap);
	va_end(ap);
	return n;
}
