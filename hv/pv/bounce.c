/* SPDX-License-Identifier: MIT */
/*
 * Delivery of exceptions, events and system calls into a guest kernel.
 *
 * Guest kernel and guest user both run in ring 3, so the CPU cannot deliver to
 * the kernel: we build the frame that Xen's ABI defines on the guest kernel's
 * stack and send the vCPU to its handler.  From low to high addresses:
 *
 *	rcx, r11, [extra words], rip, cs | upcall mask << 32, rflags, rsp, ss
 *
 * The extra words are an error code, or ds es fs gs for the failsafe callback.
 *
 * BOUNCE1  At most one exception waits in a vCPU, and one is delivered for each
 *          fault.
 * BOUNCE2  No handler, or a stack that cannot be written, ends the domain;
 *          nothing here can fault in any other way.
 * BOUNCE3  The guest runs with rflags.IF set and IOPL 0 whatever it asked for;
 *          the frame shows the upcall mask as IF instead.
 * BOUNCE4  No NMI comes between the start of its handler and the next iret
 *          hypercall, whatever that returns from; one waits.
 *
 * All of it runs on the vCPU's own CPU with its page tables loaded, without
 * locks.
 */
#include <port.h>

#include "dom/die.h"

#include "dom/evtchn.h"
#include "pv/bounce.h"
#include "x86/guestcopy.h"

#define EXTRA_MAX	4	/* words */
#define PF_USER		4u	/* page fault error code: from ring 3 */
#define NR_EXCEPTIONS	32

#define CLEARED_ON_ENTRY (RFLAGS_TF | RFLAGS_NT | RFLAGS_RF | RFLAGS_AC | \
			  RFLAGS_VM | RFLAGS_IOPL)

static bool iopl_is_architectural(const struct vcpu *v)
{
	uint32_t assists = READ_ONCE(v->domain->vm_assist);

	return assists & (1u << VMASST_TYPE_architectural_iopl);
}

/* rflags as the guest's frame shows them (BOUNCE3). */
static uint64_t frame_rflags(const struct vcpu *v, uint8_t upcall_mask)
{
	uint64_t flags = v->regs.rflags & ~(RFLAGS_IF | RFLAGS_IOPL);

	if (!upcall_mask)
		flags |= RFLAGS_IF;
	if (iopl_is_architectural(v))
		flags |= v->iopl;
	return flags;
}

/* The frame's words, low to high; returns how many. */
static unsigned int frame_words(const struct vcpu *v, bool from_kernel,
				uint8_t upcall_mask, const uint64_t *extra,
				unsigned int extra_count, uint64_t *words)
{
	const struct regs *r = &v->regs;
	uint64_t cs = r->cs & 0xffff;
	unsigned int n = 0;

	words[n++] = r->rcx;
	words[n++] = r->r11;
	for (unsigned int i = 0; i < extra_count; i++)
		words[n++] = extra[i];
	words[n++] = r->rip;
	words[n++] = (from_kernel ? cs & ~3UL : cs) | (uint64_t)upcall_mask << 32;
	words[n++] = frame_rflags(v, upcall_mask);
	words[n++] = r->rsp;
	words[n++] = r->ss & 0xffff;
	return n;
}

/*
 * Registers at the start of a handler.  A return by sysret overwrites rcx and
 * r11 anyway.
 */
static void enter_handler(struct regs *r, uint64_t handler, uint64_t rsp)
{
	r->rip = handler;
	r->rsp = rsp;
	r->cs = FLAT_KERNEL_CS64;
	r->ss = FLAT_KERNEL_SS64;
	r->rflags = (r->rflags & ~CLEARED_ON_ENTRY) | RFLAGS_IF | RFLAGS_MBS;
	r->rcx = r->rip;
	r->r11 = r->rflags;
	r->vector = VEC_SYSCALL;
}

/* False: the domain was crashed (BOUNCE2). */
static bool bounce_to(struct vcpu *v, const char *what, uint64_t handler,
		      bool mask_events, const uint64_t *extra,
		      unsigned int extra_count)
{
	uint64_t words[7 + EXTRA_MAX], rsp;
	bool from_kernel = v->kernel_mode;
	uint8_t mask = READ_ONCE(v->info->evtchn_upcall_mask);
	unsigned int n;

	if (!handler) {
		domain_crash(v->domain,
			     "no handler for %s: rip %lx rsp %lx error %x cr2 %lx",
			     what, v->regs.rip, v->regs.rsp,
			     v->trap.error_code, v->trap.cr2);
		return false;
	}
	if (!from_kernel)
		vcpu_set_mode(v, true);
	n = frame_words(v, from_kernel, mask, extra, extra_count, words);
	rsp = ((from_kernel ? v->regs.rsp : v->kernel_sp) & ~15UL) - n * 8;
	if (copy_to_guest(rsp, words, n * 8)) {
		domain_crash(v->domain,
			     "no stack for %s: rip %lx rsp %lx frame at %lx cr2 %lx",
			     what, v->regs.rip, v->regs.rsp, rsp, v->trap.cr2);
		return false;
	}
	enter_handler(&v->regs, handler, rsp);
	if (mask_events)
		WRITE_ONCE(v->info->evtchn_upcall_mask, 1);
	return true;
}

void bounce_exception(struct vcpu *v, unsigned int vector, bool has_error,
		      uint32_t error_code)
{
	if (v->trap.pending)
		return;		/* BOUNCE1 */
	v->trap.pending = true;
	v->trap.vector = vector;
	v->trap.has_error = has_error;
	v->trap.error_code = error_code;
}

void bounce_page_fault(struct vcpu *v, uint64_t cr2, uint32_t error_code)
{
	if (v->trap.pending)
		return;		/* BOUNCE1 */
	v->trap.cr2 = cr2;
	bounce_exception(v, VEC_PF, true, error_code);
}

static void deliver_exception(struct vcpu *v)
{
	static const char *const names[NR_EXCEPTIONS] = {
		"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF",
		"#9", "#TS", "#NP", "#SS", "#GP", "#PF", "#15", "#MF", "#AC",
		"#MC", "#XM",
	};
	const struct trap_info *ti = &v->traps[v->trap.vector];
	uint64_t error = v->trap.error_code;
	const char *name = v->trap.vector < NR_EXCEPTIONS ?
			   names[v->trap.vector] : "int n";

	v->trap.pending = false;
	if (v->trap.vector == VEC_PF) {
		WRITE_ONCE(v->info->arch.cr2, v->trap.cr2);
		if (v->kernel_mode)
			error &= ~(uint64_t)PF_USER;
	}
	bounce_to(v, name ? name : "exception", ti->address, TI_GET_IF(ti),
		  &error, v->trap.has_error ? 1 : 0);
}

/* Without a handler it is lost, as on Xen. */
static void deliver_nmi(struct vcpu *v)
{
	const struct trap_info *ti = &v->traps[VEC_NMI];

	WRITE_ONCE(v->nmi_pending, false);
	if (ti->address && bounce_to(v, "NMI", ti->address, TI_GET_IF(ti),
				     NULL, 0))
		v->nmi_masked = true;	/* BOUNCE4 */
}

bool bounce_wanted(const struct vcpu *v)
{
	return v->trap.pending || vcpu_nmi_deliverable(v) || v->segs_refused ||
	       evtchn_deliverable(v);
}

bool bounce_pending(struct vcpu *v)
{
	bool any = v->trap.pending;

	if (any)
		deliver_exception(v);
	if (vcpu_nmi_deliverable(v) && READ_ONCE(v->domain->state) == DOM_RUNNING) {
		deliver_nmi(v);
		any = true;
	}
	if (v->segs_refused && READ_ONCE(v->domain->state) == DOM_RUNNING) {
		v->segs_refused = false;
		bounce_failsafe(v);
		any = true;
	}
	if (READ_ONCE(v->domain->state) == DOM_RUNNING && evtchn_deliverable(v)) {
		bounce_to(v, "event upcall", v->event_cb.address, true, NULL, 0);
		any = true;
	}
	return any;
}

void bounce_syscall(struct vcpu *v)
{
	struct regs *r = &v->regs;
	const struct pv_callback *cb = r->cs == FLAT_USER_CS32 ?
				       &v->syscall32_cb : &v->syscall_cb;

	if (v->kernel_mode || !cb->address) {
		r->rip -= 2;
		bounce_exception(v, VEC_UD, false, 0);
		return;
	}
	r->rcx = r->rip;
	r->r11 = r->rflags;
	if (bounce_to(v, "syscall", cb->address, cb->mask_events, NULL, 0)) {
		r->rflags &= ~RFLAGS_DF;
		r->r11 = r->rflags;
	}
}

/*
 * Without a handler the guest gets #GP, as from a CPU whose sysenter is not set
 * up.
 */
void bounce_sysenter(struct vcpu *v)
{
	const struct pv_callback *cb = &v->sysenter_cb;

	if (!cb->address)
		bounce_exception(v, VEC_GP, true, 0);
	else
		bounce_to(v, "sysenter", cb->address, cb->mask_events, NULL, 0);
}

void bounce_failsafe(struct vcpu *v)
{
	const uint64_t selectors[EXTRA_MAX] = {
		v->segs.ds, v->segs.es, v->segs.fs, v->segs.gs,
	};

	bounce_to(v, "failsafe callback", v->failsafe_cb.address,
		  v->failsafe_cb.mask_events, selectors, EXTRA_MAX);
}
