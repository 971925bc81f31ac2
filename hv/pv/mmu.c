/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls on page tables: mmu_update, update_va_mapping.
 * mmuext_op is in mmuext.c.
 *
 * Requests are read a few at a time, and each is used as it was read (CP4).  If
 * the requests after one cannot be read, that one is read alone.  LOCK_MM is
 * taken for each request anew, so no lock is held if reading the next ones
 * faults.
 *
 * Continuation: as on Xen, the remaining count goes back with MMU_PREEMPTED
 * set, and *pdone accumulates; a guest that forges the flag only changes what
 * its own *pdone says.
 */
#include <port.h>
#include <errno.h>

#include "dom/pages.h"
#include "dom/privilege.h"
#include "dom/reclaim.h"
#include "mm/m2p.h"
#include "pv/foreign.h"
#include "pv/hypercall.h"
#include "pv/mmu.h"
#include "pv/pending.h"
#include "pv/ptcheck.h"
#include "pv/pttree.h"
#include "pv/resolve.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

struct batch {
	uint32_t count;		/* requests left */
	uint32_t done;		/* by earlier parts of the call */
	uint64_t pdone;		/* guest address of the number done, 0 = none */
};

/*
 * read at once, since finding an argument by machine address costs more than
 * copying it
 */
#define REQUESTS	8

/* Requests first .. first + have - 1 of a call. */
struct requests {
	uint64_t words[REQUESTS * MMU_REQUEST_MAX / sizeof(uint64_t)];
	uint32_t first, have;
};

/* Read requests i .. i + n - 1 of an array at `va`. */
static bool requests_read(struct requests *q, uint64_t va, uint32_t i,
			  uint32_t n, size_t bytes)
{
	q->first = i;
	q->have = copy_from_guest(q->words, va + i * bytes, n * bytes) ? 0 : n;
	return q->have;
}

/*
 * Request i of the array, of which there are `left` more; NULL: it cannot be
 * read.
 */
static const void *request_at(struct requests *q, uint64_t va, uint32_t i,
			      uint32_t left, size_t bytes)
{
	if (i - q->first >= q->have &&
	    !requests_read(q, va, i, MIN(left, REQUESTS), bytes) &&
	    !requests_read(q, va, i, 1, bytes))
		return NULL;
	return (const uint8_t *)q->words + (i - q->first) * bytes;
}

static int batch_begin(struct batch *b, uint64_t count, uint64_t pdone)
{
	b->done = 0;
	b->pdone = pdone;
	b->count = count & ~MMU_PREEMPTED;
	if ((count & MMU_PREEMPTED) && pdone)
		if (copy_from_guest(&b->done, pdone, sizeof(b->done)))
			return -EFAULT;
	return count >> 32 ? -EINVAL : 0;
}

static int batch_end(const struct batch *b, uint32_t processed)
{
	uint32_t done = b->done + processed;

	if (!b->pdone)
		return 0;
	return copy_to_guest(b->pdone, &done, sizeof(done));
}

static __attribute__((noinline)) bool trees_finish(struct domain *d)
{
	while (pttree_work_left(d)) {
		if (sched_preempt_pending())
			return false;
		(void)pttree_settle(d);
	}
	return true;
}

/* Most requests begin nothing. */
bool mmu_trees_finish(struct domain *d)
{
	return likely(!pttree_work_left(d)) || trees_finish(d);
}

int mmu_other_find(domid_t id, struct domain **other)
{
	*other = NULL;
	if (id == DOMID_SELF)
		return 0;
	if (id == DOMID_IO || id == DOMID_XEN)
		return -EPERM;
	if (id == current_vcpu()->domain->id)
		return -ESRCH;
	*other = domain_find(id);
	return *other ? 0 : -ESRCH;
}

/* The rest of the call, from request `first` on, is done later. */
static long batch_continue(struct hypercall_args *args, uint32_t count,
			   uint32_t first, size_t bytes)
{
	args->a[0] += first * bytes;
	args->a[1] = (count - first) | MMU_PREEMPTED;
	return -ERESTART;
}

long mmu_batch(struct hypercall_args *args, struct domain *other, size_t bytes,
	       mmu_request_fn one)
{
	struct vcpu *v = current_vcpu();
	struct requests q;
	unsigned int units = 0;
	const void *request;
	struct batch b;
	uint32_t i;
	long r = batch_begin(&b, args->a[1], args->a[2]);

	q.first = q.have = 0;
	for (i = 0; !r && i < b.count;) {
		if (pending_after_unit(&units)) {
			r = -ERESTART;
			break;
		}
		request = request_at(&q, args->a[0], i, b.count - i, bytes);
		r = request ? one(v, other, request) : -EFAULT;
		if (r)
			break;
		i++;
		/*
		 * The next request may want pages of the tree that this request
		 * dropped.
		 */
		if (!mmu_trees_finish(v->domain) || (other && !mmu_trees_finish(other)))
			r = -ERESTART;
	}
	if (batch_end(&b, i) && r != -ERESTART)
		r = -EFAULT;
	return r == -ERESTART ? batch_continue(args, b.count, i, bytes) : r;
}

/* --- mmu_update --- */

/*
 * A store to a page that is not a page table: it must be the domain's, and
 * writable.
 */
static int store_plain(struct domain *d, struct frame *f, uint64_t *at,
		       uint64_t value)
{
	int r = domain_writable_get(d, f);

	if (r)
		return r;
	WRITE_ONCE(*at, value);
	domain_writable_put(f);
	return 0;
}

/*
 * Entry *pte of f, which was an L1 table a moment ago, becomes e, for a frame
 * of `other`'s.
 */
static int update_foreign(struct domain *d, struct domain *other, struct frame *f,
			  pte_t *pte, pte_t e, bool preserve_ad)
{
	int r = foreign_take(other, &e);
	bool is_table;

	if (r)
		return r;
	spin_lock(&d->mm);
	is_table = frame_is_table(f, 1);
	if (is_table)
		ptcheck_foreign_set(d, pte, e, preserve_ad);
	spin_unlock(&d->mm);
	if (!is_table)
		reclaim_foreign_unused(e);
	return is_table ? 0 : -EINVAL;
}

static int update_own(struct domain *d, struct frame *f, pte_t *pte,
		      unsigned int slot, pte_t e, bool preserve_ad)
{
	enum page_class class;
	int r;

	spin_lock(&d->mm);
	class = frame_class(f);
	if (class >= CLASS_L1 && class <= CLASS_L4 &&
	    (READ_ONCE(f->type) & TYPE_VALIDATED))
		r = ptcheck_entry_set(d, pte, class - CLASS_L1 + 1, slot, e,
				      preserve_ad);
	else
		r = store_plain(d, f, pte, e);
	spin_unlock(&d->mm);
	return r;
}

/* Only what an L1 entry names can be another domain's. */
static int update_entry(struct domain *d, struct domain *other,
			const struct mmu_update *req, bool preserve_ad)
{
	maddr_t maddr = MADDR(req->ptr & ~3UL);
	unsigned int slot = (maddr_n(maddr) & ~PAGE_MASK) / sizeof(pte_t);
	struct frame *f;
	pte_t *pte;
	int r;

	if (maddr_n(maddr) & 7)
		return -EINVAL;	/* PT13 */
	r = resolve_write(d, maddr_to_mfn(maddr), &f);
	if (r)
		return r;
	pte = (pte_t *)mfn_to_virt(frame_to_mfn(f)) + slot;
	if (other && (req->val & PTE_P) && frame_is_table(f, 1))
		r = update_foreign(d, other, f, pte, req->val, preserve_ad);
	else
		r = update_own(d, f, pte, slot, req->val, preserve_ad);
	frame_put(f);
	return r;
}

/*
 * An M2P entry can be set for a frame that the domain owns or holds (I9).  An
 * owned frame is referenced meanwhile, and loses its entry when the last
 * reference goes; a hold stays as long as LOCK_MM is held.
 */
static int update_m2p(struct domain *d, const struct mmu_update *req)
{
	mfn_t mfn = MFN(req->ptr >> PAGE_SHIFT);
	struct frame *f;
	int r, got;

	spin_lock(&d->mm);
	got = r = resolve(d, mfn, USE_READ, &f);
	if (!got && frame_kind(f) != FRAME_OWNED)
		r = -EPERM;
	else if (got >= 0)
		r = m2p_set(&d->m2p, mfn, PFN(req->val));
	spin_unlock(&d->mm);
	if (!got)
		frame_put(f);
	return r;
}

static int update_one(struct vcpu *v, struct domain *other, const void *request)
{
	const struct mmu_update *req = request;
	struct domain *d = v->domain;
	unsigned int cmd = req->ptr & 3;
	int r = other ? privilege_check(d, PRIV_MMU, cmd) : 0;

	if (r)
		return r;
	switch (cmd) {
	case MMU_NORMAL_PT_UPDATE:
	case MMU_PT_UPDATE_NO_TRANSLATE:
		/* no guest is translated here */
		return update_entry(d, other, req, false);
	case MMU_PT_UPDATE_PRESERVE_AD:
		return update_entry(d, other, req, true);
	case MMU_MACHPHYS_UPDATE:
		return update_m2p(other ?: d, req);
	default:
		return -ENOSYS;
	}
}

/*
 * In the upper half of the last argument: whose tables, as number + 1; 0: the
 * caller's.  They must be the caller's, as there is nobody who asks for others.
 */
static int tables_own(uint16_t tables)
{
	struct domain *d;

	if (!tables || tables - 1U == current_vcpu()->domain->id)
		return 0;
	d = domain_find(tables - 1);
	if (!d)
		return -ESRCH;
	domain_put(d);
	return -EPERM;
}

long op_mmu_update(struct hypercall_args *args)
{
	struct domain *other;
	long r = tables_own(args->a[3] >> 16);

	if (r)
		return r;
	r = mmu_other_find(args->a[3], &other);
	if (r) {	/* none was done, and the caller is told so */
		args->a[1] &= MMU_PREEMPTED;
		(void)mmu_batch(args, NULL, sizeof(struct mmu_update), update_one);
		return r;
	}
	r = mmu_batch(args, other, sizeof(struct mmu_update), update_one);
	if (other)
		domain_put(other);
	return r;
}

/* --- update_va_mapping --- */

int mmu_vcpu_mask_read(struct domain *d, uint64_t va, uint64_t *cpus)
{
	uint32_t vcpus = 0, i;

	if (copy_from_guest(&vcpus, va, (d->vcpu_count + 7) / 8))
		return -EFAULT;
	*cpus = 0;
	/* a vCPU that starts from here on sees the change */
	atomic_fence();
	for (i = 0; i < d->vcpu_count; i++)
		if (vcpus >> i & 1)
			*cpus |= 1UL << READ_ONCE(d->vcpu[i]->cpu);
	/*
	 * A vCPU that starts on another CPU just now does so with an empty TLB
	 * (dom/vcpu.c, VCPU1).
	 */
	*cpus &= domain_cpus(d);
	return 0;
}

/* What the guest asks to be flushed after the change (UVMF_*). */
static int flush_after(struct domain *d, uint64_t va, uint64_t flags)
{
	uint64_t where = flags & ~(uint64_t)UVMF_FLUSHTYPE_MASK;
	uint64_t mask = 1UL << this_cpu()->id;

	if (where == UVMF_ALL)
		mask = domain_cpus(d);
	else if (where != UVMF_LOCAL && mmu_vcpu_mask_read(d, where, &mask))
		return -EFAULT;
	switch (flags & UVMF_FLUSHTYPE_MASK) {
	case UVMF_NONE:
		return 0;
	case UVMF_TLB_FLUSH:
		tlb_flush_mask(mask);
		return 0;
	case UVMF_INVLPG:
		tlb_flush_page_mask(mask, va);
		return 0;
	default:
		return -EINVAL;
	}
}

long op_update_va_mapping(struct hypercall_args *args)
{
	struct vcpu *v = current_vcpu();
	struct domain *d = v->domain;
	uint64_t va = args->a[0];
	pte_t *pte;
	int r = -EINVAL;

	if (!guest_range_ok(va, 1))
		return -EINVAL;	/* PT12 */
	spin_lock(&d->mm);
	pte = ptcheck_walk(d, v->kernel_l4, va);
	if (pte)
		r = ptcheck_entry_set(d, pte, 1, pt_slot(va, 1), args->a[1],
				      false);
	spin_unlock(&d->mm);
	return r ? r : flush_after(d, va, args->a[2]);
}
