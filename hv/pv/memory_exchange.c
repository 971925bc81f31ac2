/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: pages for other pages, e.g. for contiguous ones, or for such
 * that a device can reach (XENMEMF_address_bits).
 *
 * Rounds of 2^max(in order, out order) pages.  In a round the old pages are
 * found first, then the new ones are allocated, and only when every old page is
 * known to be used by nobody are they given up: so a round happens wholly or
 * not at all.
 *
 * EXCH1  Old pages are looked up before new ones are allocated: a guest that
 *        guesses the number of a page that it is about to get does not yet own
 *        that page, so the call refuses it.
 * EXCH2  All new pages join the domain before anything that can fail.
 * EXCH3  New pages are the hypervisor's until the old ones are given up: nobody
 *        can reference a page that a round takes back.  By then they are named
 *        in the M2P.
 * EXCH4  A new page takes an old page's room in the quota.  The domain never
 *        has fewer pages, so nothing else can take that room meanwhile.
 */
#include <port.h>
#include <errno.h>

#include <xen/memory.h>

#include "dom/pages.h"
#include "mm/palloc.h"
#include "mm/objpool.h"
#include "pv/hypercall.h"
#include "pv/memory.h"
#include "pv/pending.h"
#include "pv/resolve.h"
#include "x86/guestcopy.h"
#include "x86/tlb.h"

#define ROUND_PAGES (1U << MEMORY_ORDER_MAX)

struct round {
	struct domain *d;
	unsigned int in_order, out_order, order;
	uint64_t in_list, out_list;	/* guest va of this round's extents */
	mfn_t end;		/* new pages are below */
};

/* Let go of the references that round_in_get() took. */
static void round_in_put(const uint32_t *mfns, unsigned int count)
{
	while (count-- > 0)
		frame_put(mfn_to_frame(MFN(mfns[count])));
}

/* One extent of the input; *n grows by the references taken. */
static int extent_in_get(const struct round *r, uint64_t at, uint32_t *mfns,
			 unsigned int *n)
{
	struct frame *f;
	uint64_t i;
	mfn_t base;
	int err = 0;

	if (copy_from_guest(&base, at, sizeof(base)))
		return -EFAULT;
	for (i = 0; i < 1UL << r->in_order && !err; i++) {
		err = resolve_give(r->d, mfn_add(base, i), &f);
		if (!err)
			mfns[(*n)++] = mfn_n(frame_to_mfn(f));
		if (err > 0)
			err = -EPERM;	/* it went before: no page for a page */
		if (!err && pending_within_unit())
			err = -ERESTART;	/* shares were broken for it */
	}
	return err;
}

/* The frames of this round's input, each with a reference of ours. */
static int round_in_get(const struct round *r, uint32_t *mfns)
{
	unsigned int n = 0, i;
	int err = 0;

	for (i = 0; i < 1U << (r->order - r->in_order) && !err; i++)
		err = extent_in_get(r, r->in_list + i * sizeof(uint64_t), mfns,
				    &n);
	if (err)
		round_in_put(mfns, n);
	return err;
}

/*
 * Take all of them from the domain, or none.  Each must have the owner's
 * reference and ours only, and so no type in use; a page named twice has two of
 * ours.  They still count as the domain's pages.  On an error our references
 * stay.
 */
static int round_in_claim(const struct round *r, const uint32_t *mfns)
{
	unsigned int pages = 1U << r->order, i;
	int err = 0;

	for (i = 0; i < pages && !err; i++)
		err = frame_claim(mfn_to_frame(MFN(mfns[i])), r->d->id, 1);
	if (!err)
		return 0;
	for (i--; i-- > 0; )
		frame_unclaim(mfn_to_frame(MFN(mfns[i])), r->d->id, 1);
	return err;
}

static void round_out_free(const struct round *r, const mfn_t *extents,
			   unsigned int count)
{
	uint64_t i;

	while (count-- > 0) {
		for (i = 0; i < 1UL << r->out_order; i++)
			m2p_clear(&r->d->m2p, mfn_add(extents[count], i));
		palloc_hv_free(mfn_to_virt(extents[count]), r->out_order);
	}
}

/* EXCH3 */
static int round_out_alloc(const struct round *r, mfn_t *extents,
			   const pfn_t *pfns, unsigned int count)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < count && !err; i++) {
		void *virt = palloc_hv_below(r->out_order, r->end);

		if (!virt)
			break;
		extents[i] = virt_to_mfn(virt);
		err = memory_name_pages(r->d, extents[i], pfns[i],
					r->out_order);
	}
	if (i == count && !err)
		return 0;
	round_out_free(r, extents, i);
	return -ENOMEM;
}

/* EXCH2, EXCH4 */
static void round_replace(const struct round *r, const uint32_t *in,
			  const mfn_t *extents)
{
	uint64_t mask = (1UL << r->out_order) - 1, i;

	for (i = 0; i < 1UL << r->order; i++)
		domain_page_replace(r->d, mfn_to_frame(MFN(in[i])),
				    mfn_to_frame(mfn_add(extents[i >> r->out_order], i & mask)));
}

/*
 * Tell the guest the new numbers.  If that fails, it has the pages all the
 * same.
 */
static int round_out_tell(const struct round *r, const mfn_t *extents,
			  unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (copy_to_guest(r->out_list + i * sizeof(uint64_t),
				  &extents[i], sizeof(uint64_t)))
			return -EFAULT;
	return 0;
}

static int round_do(const struct round *r, uint32_t *in, mfn_t *extents,
		    pfn_t *pfns)
{
	unsigned int count = 1U << (r->order - r->out_order);
	int err;

	if (copy_from_guest(pfns, r->out_list, count * sizeof(pfns[0])))
		return -EFAULT;
	err = round_in_get(r, in);	/* EXCH1 */
	if (err)
		return err;
	err = round_out_alloc(r, extents, pfns, count);
	if (!err) {
		err = round_in_claim(r, in);
		if (err)
			round_out_free(r, extents, count);
	}
	if (err) {
		round_in_put(in, 1U << r->order);
		return err;
	}
	round_replace(r, in, extents);
	return round_out_tell(r, extents, count);
}

/* Buffers of one round, from the heap: too large for the stack. */
struct buffers {
	uint32_t in[ROUND_PAGES];
	mfn_t extents[ROUND_PAGES];
	pfn_t pfns[ROUND_PAGES];
};

/* Addresses of so many bits; 0, or as many as the machine's memory has: any. */
static mfn_t mfn_end_of(unsigned int mem_flags)
{
	unsigned int bits = XENMEMF_get_address_bits(mem_flags);
	uint64_t end = bits > PAGE_SHIFT ? 1UL << (bits - PAGE_SHIFT) : 0;

	return !bits || bits >= 52 || end >= mfn_n(frame_max_mfn) ? INVALID_MFN : MFN(end);
}

static int exchange_check(const struct xen_memory_exchange *x)
{
	if (memory_check_domid(x->in.domid) || x->in.domid != x->out.domid)
		return -EPERM;
	if (x->in.extent_order > MEMORY_ORDER_MAX ||
	    x->out.extent_order > MEMORY_ORDER_MAX)
		return -EPERM;
	if (x->in.nr_extents > 1UL << 32 || x->out.nr_extents > 1UL << 32 ||
	    x->nr_exchanged > x->in.nr_extents)
		return -EINVAL;
	if (x->in.nr_extents << x->in.extent_order !=
	    x->out.nr_extents << x->out.extent_order)
		return -EINVAL;
	if (!guest_arg_ok((uintptr_t)x->in.extent_start.p,
			    x->in.nr_extents * sizeof(uint64_t)) ||
	    !guest_arg_ok((uintptr_t)x->out.extent_start.p,
			    x->out.nr_extents * sizeof(uint64_t)))
		return -EFAULT;	/* ME1 */
	return 0;
}

long memory_exchange(struct hypercall_args *args)
{
	struct xen_memory_exchange x;
	struct round r = { .d = current_vcpu()->domain };
	struct buffers *b;
	uint64_t in_step;
	long err;

	if (copy_from_guest(&x, args->a[1], sizeof(x)))
		return -EFAULT;
	err = exchange_check(&x);
	if (err)
		return err;
	r.in_order = x.in.extent_order;
	r.out_order = x.out.extent_order;
	r.order = MAX(r.in_order, r.out_order);
	r.end = mfn_end_of(x.out.mem_flags);
	in_step = 1UL << (r.order - r.in_order);
	if (x.nr_exchanged % in_step || x.in.nr_extents % in_step)
		return -EINVAL;
	b = obj_alloc(sizeof(*b));
	if (!b)
		return -ENOMEM;
	while (x.nr_exchanged < x.in.nr_extents && !err) {
		uint64_t pages_done = x.nr_exchanged << r.in_order;

		r.in_list = (uintptr_t)x.in.extent_start.p +
			    x.nr_exchanged * sizeof(uint64_t);
		r.out_list = (uintptr_t)x.out.extent_start.p +
			     (pages_done >> r.out_order) * sizeof(uint64_t);
		err = round_do(&r, b->in, b->extents, b->pfns);
		if (!err)
			x.nr_exchanged += in_step;
		if (!err && pending_now())
			err = -ERESTART;
	}
	obj_free(b, sizeof(*b));
	/*
	 * nr_exchanged is the continuation: the same arguments go on from
	 * there.
	 */
	if (copy_to_guest(args->a[1] + offsetof(struct xen_memory_exchange,
						nr_exchanged),
			  &x.nr_exchanged, sizeof(x.nr_exchanged)))
		err = -EFAULT;
	return err == -ERESTART && x.nr_exchanged == x.in.nr_extents ? 0 : err;
}
