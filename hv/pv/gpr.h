/* SPDX-License-Identifier: MIT */
/* A guest's general registers by the number that instructions use. */
#ifndef HV_PV_GPR_H
#define HV_PV_GPR_H

#include "x86/regs.h"

static inline uint64_t *gpr(struct regs *r, unsigned int nr)
{
	uint64_t *const table[16] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi,
		&r->rdi, &r->r8, &r->r9, &r->r10, &r->r11, &r->r12, &r->r13,
		&r->r14, &r->r15,
	};

	return table[nr & 15];
}

#endif
