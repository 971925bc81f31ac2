/* SPDX-License-Identifier: MIT */
/*
 * memory_op: a domain's reservation.  memory_exchange.c has XENMEM_exchange.
 *
 * How far a call came travels in the upper bits of the command when it is
 * continued, as on Xen: extents that were added, pages that were given back.  A
 * guest that forges it skips parts of its own list.
 *
 * GIVE1  A call that gives pages back may have to stop behind any page of an
 *        extent, as a share may have to be broken for it (ptbreak.c, K2); and
 *        what is given back cannot be had again.  So it goes on with that
 *        page, and never begins an extent anew.  It counts an extent when the
 *        last page is gone.  One with a page that is refused is not counted;
 *        its pages before that one are gone, as on Xen.
 */
#include <port.h>
#include <errno.h>

#include <xen/memory.h>

#include "dom/pages.h"
#include "dom/privilege.h"
#include "mm/m2p.h"
#include "mm/palloc.h"
#include "pv/hypercall.h"
#include "pv/memory.h"
#include "pv/pending.h"
#include "pv/resolve.h"
#include "sharing/sharing.h"
#include "x86/guestcopy.h"

#define CMD_MASK	0x3fUL
#define CMD_SHIFT	6

struct reservation {
	struct domain *d;
	uint64_t list;		/* guest va of the extents */
	uint64_t count;		/* of them */
	uint64_t start;		/* steps done by earlier parts of the call */
	unsigned int order;	/* of an extent's pages */
	unsigned int step_order; /* of its steps; GIVE1 */
	unsigned int op;
};

int memory_name_pages(struct domain *d, mfn_t mfn, pfn_t pfn,
		      unsigned int order)
{
	uint64_t i;

	for (i = 0; i < 1UL << order; i++)
		if (m2p_set(&d->m2p, mfn_add(mfn, i), pfn_add(pfn, i)))
			return -ENOMEM;
	return 0;
}

/* One extent of increase_reservation or populate_physmap. False: stop here. */
static bool extent_add(const struct reservation *r, uint64_t at)
{
	bool populate = r->op == XENMEM_populate_physmap;
	pfn_t pfn = INVALID_PFN;
	mfn_t mfn;

	if (populate && copy_from_guest(&pfn, at, sizeof(pfn)))
		return false;
	/*
	 * Probe the output first: a guest that cannot be told the number of an
	 * extent has lost it.
	 */
	if (at && !populate && clear_guest(at, sizeof(mfn)))
		return false;
	mfn = domain_pages_prepare(r->d, r->order);
	if (mfn_eq(mfn, INVALID_MFN))
		return false;
	if ((populate && memory_name_pages(r->d, mfn, pfn, r->order)) ||
	    (at && copy_to_guest(at, &mfn, sizeof(mfn)))) {
		domain_pages_cancel(r->d, mfn, r->order);
		return false;
	}
	domain_pages_publish(r->d, mfn, r->order);
	return true;
}

/* 0, or -errno: stop here. */
static int page_give(struct domain *d, mfn_t mfn)
{
	struct frame *f;
	bool mine;
	int r = resolve_give(d, mfn, &f);

	if (r)
		return MIN(r, 0);	/* 1: it is gone already */
	/*
	 * ME4: a page that is in use as a table stays; a pin is not undone
	 * here.
	 */
	mine = frame_test_and_clear_allocated(f);
	if (mine)
		frame_put(f);
	frame_put(f);
	return mine ? 0 : -EINVAL;
}

/* One page of an extent of decrease_reservation; as page_give(). */
static int extent_page_give(const struct reservation *r, uint64_t at, uint64_t page)
{
	mfn_t mfn;

	if (copy_from_guest(&mfn, at, sizeof(mfn)))
		return -EFAULT;
	return page_give(r->d, mfn_add(mfn, page));
}

/* 0, or stop here; -ERESTART: of this step nothing was done yet. */
static int step_one(const struct reservation *r, uint64_t step)
{
	uint64_t index = step >> r->step_order;
	uint64_t at = r->list ? r->list + index * sizeof(uint64_t) : 0;

	if (r->op == XENMEM_decrease_reservation)
		return extent_page_give(r, at, step - (index << r->step_order));
	return extent_add(r, at) ? 0 : -ENOMEM;
}

int memory_check_domid(domid_t domid)
{
	return domid == DOMID_SELF || domid == current_vcpu()->domain->id ?
		0 : -EPERM;
}

int memory_domain(domid_t domid, unsigned int op, struct domain **out)
{
	struct domain *me = current_vcpu()->domain;
	bool mine = !memory_check_domid(domid);

	if (!mine && privilege_check(me, PRIV_MEMORY, op))
		return -EPERM;
	*out = domain_find(mine ? me->id : domid);
	return *out ? 0 : -ESRCH;
}

/*
 * A list that is in the guest's reach is so short that its steps fit into the
 * command.
 */
static bool reservation_ok(const struct reservation *r)
{
	if (r->count > ~0UL >> CMD_SHIFT)
		return false;
	if (r->order > MEMORY_ORDER_MAX)
		return false;
	if (r->list ? !guest_arg_ok(r->list, r->count * sizeof(uint64_t)) :
		      r->op != XENMEM_increase_reservation)
		return false;
	return r->start <= r->count << r->step_order;
}

/*
 * The steps from r->start on; -ERESTART, *done is where to go on, or how many
 * are done.
 */
static int steps_do(const struct reservation *r, uint64_t *done)
{
	struct domain *caller = current_vcpu()->domain;
	unsigned int units = 0;
	int err = 0;

	for (*done = r->start; *done < r->count << r->step_order; ++*done) {
		/*
		 * Writing to the list, or giving a page, may break shares: the
		 * list's own pages may be shared.
		 */
		if (hypercall_must_stop_after_unit(caller, &units))
			return -ERESTART;
		err = step_one(r, *done);
		if (err)
			break;
		units += (1U << (r->order - r->step_order)) - 1;
	}
	return err == -ERESTART ? err : 0;
}

static long reservation_change(struct hypercall_args *args, unsigned int op)
{
	struct xen_memory_reservation in;
	struct reservation r = { .op = op };
	uint64_t done;
	int err;

	if (copy_from_guest(&in, args->a[1], sizeof(in)))
		return -EFAULT;
	r.list = (uintptr_t)in.extent_start.p;
	r.count = in.nr_extents;
	r.order = in.extent_order;
	r.step_order = op == XENMEM_decrease_reservation ? MIN(r.order, MEMORY_ORDER_MAX) : 0;
	r.start = args->a[0] >> CMD_SHIFT;
	if (!reservation_ok(&r))
		return r.start >> r.step_order;
	err = memory_domain(in.domid, op, &r.d);
	if (err)
		return err == -ESRCH ? (long)(r.start >> r.step_order) : err;
	err = steps_do(&r, &done);
	if (op == XENMEM_decrease_reservation && !err)
		domain_pages_settle(r.d);
	domain_put(r.d);
	if (!err)
		return done >> r.step_order;
	args->a[0] = op | (done << CMD_SHIFT);
	return err;
}

/* --- questions --- */

static long machphys_mapping(uint64_t va)
{
	struct xen_machphys_mapping m = {
		.v_start = M2P_VIRT,
		.v_end = M2P_VIRT_END,
		.max_mfn = (M2P_VIRT_END - M2P_VIRT) / sizeof(uint64_t) - 1,
	};

	return copy_to_guest(va, &m, sizeof(m)) ? -EFAULT : 0;
}

static long reservation_size(uint64_t va, unsigned int op)
{
	struct domain *d;
	domid_t domid;
	uint64_t pages;
	int r;

	if (copy_from_guest(&domid, va, sizeof(domid)))
		return -EFAULT;
	r = memory_domain(domid, op, &d);
	if (r)
		return r;
	pages = op == XENMEM_maximum_reservation ? READ_ONCE(d->pages.limit) :
						   READ_ONCE(d->pages.total);
	domain_put(d);
	return pages;
}

/*
 * The first domain takes it for the machine's: what it finds there is its own
 * memory, and nothing that it could mistake for a device's.
 */
static long machine_memory_map(uint64_t va)
{
	return privilege_check(current_vcpu()->domain, PRIV_MEMORY,
			       XENMEM_machine_memory_map) ? -EPERM :
	       memory_map_machine(va);
}

/*
 * What sharing saves, and in how many frames; over all groups, so no guest's to
 * know.
 */
static long sharing_pages(unsigned int op)
{
	struct share_totals t;

	if (privilege_check(current_vcpu()->domain, PRIV_MEMORY, op))
		return -ENOSYS;
	share_totals_get(sharing_service(), &t);
	return op == XENMEM_get_sharing_freed_pages ? t.pages_sharing :
						      t.pages_shared;
}

long op_memory(struct hypercall_args *args)
{
	unsigned int op = args->a[0] & CMD_MASK;

	switch (op) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation_change(args, op);
	case XENMEM_exchange:
		return memory_exchange(args);
	case XENMEM_maximum_ram_page:
		return mfn_n(frame_max_mfn) - 1;
	case XENMEM_current_reservation:
	case XENMEM_maximum_reservation:
		return reservation_size(args->a[1], op);
	case XENMEM_maximum_gpfn:
		return READ_ONCE(current_vcpu()->domain->pages.limit) - 1;
	case XENMEM_machphys_mapping:
		return machphys_mapping(args->a[1]);
	case XENMEM_memory_map:
		return memory_map_get(args->a[1]);
	case XENMEM_machine_memory_map:
		return machine_memory_map(args->a[1]);
	case XENMEM_set_memory_map:
		return memory_map_set(args->a[1]);
	case XENMEM_claim_pages:
		return memory_map_claim(args->a[1]);
	case XENMEM_acquire_resource:
		return memory_resource_acquire(args->a[1]);
	case XENMEM_get_sharing_freed_pages:
	case XENMEM_get_sharing_shared_pages:
		return sharing_pages(op);
	default:
		return -ENOSYS;
	}
}
