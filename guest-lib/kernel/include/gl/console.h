/* SPDX-License-Identifier: MIT */
/*
 * The console: a domain's ring when it has one, else the console_io hypercall
 * (first domain on real Xen, or a domain without ring).
 */
#ifndef GL_CONSOLE_H
#define GL_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

void gl_console_init(void);
void gl_console_late_init(void);
void gl_console_write(const char *text, size_t bytes);
void gl_console_flush(void);		/* until the backend has taken all */
void gl_console_panic_mode(void);	/* ignore the lock from now on */

/* One input character, or -1 if there is none now. Input wakes gl_block(). */
int gl_console_getc(void);
bool gl_console_input_wakes(void);	/* false: input has to be polled for */

/* Printed in one piece; longer than 512 bytes is cut. */
__attribute__((format(printf, 1, 2)))
void gl_printf(const char *format, ...);
/* Print and crash the domain. */
__attribute__((format(printf, 1, 2), noreturn))
void gl_panic(const char *format, ...);

GL_DECLS_END

#endif
