/* SPDX-License-Identifier: MIT */
/*
 * VCPUOP_initialise: the first registers, tables and handlers of a vCPU, as its
 * guest asks for them.  Each field is checked as Xen checks it.  And what they
 * have become, for the first domain's tools.
 *
 * CTX1  The context is copied once, whole, before anything is looked at.
 * CTX2  What a guest puts there can choose any ring 3 state and nothing else:
 *      RPL 3, IF on, IOPL virtual, handlers and breakpoints outside of the
 *      hypervisor, tables and descriptor pages by type.
 * CTX3  LOCK_DOMAIN is held from the look at `initialised` until it is set, so
 *       if many vCPUs ask at once, one of them succeeds, and nobody brings the
 *       new vCPU up before its context is complete.  The reaper passes through
 *       that lock before it takes a domain's tables apart (ctl/destroy.c,
 *       END6), so no vCPU of a dying domain gets any.
 * CTX4  Descriptor pages come before tables, since they can be dropped at once.
 *       If work on a tree is cut short, what was taken stays in the vCPU, which
 *       is still not initialised; the next call goes on from there, even if it
 *       names other tables.
 * CTX5  A context is read while no CPU has the vCPU (SCHED1), so it is of one
 *       moment.  It has nothing but what the guest can set or see.
 */
#include <port.h>
#include <errno.h>

#include "dom/pause.h"
#include "dom/sched.h"
#include "mm/palloc.h"
#include "pv/controlregs.h"
#include "pv/debugreg.h"
#include "pv/desc.h"
#include "pv/iret.h"
#include "pv/mmu.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "pv/vcpu_context.h"
#include "x86/guestcopy.h"
#include "x86/pte.h"

#define CONTEXT_ORDER	1
_Static_assert(sizeof(struct vcpu_guest_context) <= PAGE_SIZE << CONTEXT_ORDER,
	       "it is copied to pages of the heap");

/* --- the look: nothing is changed --- */

static bool handlers_ok(const struct vcpu_guest_context *c)
{
	for (unsigned int i = 0; i < ARRAY_COUNT(c->trap_ctxt); i++)
		if (!traps_handler_ok(c->trap_ctxt[i].address))
			return false;
	return traps_handler_ok(c->event_callback_eip) &&
	       traps_handler_ok(c->failsafe_callback_eip) &&
	       traps_handler_ok(c->syscall_callback_eip);
}

static bool addresses_ok(const struct vcpu_guest_context *c)
{
	return va_is_canonical(c->user_regs.rip) &&
	       va_is_canonical(c->user_regs.rsp) &&
	       va_is_canonical(c->kernel_sp) && va_is_canonical(c->fs_base) &&
	       va_is_canonical(c->gs_base_kernel) &&
	       va_is_canonical(c->gs_base_user);
}

static mfn_t base_of(uint64_t cr3)
{
	return MFN(cr3 >> PAGE_SHIFT);
}

static bool tables_ok(const struct vcpu_guest_context *c)
{
	if (c->gdt_ents > GDT_FRAMES_MAX * (PAGE_SIZE / 8) ||
	    !desc_ldt_ok(c->ldt_base, c->ldt_ents))
		return false;
	/* In user mode it needs the tables for it. */
	return mfn_n(base_of(c->ctrlreg[3])) &&
	       (c->flags & VGCF_in_kernel || mfn_n(base_of(c->ctrlreg[1])));
}

/* --- tables --- */

static int bases_take(struct vcpu *v, const struct vcpu_guest_context *c)
{
	mfn_t kernel = base_of(c->ctrlreg[3]), user = base_of(c->ctrlreg[1]);
	int r = 0;

	/*
	 * Not again, if an earlier part of the call took it: to ask for another
	 * tree gives up what waits of the user's (TREE3), and never ends.
	 */
	if (!mfn_eq(v->kernel_l4, kernel))
		r = mmu_base_set(v, &v->kernel_l4, kernel, false, false);
	return r ?: mmu_base_set(v, &v->user_l4, user, false, !mfn_n(user));
}

/*
 * Drop the bases that v has; MORE: not all are gone yet, because a tree, v's or
 * another vCPU's, is half-way.
 */
static enum progress bases_drop(struct vcpu *v)
{
	struct domain *d = v->domain;
	int r;

	spin_lock(&d->mm);
	r = pttree_begin(d, INVALID_MFN);
	if (!r && !mmu_base_drop(d, &v->user_l4))
		(void)mmu_base_drop(d, &v->kernel_l4);
	spin_unlock(&d->mm);
	return r || !mfn_eq(v->kernel_l4, INVALID_MFN) ? MORE : DONE;
}

static int descriptors_take(struct vcpu *v, const struct vcpu_guest_context *c)
{
	mfn_t mfns[GDT_FRAMES_MAX];

	memcpy(mfns, c->gdt_frames, sizeof(mfns));
	return desc_set_gdt(v, mfns, c->gdt_ents);
}

static void descriptors_drop(struct vcpu *v)
{
	spin_lock(&v->domain->mm);
	desc_drop_gdt(v);
	spin_unlock(&v->domain->mm);
}

/* --- registers --- */

static void registers_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
	const struct cpu_user_regs *u = &c->user_regs;

	v->regs = (struct regs){
		.r15 = u->r15, .r14 = u->r14, .r13 = u->r13, .r12 = u->r12,
		.rbp = u->rbp, .rbx = u->rbx, .r11 = u->r11, .r10 = u->r10,
		.r9 = u->r9, .r8 = u->r8, .rax = u->rax, .rcx = u->rcx,
		.rdx = u->rdx, .rsi = u->rsi, .rdi = u->rdi, .rip = u->rip,
		.cs = u->cs | 3, .rsp = u->rsp, .ss = u->ss | 3,
		.rflags = iret_guest_rflags(u->rflags),
	};
	v->iopl = u->rflags & RFLAGS_IOPL;
	v->kernel_mode = c->flags & VGCF_in_kernel;
	v->segs = (struct guest_segs){
		.ds = u->ds, .es = u->es, .fs = u->fs, .gs = u->gs,
		.fs_base = c->fs_base,
		.gs_base = v->kernel_mode ? c->gs_base_kernel : c->gs_base_user,
	};
	v->gs_base_kernel = c->gs_base_kernel;
	v->gs_base_user = c->gs_base_user;
	v->kernel_sp = c->kernel_sp;
	v->kernel_ss = (c->kernel_ss & 0xffff) | 3;
}

static void handlers_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
	memcpy(v->traps, c->trap_ctxt, sizeof(v->traps));
	v->event_cb = (struct pv_callback){ c->event_callback_eip, true };
	v->failsafe_cb = (struct pv_callback){
		c->failsafe_callback_eip,
		c->flags & VGCF_failsafe_disables_events };
	v->syscall_cb = (struct pv_callback){
		c->syscall_callback_eip,
		c->flags & VGCF_syscall_disables_events };
}

/*
 * Settings that a guest may not have are left out without an error, as on Xen.
 * vm_assist is vCPU 0's alone.
 */
static void machine_set(struct vcpu *v, const struct vcpu_guest_context *c)
{
	if (c->flags & VGCF_i387_valid)
		memcpy(v->fpu, &c->fpu_ctxt, sizeof(v->fpu));
	else
		fpu_init_state(v->fpu);
	v->cr0_ts = c->ctrlreg[0] & CR0_TS;
	v->cr4 |= c->ctrlreg[4] & cpu_cr4_for_guests();
	for (unsigned int i = 0; i < 8; i++)
		(void)debugreg_set(v, i, c->debugreg[i]);
}

/* --- the whole --- */

/* CTX3: LOCK_DOMAIN. */
static int context_apply(struct vcpu *v, const struct vcpu_guest_context *c)
	needs_lock(&v->domain->lock)
{
	int r;

	if (v->initialised)
		return -EEXIST;
	if (READ_ONCE(v->domain->state) != DOM_RUNNING)
		return -EINVAL;
	if (!handlers_ok(c) || !addresses_ok(c) || !tables_ok(c))
		return -EINVAL;
	r = descriptors_take(v, c);
	if (r)
		return r;
	r = bases_take(v, c);
	if (r) {
		descriptors_drop(v);
		/* The call is made again for the rest, and is refused then. */
		return r != -ERESTART && bases_drop(v) == MORE ? -ERESTART : r;
	}
	registers_set(v, c);
	handlers_set(v, c);
	machine_set(v, c);
	r = c->ldt_ents ? desc_set_ldt(v, c->ldt_base, c->ldt_ents) : 0;
	CHECK(!r);	/* tables_ok() */
	v->initialised = true;
	return 0;
}

int vcpu_context_load(struct vcpu *v, uint64_t arg, bool *online)
{
	struct vcpu_guest_context *c = palloc_hv(CONTEXT_ORDER);
	int r = -EFAULT;

	if (!c)
		return -ENOMEM;
	if (!copy_from_guest(c, arg, sizeof(*c))) {	/* CTX1 */
		spin_lock(&v->domain->lock);
		r = context_apply(v, c);
		*online = c->flags & VGCF_online;
		spin_unlock(&v->domain->lock);
	}
	palloc_hv_free(c, CONTEXT_ORDER);
	return r;
}

int vcpu_context_set(struct vcpu *v, uint64_t arg)
{
	bool online;	/* VCPUOP_up says so */

	return vcpu_context_load(v, arg, &online);
}

/* --- what it is made of later --- */

static void registers_get(const struct vcpu *v, struct vcpu_guest_context *c)
{
	const struct regs *r = &v->regs;
	const struct guest_segs *s = &v->segs;

	c->user_regs = (struct cpu_user_regs){
		.r15 = r->r15, .r14 = r->r14, .r13 = r->r13, .r12 = r->r12,
		.rbp = r->rbp, .rbx = r->rbx, .r11 = r->r11, .r10 = r->r10,
		.r9 = r->r9, .r8 = r->r8, .rax = r->rax, .rcx = r->rcx,
		.rdx = r->rdx, .rsi = r->rsi, .rdi = r->rdi, .rip = r->rip,
		.cs = (uint16_t)r->cs, .rsp = r->rsp, .ss = (uint16_t)r->ss,
		.rflags = (r->rflags & ~RFLAGS_IOPL) | v->iopl,
		.ds = s->ds, .es = s->es, .fs = s->fs, .gs = s->gs,
	};
	c->fs_base = s->fs_base;
	c->gs_base_kernel = v->kernel_mode ? s->gs_base : v->gs_base_kernel;
	c->gs_base_user = v->kernel_mode ? v->gs_base_user : s->gs_base;
	c->kernel_sp = v->kernel_sp;
	c->kernel_ss = v->kernel_ss;
	memcpy(&c->fpu_ctxt, v->fpu, sizeof(v->fpu));
}

static void handlers_get(const struct vcpu *v, struct vcpu_guest_context *c)
{
	memcpy(c->trap_ctxt, v->traps, sizeof(v->traps));
	c->event_callback_eip = v->event_cb.address;
	c->failsafe_callback_eip = v->failsafe_cb.address;
	c->syscall_callback_eip = v->syscall_cb.address;
	c->flags = VGCF_i387_valid;
	if (v->kernel_mode)
		c->flags |= VGCF_in_kernel;
	if (v->failsafe_cb.mask_events)
		c->flags |= VGCF_failsafe_disables_events;
	if (v->syscall_cb.mask_events)
		c->flags |= VGCF_syscall_disables_events;
	if (sched_is_up(v))
		c->flags |= VGCF_online;
}

static void tables_get(const struct vcpu *v, struct vcpu_guest_context *c)
	needs_lock(&v->domain->mm)
{
	if (!mfn_eq(v->kernel_l4, INVALID_MFN))
		c->ctrlreg[3] = mfn_n(v->kernel_l4) << PAGE_SHIFT;
	if (!mfn_eq(v->user_l4, INVALID_MFN))
		c->ctrlreg[1] = mfn_n(v->user_l4) << PAGE_SHIFT;
	for (unsigned int i = 0; i < GDT_FRAMES_MAX; i++)
		c->gdt_frames[i] = mfn_n(v->gdt_frames[i]);
	c->gdt_ents = v->gdt_entries;
	c->ldt_base = v->ldt_va;
	c->ldt_ents = v->ldt_entries;
}

static void machine_get(const struct vcpu *v, struct vcpu_guest_context *c)
{
	c->ctrlreg[0] = controlregs_cr0(v);
	c->ctrlreg[4] = controlregs_cr4(v);
	memcpy(c->debugreg, v->dr, sizeof(c->debugreg));
	c->debugreg[7] |= v->dr7_io;
	c->vm_assist = READ_ONCE(v->domain->vm_assist);
}

/* CTX3, CTX5: LOCK_DOMAIN. */
static int context_get(const struct vcpu *v, struct vcpu_guest_context *c)
	needs_lock(&v->domain->lock)
{
	if (!v->initialised)
		return -ENODATA;
	/* The last pause_end() takes this lock, too. */
	if (!v->domain->paused || !pause_whole(v->domain))
		return -EAGAIN;
	memset(c, 0, sizeof(*c));
	registers_get(v, c);
	handlers_get(v, c);
	machine_get(v, c);
	spin_lock(&v->domain->mm);
	tables_get(v, c);
	spin_unlock(&v->domain->mm);
	return 0;
}

int vcpu_context_store(struct vcpu *v, uint64_t arg)
{
	struct vcpu_guest_context *c = palloc_hv(CONTEXT_ORDER);
	int r;

	if (!c)
		return -ENOMEM;
	spin_lock(&v->domain->lock);
	r = context_get(v, c);
	spin_unlock(&v->domain->lock);
	if (!r && copy_to_guest(arg, c, sizeof(*c)))
		r = -EFAULT;
	palloc_hv_free(c, CONTEXT_ORDER);
	return r;
}
