/* SPDX-License-Identifier: MIT */
/*
 * Formatted output.  One `struct out` counts every character and stores those
 * that fit, so a cut string is still measured whole, as C's snprintf does.
 */
#include "lib/fmt.h"
#include "lib/string.h"

struct out {
	char *buf;
	size_t size, length;
};

struct spec {
	bool left, zero;
	int width, precision;	/* precision -1: none */
	unsigned int longs;	/* number of l; z counts as one */
};

static void put(struct out *o, char c)
{
	if (o->length + 1 < o->size)
		o->buf[o->length] = c;
	o->length++;
}

/* `bytes` of text in a field of the width of spec. */
static void put_field(struct out *o, const struct spec *sp, const char *text,
		      size_t bytes)
{
	size_t fill = (size_t)sp->width > bytes ? sp->width - bytes : 0;
	bool zero = sp->zero && !sp->left;

	if (zero && bytes && *text == '-') {
		put(o, *text++);
		bytes--;
	}
	for (; !sp->left && fill; fill--)
		put(o, zero ? '0' : ' ');
	while (bytes--)
		put(o, *text++);
	for (; fill; fill--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *sp, uint64_t v,
		       unsigned int base, const char *prefix)
{
	char text[24], *p = text + sizeof(text);
	size_t n = strlen(prefix);

	do {
		*--p = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	p -= n;
	memcpy(p, prefix, n);
	put_field(o, sp, p, text + sizeof(text) - p);
}

static uint64_t next_unsigned(const struct spec *sp, va_list *ap)
{
	return sp->longs ? va_arg(*ap, unsigned long) :
			   va_arg(*ap, unsigned int);
}

static int64_t next_signed(const struct spec *sp, va_list *ap)
{
	return sp->longs ? va_arg(*ap, long) : va_arg(*ap, int);
}

static void put_string(struct out *o, struct spec *sp, const char *s)
{
	size_t max = sp->precision < 0 ? SIZE_MAX : (size_t)sp->precision;

	if (!s)
		s = "(null)";
	sp->zero = false;
	put_field(o, sp, s, strnlen(s, max));
}

static void put_signed(struct out *o, const struct spec *sp, int64_t v)
{
	put_number(o, sp, v < 0 ? -(uint64_t)v : (uint64_t)v, 10,
		   v < 0 ? "-" : "");
}

static int read_int(const char **f, va_list *ap)
{
	int n = 0;

	if (**f == '*') {
		(*f)++;
		return va_arg(*ap, int);
	}
	while (**f >= '0' && **f <= '9')
		n = n * 10 + *(*f)++ - '0';
	return n;
}

static void read_spec(const char **f, struct spec *sp, va_list *ap)
{
	*sp = (struct spec){ .precision = -1 };
	for (; **f == '-' || **f == '0'; (*f)++) {
		sp->left |= **f == '-';
		sp->zero |= **f == '0';
	}
	sp->width = read_int(f, ap);
	if (sp->width < 0) {
		sp->left = true;
		sp->width = -sp->width;
	}
	if (**f == '.') {
		(*f)++;
		sp->precision = read_int(f, ap);
	}
	for (; **f == 'l' || **f == 'z'; (*f)++)
		sp->longs++;
}

static void convert(struct out *o, struct spec *sp, char c, va_list *ap)
{
	char one;

	switch (c) {
	case 'd':
	case 'i':
		put_signed(o, sp, next_signed(sp, ap));
		break;
	case 'u':
		put_number(o, sp, next_unsigned(sp, ap), 10, "");
		break;
	case 'x':
		put_number(o, sp, next_unsigned(sp, ap), 16, "");
		break;
	case 'p':
		put_number(o, sp, (uintptr_t)va_arg(*ap, void *), 16, "0x");
		break;
	case 's':
		put_string(o, sp, va_arg(*ap, const char *));
		break;
	case 'c':
		one = (char)va_arg(*ap, int);
		put_field(o, sp, &one, 1);
		break;
	case '%':
		put(o, '%');
		break;
	default:		/* not one of ours: shown as it stands */
		put(o, '%');
		put(o, c);
	}
}

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct out o = { .buf = buf, .size = size };
	struct spec sp;
	va_list args;

	va_copy(args, ap);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt++;
		read_spec(&fmt, &sp, &args);
		if (!*fmt)
			break;
		convert(&o, &sp, *fmt++, &args);
	}
	va_end(args);
	if (size)
		buf[MIN(o.length, size - 1)] = '\0';
	return (int)o.length;
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = fmt_vsnprintf(buf, size, fmt, ap);
	va_end(ap);
	return n;
}
