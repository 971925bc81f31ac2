/* SPDX-License-Identifier: MIT */
/*
 * Hypercalls for kernels that have none of their own; either fits struct
 * gl_share_ops and gl_offers_init().  Registers as Xen's ABI has them: number
 * in rax, arguments in rdi, rsi, rdx and r10, result in rax; rcx and r11 are
 * lost.
 */
#ifndef GL_STUBS_H
#define GL_STUBS_H

#include <gl/decls.h>

GL_DECLS_BEGIN

/* Without a hypercall page; ctx means nothing. */
long gl_call_direct(void *ctx, unsigned int nr, unsigned long a1,
		    unsigned long a2, unsigned long a3, unsigned long a4);
/*
 * Through the hypercall page at ctx, which the hypervisor has filled: that of
 * the ELF note, or of the MSR.
 */
long gl_call_page(void *ctx, unsigned int nr, unsigned long a1,
		  unsigned long a2, unsigned long a3, unsigned long a4);

GL_DECLS_END

#endif
