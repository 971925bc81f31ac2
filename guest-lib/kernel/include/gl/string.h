/* SPDX-License-Identifier: MIT */
/* The few memory and string functions a kernel without a C library needs. */
#ifndef GL_STRING_H
#define GL_STRING_H

#include <stddef.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

void *memcpy(void *__restrict to, const void *__restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int byte, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t bytes);

GL_DECLS_END

#endif
