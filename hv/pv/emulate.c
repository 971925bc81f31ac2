/* SPDX-License-Identifier: MIT */
/*
 * Emulation of privileged instructions of guest kernels, and of the forced
 * cpuid (`ud2a; "xen"; cpuid`).
 *
 * X1  The instruction's bytes are fetched once and decoded from that copy.
 * X2  An instruction either takes effect wholly and rip moves behind it, or
 *     nothing changed and the guest gets the fault.
 * X3  Behind I/O ports that are not the domain's (io/ioport.h) is no device:
 *     writes vanish, reads give all ones, but 0 for the PIT and port 0x61, so
 *     that a kernel does not wait for a timer that never counts.
 *
 * Runs on the vCPU's own CPU with its page tables loaded, without locks.
 */
#include <port.h>
#include <errno.h>

#include "dom/sched.h"
#include "io/ioport.h"
#include "pv/bounce.h"
#include "pv/controlregs.h"
#include "pv/cpuid.h"
#include "pv/debugreg.h"
#include "pv/decode.h"
#include "pv/emulate.h"
#include "pv/mmu.h"
#include "pv/gpr.h"
#include "pv/traps.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

#define DR6_BS		(1UL << 14)
#define DESC_LONG	(1u << 21)	/* L and D of segs_rights() */
#define DESC_32BIT	(1u << 22)
#define SELECTOR_LDT	4u

bool emulate_code_is_long(uint64_t selector)
{
	return segs_rights(selector) & DESC_LONG;
}

/* Only in the LDT do programs make segments with a base. */
static bool code_is_flat32(uint64_t selector)
{
	uint32_t rights = segs_rights(selector);

	return rights & DESC_32BIT && !(rights & DESC_LONG) &&
	       !(selector & SELECTOR_LDT);
}

void emulate_advance(struct vcpu *v, unsigned int length)
{
	v->regs.rip += length;
	v->regs.rflags &= ~RFLAGS_RF;
	if (!(v->regs.rflags & RFLAGS_TF))
		return;
	debugreg_note(v, DR6_BS);
	if (!v->trap.pending)	/* a breakpoint on the port: the same #DB */
		bounce_exception(v, VEC_DB, false, 0);
}

/* May the guest use all I/O ports and the interrupt flag now? */
static bool iopl_allows(const struct vcpu *v)
{
	uint32_t assists = READ_ONCE(v->domain->vm_assist);
	unsigned int ring = 3;

	if (v->kernel_mode)
		ring = assists & (1u << VMASST_TYPE_architectural_iopl) ? 0 : 1;
	return ring <= v->iopl >> 12;
}

/*
 * The guest's bitmap of ports that its user mode may use.  As on Xen two bytes
 * are read, through the kernel's tables, and what cannot be read allows
 * nothing.
 */
static bool bitmap_allows(struct vcpu *v, uint16_t port, unsigned int width)
{
	uint8_t bits[2] = { 0xff, 0xff };
	bool user = !v->kernel_mode;

	if (port + width > v->iobitmap_ports)
		return false;
	if (user)
		vcpu_set_mode(v, true);
	for (unsigned int i = 0; i < 2; i++)
		if (copy_from_guest(&bits[i], v->iobitmap_va + port / 8 + i, 1))
			bits[i] = 0xff;
	if (user)
		vcpu_set_mode(v, false);
	return !((bits[0] | bits[1] << 8) & ((1 << width) - 1) << port % 8);
}

/* X3 */
static uint32_t port_value(uint16_t port)
{
	return (port >= 0x40 && port <= 0x43) || port == 0x61 ? 0 : ~0u;
}

static bool do_port(struct vcpu *v, const struct insn *in)
{
	struct regs *r = &v->regs;
	uint16_t port = in->imm_port ? in->imm : (uint16_t)r->rdx;
	uint32_t value;

	if (!iopl_allows(v) && !bitmap_allows(v, port, in->width))
		return false;
	if (debugreg_port(v, port, in->width))
		bounce_exception(v, VEC_DB, false, 0);
	if (in->kind == INSN_OUT) {
		(void)ioport_out(v->domain, port, in->width, (uint32_t)r->rax);
		return true;
	}
	if (!ioport_in(v->domain, port, in->width, &value))
		value = port_value(port);
	if (in->width == 4)
		r->rax = value;
	else if (in->width == 2)
		r->rax = (r->rax & ~0xffffUL) | (uint16_t)value;
	else
		r->rax = (r->rax & ~0xffUL) | (uint8_t)value;
	return true;
}

static bool do_upcall_mask(struct vcpu *v, bool mask)
{
	if (!iopl_allows(v))
		return false;
	WRITE_ONCE(v->info->evtchn_upcall_mask, mask);
	return true;
}

static bool cr_read(struct vcpu *v, unsigned int cr, uint64_t *value)
{
	switch (cr) {
	case 0:
		*value = controlregs_cr0(v);
		return true;
	case 2:
		*value = READ_ONCE(v->info->arch.cr2);
		return true;
	case 3:
		*value = mfn_n(v->kernel_l4) << PAGE_SHIFT;
		return true;
	case 4:
		*value = controlregs_cr4(v);
		return true;
	default:
		return false;
	}
}

/*
 * A write to cr3 names a base as MMUEXT_NEW_BASEPTR does.  False: no table that
 * can be loaded.  While its tree is being validated the instruction is not yet
 * done (X2).
 */
static bool cr3_write(struct vcpu *v, uint64_t value, bool *again)
{
	int r = 0;

	if (value >> PAGE_SHIFT == mfn_n(v->kernel_l4))
		tlb_flush_local();
	else
		r = mmu_base_load(v, MFN(value >> PAGE_SHIFT));
	*again = r == -ERESTART;
	return !r || *again;
}

static bool cr_write(struct vcpu *v, unsigned int cr, uint64_t value)
{
	switch (cr) {
	case 0:
		if ((value ^ CR0_VIEW) & ~CR0_TS)
			return false;
		traps_set_fpu_taskswitch(v, value & CR0_TS);
		return true;
	case 2:
		WRITE_ONCE(v->info->arch.cr2, value);
		return true;
	case 4:
		v->cr4 = value & cpu_cr4_for_guests();
		/* we are in kernel mode */
		cpu_cr4_set_guest(v->cr4 & ~CR4_TSD);
		return true;
	default:
		return false;
	}
}

static bool do_rdmsr(struct vcpu *v)
{
	struct regs *r = &v->regs;
	uint64_t value;

	if (!msr_read(v, r->rcx, &value))
		return false;
	r->rax = (uint32_t)value;
	r->rdx = value >> 32;
	return true;
}

static bool do_wrmsr(struct vcpu *v)
{
	const struct regs *r = &v->regs;

	return msr_write(v, r->rcx, r->rdx << 32 | (uint32_t)r->rax);
}

static void do_cpuid(struct vcpu *v)
{
	struct regs *r = &v->regs;
	uint32_t out[4];

	cpuid_policy(v, r->rax, r->rcx, out);
	r->rax = out[0];
	r->rbx = out[1];
	r->rcx = out[2];
	r->rdx = out[3];
}

static bool do_hlt(struct vcpu *v)
{
	WRITE_ONCE(v->info->evtchn_upcall_mask, 0);
	sched_block(v);
	return true;
}

/* What only the guest kernel may do. */
static bool do_kernel_insn(struct vcpu *v, const struct insn *in)
{
	uint64_t *reg = gpr(&v->regs, in->gpr);

	switch (in->kind) {
	case INSN_RDMSR:
		return do_rdmsr(v);
	case INSN_WRMSR:
		return do_wrmsr(v);
	case INSN_CR_READ:
		return cr_read(v, in->sys_reg, reg);
	case INSN_CR_WRITE:
		return cr_write(v, in->sys_reg, *reg);
	case INSN_DR_READ:
		return !debugreg_get(v, in->sys_reg, reg);
	case INSN_DR_WRITE:
		return !debugreg_set(v, in->sys_reg, *reg);
	case INSN_CLTS:
		traps_set_fpu_taskswitch(v, false);
		return true;
	case INSN_HLT:
		return do_hlt(v);
	case INSN_INVLPG:
		tlb_flush_local();
		return true;
	case INSN_WBINVD:
		return true;
	default:
		return false;
	}
}

static bool do_insn(struct vcpu *v, const struct insn *in)
{
	switch (in->kind) {
	case INSN_IN: case INSN_OUT:
		return do_port(v, in);
	case INSN_CLI:
		return do_upcall_mask(v, true);
	case INSN_STI:
		return do_upcall_mask(v, false);
	default:
		return v->kernel_mode && do_kernel_insn(v, in);
	}
}

/*
 * The one instruction that may have to wait; everything else is done at once.
 */
static bool do_insn_or_wait(struct vcpu *v, const struct insn *in, bool *again)
{
	if (in->kind == INSN_CR_WRITE && in->sys_reg == 3)
		return v->kernel_mode &&
		       cr3_write(v, *gpr(&v->regs, in->gpr), again);
	return do_insn(v, in);
}

/* An access to a debug register that does not exist is #UD, not #GP. */
static bool is_undefined(const struct vcpu *v, const struct insn *in)
{
	return (in->kind == INSN_DR_READ || in->kind == INSN_DR_WRITE) &&
	       !debugreg_exists(v, in->sys_reg);
}

/*
 * In a flat segment 32-bit code may use ports and the interrupt flag as its
 * IOPL allows; a kernel has to be 64-bit code.
 */
static bool fetch(const struct vcpu *v, struct insn *in)
{
	bool is_long = emulate_code_is_long(v->regs.cs);
	uint8_t code[DECODE_MAX];
	int bytes;

	if (!is_long && (v->kernel_mode || !code_is_flat32(v->regs.cs)))
		return false;
	bytes = guest_read_insn(code, v->regs.rip, sizeof(code));
	return bytes > 0 && decode_insn(code, bytes, is_long, in);
}

bool emulate_privileged(struct vcpu *v)
{
	bool again = false;
	struct insn in;

	if (!fetch(v, &in))
		return false;
	if (v->kernel_mode && is_undefined(v, &in)) {
		bounce_exception(v, VEC_UD, false, 0);
		return true;
	}
	if (!do_insn_or_wait(v, &in, &again))
		return false;
	if (!again)
		emulate_advance(v, in.length);
	return true;
}

bool emulate_ud(struct vcpu *v)
{
	uint8_t code[DECODE_MAX];
	unsigned int prefix;
	struct insn in;
	int bytes = guest_read_insn(code, v->regs.rip, sizeof(code));

	if (bytes <= 0)
		return false;
	prefix = decode_forced_prefix(code, bytes);
	if (!prefix || !decode_insn(code + prefix, bytes - prefix, true, &in) ||
	    in.kind != INSN_CPUID)
		return false;
	do_cpuid(v);
	emulate_advance(v, prefix + in.length);
	return true;
}
