/* SPDX-License-Identifier: MIT */
/*
 * Exceptions.  A handler returns true when the interrupted code shall go on
 * with *regs (which it may change), false for the default: print the registers
 * and crash the domain.  Handlers run on the interrupted stack, page faults
 * and NMIs with events masked.  All vCPUs have the same.
 */
#ifndef GL_TRAP_H
#define GL_TRAP_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/xen.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

/* 0-31 exceptions, 32-47 free for `int` */
#define GL_VECTORS		48
#define GL_VECTOR_EVENT		256	/* not a vector: the event callback */

#define TRAP_divide_error	0
#define TRAP_debug		1
#define TRAP_nmi		2
#define TRAP_int3		3
#define TRAP_invalid_op		6
#define TRAP_gp_fault		13
#define TRAP_page_fault		14

#define PF_PRESENT		1	/* bits of a page fault's error code */
#define PF_WRITE		2
#define PF_USER			4
#define PF_RESERVED		8
#define PF_FETCH		16

/* As vectors.asm pushes them. */
struct gl_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error_code;
	uint64_t rip, cs, rflags, rsp, ss;
};

typedef bool (*gl_trap_fn)(struct gl_regs *regs);

void gl_trap_init(void);
/* What gl_trap_init() tells for this vCPU, in the context of another one. */
void gl_trap_context(struct vcpu_guest_context *c);
/* Returns the handler that was there before (NULL: the default). */
gl_trap_fn gl_trap_handler_set(unsigned int vector, gl_trap_fn fn);

/* The faulting address; valid in a page-fault handler. */
uint64_t gl_fault_address(void);

/* Read or write eight bytes that may fault: false if they do. */
bool gl_probe_read(uint64_t va, uint64_t *out);
bool gl_probe_write(uint64_t va, uint64_t value);
/*
 * The vector, error code and address of the last probe of this vCPU's that
 * failed.
 */
struct gl_probe_fault {
	uint64_t vector, error_code, address;
};
struct gl_probe_fault gl_probe_last(void);

GL_DECLS_END

#endif
