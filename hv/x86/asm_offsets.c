/* SPDX-License-Identifier: MIT */
/*
 * Numbers that NASM files share with C.  Compiled to assembly; the Makefile
 * turns each "->NAME $value" into a %define.  The object itself is empty.
 */
#include <port.h>

#include "x86/cpu.h"
#include "x86/insn.h"
#include "x86/smp.h"

#define DEFINE(name, value) \
	__asm__ volatile(".pushsection .discard.offsets,\"\",@progbits\n\t" \
			 ".ascii \"->" #name " %0 \"\n\t.popsection" \
			 : : "i"(value))

void asm_offsets(void);

void asm_offsets(void)
{
	DEFINE(CPU_SELF, offsetof(struct percpu, self));
	DEFINE(CPU_SCRATCH_RSP, offsetof(struct percpu, scratch_rsp));
	DEFINE(CPU_GUEST_REGS_END, offsetof(struct percpu, guest_regs_end));
	DEFINE(CPU_STACK_TOP, offsetof(struct percpu, stack_top));

	DEFINE(REGS_R15, offsetof(struct regs, r15));
	DEFINE(REGS_R14, offsetof(struct regs, r14));
	DEFINE(REGS_R13, offsetof(struct regs, r13));
	DEFINE(REGS_R12, offsetof(struct regs, r12));
	DEFINE(REGS_RBP, offsetof(struct regs, rbp));
	DEFINE(REGS_RBX, offsetof(struct regs, rbx));
	DEFINE(REGS_R11, offsetof(struct regs, r11));
	DEFINE(REGS_R10, offsetof(struct regs, r10));
	DEFINE(REGS_R9, offsetof(struct regs, r9));
	DEFINE(REGS_R8, offsetof(struct regs, r8));
	DEFINE(REGS_RAX, offsetof(struct regs, rax));
	DEFINE(REGS_RCX, offsetof(struct regs, rcx));
	DEFINE(REGS_RDX, offsetof(struct regs, rdx));
	DEFINE(REGS_RSI, offsetof(struct regs, rsi));
	DEFINE(REGS_RDI, offsetof(struct regs, rdi));
	DEFINE(REGS_VECTOR, offsetof(struct regs, vector));
	DEFINE(REGS_RIP, offsetof(struct regs, rip));
	DEFINE(REGS_CS, offsetof(struct regs, cs));
	DEFINE(REGS_RFLAGS, offsetof(struct regs, rflags));
	DEFINE(REGS_RSP, offsetof(struct regs, rsp));
	DEFINE(REGS_SS, offsetof(struct regs, ss));
	DEFINE(REGS_BYTES, sizeof(struct regs));

	/* What a guest may have in rflags when it is entered. */
	DEFINE(RFLAGS_GUEST_MASK, 0x254fd5);
	DEFINE(RFLAGS_GUEST_SET, RFLAGS_MBS | RFLAGS_IF);
	DEFINE(RFLAGS_MBS, RFLAGS_MBS);
	DEFINE(RFLAGS_NO_SYSRET, RFLAGS_TF | RFLAGS_RF);

	DEFINE(VEC_DB, VEC_DB);
	DEFINE(VEC_SYSCALL, VEC_SYSCALL);

	DEFINE(AP_CALLED, AP_CALLED);
	DEFINE(AP_CAME, AP_CAME);
	DEFINE(SEL_HV_CS, SEL_HV_CS);
	DEFINE(SEL_HV_DS, SEL_HV_DS);
	DEFINE(SEL_USER_CS32, SEL_USER_CS32);
	DEFINE(SEL_USER_CS64, SEL_USER_CS64);
	DEFINE(SEL_USER_DS, SEL_USER_DS);
	DEFINE(GDT_HV_BASE, GDT_HV_PAGE * PAGE_SIZE);

	DEFINE(MSR_EFER, (long)MSR_EFER);
	DEFINE(MSR_GS_BASE, (long)MSR_GS_BASE);
}
