/* SPDX-License-Identifier: MIT */
/* See gl/stubs.h. */
#include "general_regs.h"

#include <gl/stubs.h>

#define STUB_BYTES 32

long gl_call_direct(void *ctx, unsigned int nr, unsigned long a1,
		    unsigned long a2, unsigned long a3, unsigned long a4)
{
	register unsigned long r10 __asm__("r10") = a4;
	long rc;

	__asm__ volatile("syscall"
			 : "=a"(rc), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
			 : "0"((unsigned long)nr)
			 : "rcx", "r8", "r9", "r11", "memory");
	return rc;
}

long gl_call_page(void *ctx, unsigned int nr, unsigned long a1,
		  unsigned long a2, unsigned long a3, unsigned long a4)
{
	register unsigned long r10 __asm__("r10") = a4;
	long rc = (long)ctx + (long)nr * STUB_BYTES;

	__asm__ volatile("call *%%rax"
			 : "+a"(rc), "+D"(a1), "+S"(a2), "+d"(a3), "+r"(r10)
			 : : "rcx", "r8", "r9", "r11", "memory");
	return rc;
}

#include "general_regs_end.h"
