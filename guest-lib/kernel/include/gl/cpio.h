/* SPDX-License-Identifier: MIT */
/* Reader of cpio archives ("newc"), one or several one after the other. */
#ifndef GL_CPIO_H
#define GL_CPIO_H

#include <stdbool.h>
#include <stdint.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

struct gl_cpio {
	const uint8_t *data;
	uint64_t bytes;
	uint64_t at;		/* next header */
	/* of the present archive: what is aligned counts from here */
	uint64_t base;
	bool between;		/* archives */
};

struct gl_cpio_file {
	const char *name;	/* name[name_bytes] is NUL */
	uint64_t name_bytes;
	const uint8_t *data;
	uint64_t bytes;
	/* as in stat; 0100000 in 0170000: a regular file */
	uint32_t mode;
};

void gl_cpio_open(struct gl_cpio *c, const void *data, uint64_t bytes);
/*
 * 1: *file is the next member (of any kind, never the trailer); 0: no more; -1:
 * what follows is no archive, or cut short.
 */
int gl_cpio_next(struct gl_cpio *c, struct gl_cpio_file *file);
static inline bool gl_cpio_is_regular(const struct gl_cpio_file *f)
{
	return (f->mode & 0170000) == 0100000;
}

GL_DECLS_END

#endif
