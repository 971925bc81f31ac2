/* SPDX-License-Identifier: MIT */
/*
 * Formatted text: %% %c %s %d %i %u %x %X %p with l, ll, z, 0, -, width and
 * .precision (of %s).
 */
#ifndef GL_PRINTF_H
#define GL_PRINTF_H

#include <stdarg.h>
#include <stddef.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

/*
 * As in C: returns the length the whole text has; writes at most bytes, the
 * last a NUL.
 */
int gl_vsnprintf(char *out, size_t bytes, const char *format, va_list args);
__attribute__((format(printf, 3, 4)))
int gl_snprintf(char *out, size_t bytes, const char *format, ...);

GL_DECLS_END

#endif
