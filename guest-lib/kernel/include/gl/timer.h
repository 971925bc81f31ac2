/* SPDX-License-Identifier: MIT */
/* Time: nanoseconds since the machine started, and one alarm a vCPU. */
#ifndef GL_TIMER_H
#define GL_TIMER_H

#include <stdint.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

uint64_t gl_now_ns(void);
/*
 * Run fn from the timer event at (or just after) `at`; NULL only wakes
 * gl_block(). 0 or -errno.
 */
long gl_timer_set(uint64_t at_ns, void (*fn)(void));
void gl_timer_stop(void);
void gl_sleep_ns(uint64_t ns);	/* blocks */

GL_DECLS_END

#endif
