/* SPDX-License-Identifier: MIT */
/*
 * Operations that are about vCPUs: a guest's stores and loads while a share is
 * broken first, and vcpu_op.
 */
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/sched.h>
#include <xen/vcpu.h>

#include "abi/share.h"
#include "dom/sched.h"
#include "pv/hypercall.h"
#include "pv/ptbreak.h"
#include "pv/pttree.h"
#include "pv/traps.h"
#include "share/impl.h"
#include "sim/ops.h"
#include "sim/sim.h"

#define PF_PRESENT_WRITE 3u
#define TRIES		8	/* of one instruction: more never end */

static uint64_t va_of(unsigned int what)
{
	return fake_va(page + what);
}

/*
 * Between two instructions of a guest: an interrupt that waits is taken, and it
 * goes on when the hypervisor lets it.  Without one it does not come there.
 */
static void boundary(void)
{
	if (atomic_load(&this_cpu()->tlb_asked) || sim_interrupt_waits())
		state_exit();
}

/* The word of its own that the CPU writes in that page; NULL: a fault. */
static uint64_t *word(struct side *s, unsigned int what, unsigned int cpu, bool write)
{
	uint64_t *at = sim_tlb_access(s->cpu, va_of(what), write);

	if (!at)
		return NULL;
	sim_access(at + 8 * cpu, sizeof(*at), write);
	/* The CPU may have lost the translation before it got here. */
	at = sim_tlb_access(s->cpu, va_of(what), write);
	return at ? at + 8 * cpu : NULL;
}

/* --- break first --- */

/* As if it had chosen that before it shared. */
void op_break_first(struct side *s)
{
	CHECK(!ptbreak_names_init(s->d));
	s->d->sharing.dom->one_pfn = true;
	s->d->breaks.flags |= SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST;
}

/* One store, and all that its faults lead to. */
static long store(struct side *s, unsigned int what)
{
	unsigned int i;
	uint64_t *at;
	bool again;

	for (i = 0; i < TRIES; i++) {
		boundary();
		if (!this_cpu()->current)
			return -ESRCH;
		at = word(s, what, s->cpu, true);
		if (at) {
			WRITE_ONCE(*at, 0x77);
			return 0;
		}
		/* What the CPU forgets when it faults. */
		sim_tlb_flush_page(s->cpu, va_of(what));
		again = sharefault(s->v, va_of(what), PF_PRESENT_WRITE);
		state_exit();
		if (!again)
			break;
	}
	/* The fault would be the guest's, if it still runs to be told. */
	boundary();
	if (!this_cpu()->current)
		return -ESRCH;
	return i < TRIES ? -EFAULT : -EAGAIN;
}

long op_run_store_both(struct side *s) { return store(s, P_BOTH); }

/* Its fault is the guest's own. */
long op_run_store_both_once(struct side *s)
{
	uint64_t *at = word(s, P_BOTH, s->cpu, true);

	if (at)
		WRITE_ONCE(*at, 0x77);
	return at ? 0 : -EFAULT;
}

long op_run_store_twice(struct side *s) { return store(s, P_TWICE); }
long op_run_store_second(struct side *s) { return store(s, P_SECOND); }
long op_run_store_alone(struct side *s) { return store(s, P_ALONE); }

/* The other one's word by two addresses of the page: not new, then old. */
long op_run_load_twice(struct side *s)
{
	uint64_t *at, first, second;

	boundary();
	at = this_cpu()->current ? word(s, P_TWICE, 1 - s->cpu, false) : NULL;
	if (!at)
		return -EFAULT;
	first = READ_ONCE(*at);
	boundary();
	at = this_cpu()->current ? word(s, P_SECOND, 1 - s->cpu, false) : NULL;
	if (!at)
		return -EFAULT;
	second = READ_ONCE(*at);
	return first == 0x77 && second != 0x77;
}

/* The entry of that page has another frame than at the start. */
static bool has_new_name(struct side *s, unsigned int what)
{
	const pte_t *pte = fake_pte(s->d, page + what);

	sim_access(pte, sizeof(*pte), false);
	return mfn_n(pte_mfn(READ_ONCE(*pte))) != s->mfn[what];
}

/* Its kernel looks at both entries: not the new name, then the old one (K2). */
long op_run_names_twice(struct side *s)
{
	bool first;

	boundary();
	if (!this_cpu()->current)
		return -ESRCH;
	first = has_new_name(s, P_TWICE);
	boundary();
	if (!this_cpu()->current)
		return -ESRCH;
	return first && !has_new_name(s, P_SECOND);
}

/* --- a table that is one no more --- */

/* Unhooked with no flush: a CPU of the domain's may still walk through it. */
void op_old_table(struct side *s)
{
	struct mmuext_op *op = (void *)fake_page(s->d, page + s->args_page);
	struct hypercall_args args = {
		.a = { va_of(s->args_page), 1, 0, DOMID_SELF },
	};
	unsigned int me = sim_cpu, i;

	sim_cpu = s->cpu;
	*op = (struct mmuext_op){ .cmd = MMUEXT_UNPIN_TABLE };
	op->arg1.mfn = s->mfn[P_TABLE];
	/* The other side may have done it; none of it is left for later. */
	while (op_mmuext(&args) == -ERESTART || pttree_work_left(s->d))
		(void)pttree_settle(s->d);
	sim_cpu = me;
	for (i = 0; i < SIM_CPUS; i++)
		if (sides[i].d == s->d)
			sim_tlb_walked(i, MFN(s->mfn[P_TABLE]));
}

/* --- trees that take several parts --- */

#define PARTS_OF	200u	/* entries: a table takes three */

static void pin_in_parts(struct side *s, unsigned int what)
{
	struct mmuext_op op = { .cmd = MMUEXT_PIN_L1_TABLE };

	pttree_steps_max = PARTS_OF;
	op.arg1.mfn = s->mfn[what];
	memcpy(fake_page(s->d, page + s->args_page), &op, sizeof(op));
	s->args = (struct hypercall_args){
		.a = { va_of(s->args_page), 1, 0, DOMID_SELF },
	};
}

void op_pin_parts(struct side *s) { pin_in_parts(s, P_BLANK); }

/*
 * The other table, which is unhooked; there are entries where a part ends, and
 * the next one begins.
 */
void op_pin_old_parts(struct side *s)
{
	pte_t *table = (pte_t *)fake_page(s->d, page + P_TABLE);
	unsigned int i;

	op_old_table(s);
	for (i = PARTS_OF - 4; i < PARTS_OF + 4; i++)
		table[i] = s->mfn[P_OFFERED] << PAGE_SHIFT | G_RO;
	pin_in_parts(s, P_TABLE);
}

/* --- vcpu_op --- */

static void vcpu_op(struct side *s, unsigned int cmd, unsigned int id,
		    uint64_t arg)
{
	s->args = (struct hypercall_args){ .a = { cmd, id, arg } };
}

static void context(struct side *s)
{
	struct vcpu_guest_context *c = (void *)fake_page(s->d, page + s->args_page);

	memset(c, 0, sizeof(*c));
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = 0x1000 * (s->cpu + 1);
	c->ctrlreg[3] = mfn_n(s->v->kernel_l4) << PAGE_SHIFT;
}

void op_initialise(struct side *s)
{
	context(s);
	vcpu_op(s, VCPUOP_initialise, THIRD, va_of(s->args_page));
}

/* The table that another one may drop meanwhile. */
void op_initialise_refused(struct side *s)
{
	struct vcpu_guest_context *c = (void *)fake_page(s->d, page + s->args_page);

	context(s);
	c->ctrlreg[3] = s->mfn[P_TABLE] << PAGE_SHIFT;
	vcpu_op(s, VCPUOP_initialise, THIRD, va_of(s->args_page));
}

/* With its GDT in the page that set-gdt gives, too. */
void op_initialise_gdt(struct side *s)
{
	struct vcpu_guest_context *c = (void *)fake_page(s->d, page + s->args_page);

	context(s);
	c->gdt_frames[0] = s->mfn[P_GDT];
	c->gdt_ents = 512;
	vcpu_op(s, VCPUOP_initialise, THIRD, va_of(s->args_page));
}

/* Of one that has a context. */
void op_up(struct side *s)
{
	s->d->vcpu[THIRD]->initialised = true;
	s->d->vcpu[THIRD]->kernel_l4 = INVALID_MFN;
	vcpu_op(s, VCPUOP_up, THIRD, 0);
}

void op_up_early(struct side *s) { vcpu_op(s, VCPUOP_up, THIRD, 0); }
void op_down(struct side *s) { vcpu_op(s, VCPUOP_down, THIRD, 0); }
void op_down_itself(struct side *s) { vcpu_op(s, VCPUOP_down, s->v->id, 0); }
void op_is_up(struct side *s) { vcpu_op(s, VCPUOP_is_up, THIRD, 0); }
void op_send_nmi(struct side *s) { vcpu_op(s, VCPUOP_send_nmi, THIRD, 0); }

void op_register_info(struct side *s)
{
	struct vcpu_register_vcpu_info info = {
		.mfn = s->mfn[P_OFFERED], .offset = 64 * s->cpu,
	};

	memcpy(fake_page(s->d, page + s->args_page), &info, sizeof(info));
	vcpu_op(s, VCPUOP_register_vcpu_info, THIRD, va_of(s->args_page));
}

static long call_vcpu(struct hypercall_args *args)
{
	return op_vcpu(args->a[0], args->a[1], args->a[2]);
}

/* Who says that it is up has seen it whole. */
long op_run_up(struct side *s)
{
	long r = state_call(call_vcpu, &s->args);
	const struct vcpu *v = s->d->vcpu[THIRD];

	return !r && !v->regs.rip ? -EFAULT : r;
}

long op_run_vcpu(struct side *s)
{
	return state_call(call_vcpu, &s->args);
}
