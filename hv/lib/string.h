/* SPDX-License-Identifier: MIT */
/*
 * The few libc functions that freestanding code may call (names and meaning of
 * C11).
 */
#ifndef HV_LIB_STRING_H
#define HV_LIB_STRING_H

#include "lib/types.h"

void *memcpy(void *dst, const void *src, size_t bytes);
void *memmove(void *dst, const void *src, size_t bytes);
void *memset(void *dst, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);

/*
 * A freestanding compiler takes these for any functions: so it is told that it
 * knows them, and a copy of one word is one load and one store.  But it may
 * then read the source twice: what a guest may write meanwhile is copied with
 * memmove(), which it does not know.
 */
#ifndef HV_LIB_STRING_PLAIN	/* for who watches the functions */
#define memcpy(dst, src, bytes)		__builtin_memcpy(dst, src, bytes)
#define memset(dst, byte, bytes)	__builtin_memset(dst, byte, bytes)
#define memcmp(a, b, bytes)		__builtin_memcmp(a, b, bytes)
#endif

size_t strlen(const char *s);
size_t strnlen(const char *s, size_t max);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max);
char *strchr(const char *s, int c);

/*
 * Copy src into dst of `size` bytes, always NUL terminated.
 * Returns false if it had to be cut.
 */
bool str_copy(char *dst, size_t size, const char *src);

/*
 * A name, of a domain or a share group: NULL, or what is wrong with it.
 */
const char *str_take_name(const char *v, char *out, size_t size);

/*
 * Parse an unsigned number (decimal, or hex with 0x; an optional suffix
 * K, M or G multiplies) from all of `s`.  Returns false and leaves *value alone
 * if s is empty, has other characters or does not fit.
 */
bool str_to_u64(const char *s, uint64_t *value);

#endif
