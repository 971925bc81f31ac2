/* SPDX-License-Identifier: MIT */
/*
 * What each fault or `int n` of a guest means: an instruction to emulate, or an
 * exception for the guest's own handler.
 *
 * N1  One fault leads to at most one exception (bounce.c, BOUNCE1).
 * N2  Nothing that a guest can raise ends anything but its domain.
 * N3  A software interrupt is delivered only where the guest's trap table lets
 *     its present mode raise it; else it is a #GP at the instruction.
 */
#include <port.h>

#include "pv/bounce.h"
#include "pv/configwrite.h"
#include "pv/debugreg.h"
#include "pv/decode.h"
#include "pv/emulate.h"
#include "pv/iret.h"
#include "pv/traps.h"
#include "x86/guestcopy.h"

#define EC_IDT		2u	/* error code: a gate of the IDT refused */
#define PF_PRESENT	1u
/* #DF #TS #NP #SS #GP #PF #AC #CP */
#define HAS_ERROR_CODE	0x00227d00u

static void trap_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error)
{
	if (error == PF_PRESENT && iret_after_tcg_fault(v, cr2))
		return;
	if (sharefault(v, cr2, error))
		return;
	if (ptwrite_fault(v, cr2, error))
		return;
	if (configwrite_fault(v, cr2, error))
		return;
	bounce_page_fault(v, cr2, error);
}

/*
 * Software interrupts.  The guest's trap table gives each a DPL: 0 nobody,
 * 1 and 2 its kernel, 3 everybody.
 */
static bool softint_allowed(const struct vcpu *v, unsigned int vector)
{
	unsigned int dpl = TI_GET_DPL(&v->traps[vector]);

	return v->traps[vector].address && dpl && (dpl == 3 || v->kernel_mode);
}

static void refuse_softint(struct vcpu *v, unsigned int vector)
{
	bounce_exception(v, VEC_GP, true, vector * 8 + EC_IDT);
}

/*
 * `int n` whose gate is closed.  The vector comes from the bytes: QEMU's TCG
 * gives a wrong one in the error code.  Code of a 32-bit segment is decoded as
 * if it were 64-bit: where the two differ (REX bytes), 32-bit code has an
 * instruction of its own, which cannot be a prefix of the `int` that faulted.
 * If the segment has a base, the bytes read are not those of the instruction;
 * but they can name no gate that the program could not have named itself.
 */
static void trap_int_refused(struct vcpu *v, uint32_t error)
{
	bool long_mode = v->regs.cs != FLAT_USER_CS32;
	uint8_t code[DECODE_MAX];
	struct insn in;
	int bytes = guest_read_insn(code, v->regs.rip, sizeof(code));

	if (bytes <= 0 || !decode_insn(code, bytes, long_mode, &in) ||
	    in.kind != INSN_INT) {
		bounce_exception(v, VEC_GP, true, error);
		return;
	}
	if (!softint_allowed(v, in.imm)) {
		refuse_softint(v, in.imm);
		return;
	}
	v->regs.rip += in.length;
	bounce_exception(v, in.imm, false, 0);
}

static void trap_general_protection(struct vcpu *v, uint32_t error)
{
	if (error & EC_IDT)
		trap_int_refused(v, error);
	else if (error || !emulate_privileged(v))
		bounce_exception(v, VEC_GP, true, error);
}

/*
 * A gate that is open to ring 3 (int 0x80, 0x82): the CPU is behind the
 * instruction.
 */
static void trap_open_gate(struct vcpu *v, unsigned int vector)
{
	if (softint_allowed(v, vector)) {
		bounce_exception(v, vector, false, 0);
		return;
	}
	v->regs.rip -= 2;
	refuse_softint(v, vector);
}

/*
 * int3 and into: the guest kernel always, its user mode if the DPL allows it.
 */
static void trap_breakpoint(struct vcpu *v, unsigned int vector)
{
	uint8_t opcode = 0;
	int bytes;

	if (v->kernel_mode || softint_allowed(v, vector)) {
		bounce_exception(v, vector, false, 0);
		return;
	}
	bytes = guest_read_insn(&opcode, v->regs.rip - 1, 1);
	v->regs.rip -= bytes == 1 && (opcode == 0xcc || opcode == 0xce) ? 1 : 2;
	refuse_softint(v, vector);
}

static void trap_debug(struct vcpu *v)
{
	debugreg_note(v, debugreg_read(6));
	bounce_exception(v, VEC_DB, false, 0);
}

/*
 * With #NM delivered TS is off, as Xen has it: the guest's handler need not
 * ask.
 */
static void trap_no_fpu(struct vcpu *v)
{
	bool wanted = v->cr0_ts;

	traps_set_fpu_taskswitch(v, false);
	if (wanted)
		bounce_exception(v, VEC_NM, false, 0);
}

static void trap_other(struct vcpu *v, uint32_t vector, uint32_t error)
{
	if (vector < 32)
		bounce_exception(v, vector, HAS_ERROR_CODE >> vector & 1, error);
}

void trap_handle(struct vcpu *v, uint64_t cr2)
{
	uint32_t vector = v->regs.vector, error = v->regs.error_code;

	if (likely(vector == VEC_PF))
		return trap_page_fault(v, cr2, error);
	switch (vector) {
	case VEC_GP:
		return trap_general_protection(v, error);
	case VEC_UD:
		if (!emulate_ud(v))
			bounce_exception(v, VEC_UD, false, 0);
		return;
	case VEC_NM:
		return trap_no_fpu(v);
	case VEC_DB:
		return trap_debug(v);
	case VEC_BP: case VEC_OF:
		return trap_breakpoint(v, vector);
	case VEC_INT80: case VEC_HYPERCALL_INT:
		return trap_open_gate(v, vector);
	default:
		return trap_other(v, vector, error);
	}
}
