/* SPDX-License-Identifier: MIT */
/*
 * mmuext_op: pins, base pointers, TLB and page operations.  Requests are read
 * one at a time, once; continuation as in mmu.c.
 */
#include <port.h>
#include <errno.h>

#include "dom/above.h"
#include "dom/privilege.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "pv/desc.h"
#include "pv/hypercall.h"
#include "pv/mmu.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/resolve.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

static int pin(struct domain *d, mfn_t mfn, unsigned int level)
{
	int r;

	spin_lock(&d->mm);
	/* The first domain's, too late: the reaper may have passed the page. */
	r = READ_ONCE(d->state) == DOM_DYING ? -EINVAL : resolve_name(d, &mfn);
	if (!r)
		r = pttree_get(d, mfn, level);
	if (!r) {
		r = pagetype_set_pinned(mfn_to_frame(mfn));
		if (r)
			pttree_put(d, mfn);	/* PT22 */
	}
	spin_unlock(&d->mm);
	return r;
}

static int unpin(struct domain *d, mfn_t mfn)
{
	struct frame *f;
	int r = resolve(d, mfn, USE_TYPED, &f);

	if (r)
		return r;
	spin_lock(&d->mm);
	/* The first domain's, too late: the reaper empties the tables. */
	r = READ_ONCE(d->state) == DOM_DYING ? -EINVAL : pttree_begin(d, INVALID_MFN);
	if (!r)
		r = pagetype_clear_pinned(f);
	if (!r)
		pttree_put(d, mfn);
	spin_unlock(&d->mm);
	frame_put(f);
	return r;
}

int mmu_base_set(struct vcpu *v, mfn_t *slot, mfn_t mfn, bool load, bool none)
{
	struct domain *d = v->domain;
	mfn_t old = *slot;
	int r;

	spin_lock(&d->mm);
	r = none ? pttree_begin(d, INVALID_MFN) : resolve_name(d, &mfn);
	if (!r && !none)
		r = pttree_get(d, mfn, 4);
	if (!r) {
		*slot = none ? INVALID_MFN : mfn;
		/* The old tree may be freed only after it is unloaded. */
		if (load)
			tlb_load_cr3(mfn_to_maddr(mfn));
		if (!mfn_eq(old, INVALID_MFN))
			pttree_put(d, old);
	}
	spin_unlock(&d->mm);
	return r;
}

int mmu_base_load(struct vcpu *v, mfn_t mfn)
{
	return mmu_base_set(v, &v->kernel_l4, mfn, true, false);
}

/*
 * Fill a page, or copy one (from: INVALID_MFN, none): it takes a writable use,
 * so it can be no table, nor shared.
 */
static int page_write(struct domain *d, mfn_t to, mfn_t from)
{
	struct frame *f;
	void *page;
	int r = resolve_area(d, to, &f);

	if (r)
		return r;
	page = mfn_to_virt(frame_to_mfn(f));
	if (mfn_eq(from, to))
		/* if the page was shared, this is its new frame */
		from = frame_to_mfn(f);
	if (!mfn_eq(from, INVALID_MFN))
		r = resolve_read(d, from, 0, page, PAGE_SIZE);
	else
		memset(page, 0, PAGE_SIZE);
	resolve_area_put(d, f);
	return r;
}

static int page_copy_op(struct domain *d, mfn_t to, mfn_t from)
{
	return mfn_eq(from, INVALID_MFN) ? -EINVAL : page_write(d, to, from);
}

static int flush(struct vcpu *v, const struct mmuext_op *op)
{
	uint64_t all = domain_cpus(v->domain);

	switch (op->cmd) {
	case MMUEXT_TLB_FLUSH_LOCAL:
		tlb_flush_local();
		return 0;
	case MMUEXT_INVLPG_LOCAL:
		if (guest_range_ok(op->arg1.linear_addr, 1))
			tlb_flush_page_local(op->arg1.linear_addr);
		return 0;
	case MMUEXT_TLB_FLUSH_MULTI:
	case MMUEXT_INVLPG_MULTI: {
		uint64_t cpus;

		if (mmu_vcpu_mask_read(v->domain, (uintptr_t)op->arg2.vcpumask.p,
				   &cpus))
			return -EINVAL;	/* as on Xen */
		if (op->cmd == MMUEXT_TLB_FLUSH_MULTI)
			tlb_flush_mask(cpus);
		else if (guest_range_ok(op->arg1.linear_addr, 1))
			tlb_flush_page_mask(cpus, op->arg1.linear_addr);
		return 0;
	}
	case MMUEXT_TLB_FLUSH_ALL:
		tlb_flush_mask(all);
		return 0;
	default: /* MMUEXT_INVLPG_ALL */
		if (guest_range_ok(op->arg1.linear_addr, 1))
			tlb_flush_page_mask(all, op->arg1.linear_addr);
		return 0;
	}
}

/* --- on another domain's frames --- */

/*
 * A tree of its tables is theirs, as if they had asked; the work on it is done
 * here, since their vCPUs may not run.
 */
static int other_tables(struct domain *other, const struct mmuext_op *op)
{
	mfn_t mfn = MFN(op->arg1.mfn);
	int r;

	do {
		r = op->cmd == MMUEXT_UNPIN_TABLE ? unpin(other, mfn) :
		    pin(other, mfn, op->cmd - MMUEXT_PIN_L1_TABLE + 1);
	} while (r == -ERESTART && !sched_preempt_pending() && mmu_trees_finish(other));
	return r;
}

/* As on Xen, what is on the caller's own state is refused. */
static int ext_other(struct domain *d, struct domain *other, const struct mmuext_op *op)
{
	int r = privilege_check(d, PRIV_MMUEXT, op->cmd);

	if (r)
		return op->cmd <= MMUEXT_FLUSH_CACHE_GLOBAL ? -EPERM : r;
	switch (op->cmd) {
	case MMUEXT_CLEAR_PAGE:
		return page_write(other, MFN(op->arg1.mfn), INVALID_MFN);
	case MMUEXT_COPY_PAGE:
		return page_copy_op(other, MFN(op->arg1.mfn), MFN(op->arg2.src_mfn));
	default:
		return other_tables(other, op);
	}
}

static int ext_one(struct vcpu *v, struct domain *other, const void *request)
{
	const struct mmuext_op *op = request;
	struct domain *d = v->domain;

	if (other)
		return ext_other(d, other, op);
	switch (op->cmd) {
	case MMUEXT_PIN_L1_TABLE ... MMUEXT_PIN_L4_TABLE:
		return pin(d, MFN(op->arg1.mfn), op->cmd - MMUEXT_PIN_L1_TABLE + 1);
	case MMUEXT_UNPIN_TABLE:
		return unpin(d, MFN(op->arg1.mfn));
	case MMUEXT_NEW_BASEPTR:
		return mmu_base_load(v, MFN(op->arg1.mfn));
	case MMUEXT_NEW_USER_BASEPTR:
		return mmu_base_set(v, &v->user_l4, MFN(op->arg1.mfn), false,
				    !op->arg1.mfn);
	case MMUEXT_TLB_FLUSH_LOCAL ... MMUEXT_INVLPG_ALL:
		return flush(v, op);
	case MMUEXT_FLUSH_CACHE:
	case MMUEXT_FLUSH_CACHE_GLOBAL:
		return -EACCES;	/* no device is assigned */
	case MMUEXT_SET_LDT:
		return desc_set_ldt(v, op->arg1.linear_addr,
				    op->arg2.nr_ents);
	case MMUEXT_CLEAR_PAGE:
		return page_write(d, MFN(op->arg1.mfn), INVALID_MFN);
	case MMUEXT_COPY_PAGE:
		return page_copy_op(d, MFN(op->arg1.mfn), MFN(op->arg2.src_mfn));
	default:
		return -ENOSYS;
	}
}

long op_mmuext(struct hypercall_args *args)
{
	struct domain *other;
	long r = mmu_other_find(args->a[3], &other);

	if (r)
		return r;
	if (other) {
		/* Who may name others at all may pin; asked before requests. */
		r = privilege_check(current_vcpu()->domain, PRIV_MMUEXT,
				    MMUEXT_PIN_L1_TABLE);
		/* Uses by entries of the caller's that are gone end now. */
		reclaim_foreign_flush();
	}
	if (!r)
		r = mmu_batch(args, other, sizeof(struct mmuext_op), ext_one);
	if (other)
		domain_put(other);
	return r;
}

bool mmu_base_drop(struct domain *d, mfn_t *base)
{
	mfn_t mfn = *base;

	if (mfn_eq(mfn, INVALID_MFN))
		return false;
	*base = INVALID_MFN;
	pttree_put(d, mfn);
	return true;
}
