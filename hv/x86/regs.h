/* SPDX-License-Identifier: MIT */
/*
 * What entry code saves.  On an entry from a guest the CPU's stack pointer is
 * at the end of the running vCPU's own `struct regs` (TSS.rsp0, or loaded by
 * the syscall stub), so the registers of a guest are saved once and never
 * copied; C code then runs on the CPU's own stack.  Entries from the hypervisor
 * itself (faults in guest copies, NMI, bugs) push the same layout on the
 * current stack.
 */
#ifndef HV_X86_REGS_H
#define HV_X86_REGS_H

#include "lib/types.h"

struct regs {
	uint64_t r15, r14, r13, r12, rbp, rbx;
	uint64_t r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
	uint32_t error_code;	/* 0 where the CPU pushes none */
	uint32_t vector;	/* enum vector */
	uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct regs) == 21 * 8, "entry.asm pushes this layout");

#define RFLAGS_CF	(1UL << 0)
#define RFLAGS_MBS	(1UL << 1)
#define RFLAGS_TF	(1UL << 8)
#define RFLAGS_IF	(1UL << 9)
#define RFLAGS_DF	(1UL << 10)
#define RFLAGS_IOPL	(3UL << 12)
#define RFLAGS_NT	(1UL << 14)
#define RFLAGS_RF	(1UL << 16)
#define RFLAGS_VM	(1UL << 17)
#define RFLAGS_AC	(1UL << 18)
#define RFLAGS_VIF	(1UL << 19)
#define RFLAGS_VIP	(1UL << 20)

enum vector {
	VEC_DE = 0, VEC_DB, VEC_NMI, VEC_BP, VEC_OF, VEC_BR, VEC_UD, VEC_NM,
	VEC_DF, VEC_TS = 10, VEC_NP, VEC_SS, VEC_GP, VEC_PF,
	VEC_MF = 16, VEC_AC, VEC_MC, VEC_XM,
	VEC_INT80 = 0x80,	/* gate with DPL 3: the guest's own int 0x80 */
	VEC_HYPERCALL_INT = 0x82, /* gate with DPL 3 too; delivered as a trap */
	VEC_TIMER = 0xf0,	/* local APIC timer */
	/* wake an idle CPU, or make it look at its run queue */
	VEC_RESCHED = 0xf1,
	VEC_TLB = 0xf2,		/* a TLB flush request waits */
	VEC_SPURIOUS = 0xff,
	/*
	 * not an IDT vector: entered by `syscall`; return by sysret is allowed
	 */
	VEC_SYSCALL = 0x100,
};

/* Entered from guest (ring 3), else from the hypervisor itself. */
static inline bool regs_from_guest(const struct regs *r)
{
	return (r->cs & 3) == 3;
}

#endif
