/* SPDX-License-Identifier: MIT */
/*
 * Formatted output into a buffer: %d %u %x %lx %lu %ld %llx %s %.*s %c %p %%
 * with width, 0 and -.
 */
#ifndef HV_LIB_FMT_H
#define HV_LIB_FMT_H

#include <stdarg.h>
#include "lib/types.h"

/*
 * As C's vsnprintf/snprintf for those conversions; returns the length that an
 * unlimited buffer would get.
 */
int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list ap);
int fmt_snprintf(char *buf, size_t size, const char *fmt, ...) printf_like(3, 4);

#endif
