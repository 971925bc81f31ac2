/* SPDX-License-Identifier: MIT */
/*
 * The iret hypercall: a guest kernel leaves a handler, to itself or to its user
 * mode, with one call that also sets the upcall mask from the IF it restores.
 *
 * IRET1  What the guest puts in the frame can choose any ring 3 state and
 *        nothing else: RPL is forced to 3, IF on, IOPL and VM off.  A selector
 *        or address that the CPU refuses makes the last iretq fault, and that
 *        exception is the guest's.
 * IRET2  The registers are replaced as a whole or (domain crashed) not at all.
 */
#include <errno.h>
#include <port.h>

#include "dom/die.h"

#include "pv/bounce.h"
#include "pv/hypercall.h"
#include "pv/iret.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

/* CF PF AF ZF SF TF DF OF NT RF AC ID: what ring 3 could set itself, and RF. */
#define GUEST_RFLAGS	0x00254dd5UL

static bool enter_user_mode(struct vcpu *v, const struct iret_context *frame)
{
	if (mfn_eq(v->user_l4, INVALID_MFN)) {
		domain_crash(v->domain,
			     "iret to user mode without its page table: rip %lx",
			     frame->rip);
		return false;
	}
	vcpu_set_mode(v, false);
	return true;
}

uint64_t iret_guest_rflags(uint64_t wanted)
{
	return (wanted & GUEST_RFLAGS) | RFLAGS_IF | RFLAGS_MBS;
}

static void load_frame(struct vcpu *v, const struct iret_context *frame)
{
	struct regs *r = &v->regs;

	r->rip = frame->rip;
	r->cs = (frame->cs & 0xffff) | 3;
	r->rflags = iret_guest_rflags(frame->rflags);
	r->rsp = frame->rsp;
	r->ss = (frame->ss & 0xffff) | 3;
	r->rax = frame->rax;
	if (frame->flags & VGCF_in_syscall) {
		r->rcx = r->rip;	/* what sysret leaves there */
		r->r11 = r->rflags;
		r->vector = VEC_SYSCALL;
		return;
	}
	r->rcx = frame->rcx;
	r->r11 = frame->r11;
	r->vector = 0;
}

long op_iret(struct hypercall_args *args)
{
	struct vcpu *v = current_vcpu();
	struct iret_context frame;

	if (copy_from_guest(&frame, v->regs.rsp, sizeof(frame))) {
		domain_crash(v->domain, "iret: no frame at rsp %lx, rip %lx",
			     v->regs.rsp, v->regs.rip);
		return -EFAULT;
	}
	if ((frame.cs & 3) == 3 && !enter_user_mode(v, &frame))
		return -EINVAL;
	load_frame(v, &frame);
	if (v->domain->vm_assist & (1u << VMASST_TYPE_architectural_iopl))
		v->iopl = frame.rflags & RFLAGS_IOPL;
	WRITE_ONCE(v->info->evtchn_upcall_mask, !(frame.rflags & RFLAGS_IF));
	v->nmi_masked = false;
	args->regs = REGS_NEW;
	return 0;
}

/*
 * QEMU's TCG (seen in 7.2) reads the stack of a ring 3 iretq with supervisor
 * rights.  With SMAP on that gives a #PF that no CPU gives ring 3: present,
 * read, supervisor.  A guest kernel that returns with a plain iretq must run
 * under `-cpu max` too, so the instruction is done for it.
 */
bool iret_after_tcg_fault(struct vcpu *v, uint64_t cr2)
{
	static const uint8_t iretq[] = { 0x48, 0xcf };
	struct { uint64_t rip, cs, rflags, rsp, ss; } frame;
	struct regs *r = &v->regs;
	uint8_t code[sizeof(iretq)];

	if (cr2 - r->rsp >= sizeof(frame) ||
	    guest_read_insn(code, r->rip, sizeof(code)) != sizeof(code) ||
	    memcmp(code, iretq, sizeof(code)) ||
	    copy_from_guest(&frame, r->rsp, sizeof(frame)))
		return false;
	if ((frame.cs & 3) != 3 || (frame.ss & 3) != 3 ||
	    !va_is_canonical(frame.rip)) {
		bounce_exception(v, VEC_GP, true, frame.cs & 0xfffc);
		return true;
	}
	r->rip = frame.rip;
	r->cs = frame.cs & 0xffff;
	r->rflags = iret_guest_rflags(frame.rflags);
	r->rsp = frame.rsp;
	r->ss = frame.ss & 0xffff;
	r->vector = 0;
	return true;
}
