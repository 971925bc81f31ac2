/* SPDX-License-Identifier: MIT */
/* The initial RAM disk that the builder put into our memory. */
#ifndef GL_INITRD_H
#define GL_INITRD_H

#include <stdint.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

/* NULL and 0 if there is none.  After gl_memory_init(). */
const void *gl_initrd(uint64_t *bytes);
/*
 * Its pages go back to the hypervisor, or, where that refuses, become free
 * memory.  Returns how many went back.  Nothing may read it after.
 */
uint64_t gl_initrd_return(void);

GL_DECLS_END

#endif
