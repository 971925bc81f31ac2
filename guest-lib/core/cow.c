/* SPDX-License-Identifier: MIT */
/*
 * Copy on write in the guest.
 *
 * A break takes a full slot of the reserve: a page of ours, mapped at its own
 * address, with a frame.  The shared page is copied into it; then one multicall
 * says that the frame now stands for the faulting page (M2P), maps it there,
 * writable, and unmaps it from the slot.  With the second of these three
 * updates the hypervisor's count of the shared frame drops.  If the reserve is
 * empty, the hypervisor makes the copy (SHAREOP_unshare), and we only write the
 * M2P.  If the hypervisor has no frame, a page of the repayment list gives its
 * own frame to the reserve.
 *
 * Order: the M2P first, because a kernel may read the entry back through it at
 * once; the slot's mapping last, because a page with two mappings is harmless,
 * and one with none would be lost if the middle step failed.
 *
 * With several vCPUs the copy is mapped read-only at first, with a flush: while
 * one of them still reads the old frame, none may write the new one.  And where
 * the hypervisor breaks shares by itself, another vCPU's store may do so while
 * we copy: then no copy of ours is mapped; the slot's frame is given back, and
 * the hypervisor makes the copy from it (SHAREOP_unshare), in one step.
 */
#include "general_regs.h"

#include "impl.h"

#include <xen/errno.h>
#include <xen/memory.h>
#include <xen/xen.h>

#define PAGE_MASK	(~4095ULL)
#define PTE_PRESENT	1ULL
#define PTE_WRITE	2ULL
#define PTE_DIRTY	0x40ULL
#define PTE_ADDR	0x000ffffffffff000ULL
#define PTE_KEPT	(1ULL << 63 | 0x27ULL)	/* NX A US RW P */
#define PTE_SLOT	0x67ULL			/* D A US RW P */
#define FAULT_PRESENT	1ULL
#define FAULT_WRITE	2ULL
#define FAULT_ANY	0x1fULL
#define FLUSH_ONE	(UVMF_INVLPG | UVMF_ALL)

#define CALLS_MAX 4

static void copy_page(void *to, const void *from)
{
	unsigned long words = 512;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words)
			 : : "memory");
}

static struct multicall_entry map_call(uint64_t va, uint64_t pte)
{
	return (struct multicall_entry){
		.op = __HYPERVISOR_update_va_mapping,
		.args = { va, pte, FLUSH_ONE },
	};
}

static struct multicall_entry m2p_call(struct mmu_update *u, uint64_t mfn,
				       uint64_t pfn)
{
	*u = (struct mmu_update){ mfn << 12 | MMU_MACHPHYS_UPDATE, pfn };
	return (struct multicall_entry){
		.op = __HYPERVISOR_mmu_update,
		.args = { (unsigned long)u, 1, 0, DOMID_SELF },
	};
}

/*
 * Make the updates; 0 only if all went well.  On an error *mapped says whether
 * that of the page's entry was made.
 */
static long commit(struct gl_share *s, uint64_t va, uint64_t pfn, uint64_t pte,
		   const struct gl_share_slot *slot, bool *mapped)
{
	struct mmu_update m2p;
	struct multicall_entry calls[CALLS_MAX];
	unsigned int n = 0;
	long rc;

	calls[n++] = m2p_call(&m2p, slot->mfn, pfn);
	if (s->several_vcpus)
		calls[n++] = map_call(va, pte & ~PTE_WRITE);
	calls[n++] = map_call(va, pte);
	calls[n++] = map_call(slot->va, 0);
	rc = s->ops->hypercall(s->ctx, __HYPERVISOR_multicall,
			       (unsigned long)calls, n, 0, 0);
	*mapped = !rc && !calls[n - 2].result;
	for (unsigned int i = 0; !rc && i < n; i++)
		rc = (long)calls[i].result;
	return rc;
}

/*
 * The page did not take the frame: give it back to the slot, or, if that fails,
 * lose it.
 */
static void roll_back(struct gl_share *s, struct gl_share_slot *slot)
{
	struct mmu_update m2p;
	struct multicall_entry calls[2] = {
		m2p_call(&m2p, slot->mfn, slot->pfn),
		map_call(slot->va, slot->mfn << 12 | PTE_SLOT),
	};

	s->ops->hypercall(s->ctx, __HYPERVISOR_multicall, (unsigned long)calls,
			  2, 0, 0);
	if (s->ops->pte_read(s->ctx, slot->va) & PTE_WRITE) {
		gl_reserve_put_back(s);
		return;
	}
	s->ops->log(s->ctx, "share: a reserve frame is lost");
	s->ops->p2m_set(s->ctx, slot->pfn, ~0ULL);
	slot->mfn = 0;
}

/* The slot gives its frame for the page; pte: the shared page's entry. */
static long break_into(struct gl_share *s, uint64_t va, uint64_t pfn,
		       uint64_t pte, struct gl_share_slot *slot)
{
	uint64_t new_pte = (pte & PTE_KEPT) | slot->mfn << 12 | PTE_WRITE |
			   PTE_DIRTY;
	bool mapped;
	long rc;

	copy_page((void *)(uintptr_t)slot->va, (const void *)(uintptr_t)va);
	rc = commit(s, va, pfn, new_pte, slot, &mapped);
	if (!mapped) {
		roll_back(s, slot);
		return rc ? rc : -XEN_EINVAL;
	}
	if (rc)
		s->ops->log(s->ctx, "share: a break left a second mapping");
	s->ops->p2m_set(s->ctx, pfn, slot->mfn);
	s->ops->p2m_set(s->ctx, slot->pfn, ~0ULL);
	slot->mfn = 0;
	gl_record_clear(s, pfn);
	s->counters.breaks++;
	return 0;
}

/*
 * Several of our pages may have shared one frame, and the hypervisor knows the
 * pfn of only one of them; so a frame that it made private may bear another
 * page's name.
 */
void gl_set_m2p(struct gl_share *s, uint64_t mfn, uint64_t pfn)
{
	struct mmu_update u = { mfn << 12 | MMU_MACHPHYS_UPDATE, pfn };

	if (s->ops->hypercall(s->ctx, __HYPERVISOR_mmu_update,
			      (unsigned long)&u, 1, 0, DOMID_SELF))
		s->ops->log(s->ctx, "share: M2P not updated");
}

/*
 * Break first: the hypervisor may have broken the share without telling us.
 * The page-table entry says so, and names the new frame.
 */
static long is_private(struct gl_share *s, uint64_t va, uint64_t pfn)
{
	uint64_t pte = s->ops->pte_read(s->ctx, va);

	if (!(pte & PTE_PRESENT) || !(pte & PTE_WRITE))
		return -XEN_EINVAL;
	s->ops->p2m_set(s->ctx, pfn, (pte & PTE_ADDR) >> 12);
	gl_record_clear(s, pfn);
	return 0;
}

long gl_unshare_result(struct gl_share *s, uint64_t va, uint64_t pfn,
		       const struct shareop_entry *e)
{
	if (e->status == SHARE_NOT_SHARED)
		return is_private(s, va, pfn);
	if (e->status != SHARE_DONE)
		return e->status == SHARE_NO_MEMORY ? -XEN_ENOMEM : -XEN_EINVAL;
	s->ops->p2m_set(s->ctx, pfn, e->mfn);
	gl_set_m2p(s, e->mfn, pfn);
	gl_record_clear(s, pfn);
	s->counters.unshares++;
	return 0;
}

long gl_unshare_locked(struct gl_share *s, uint64_t va, uint64_t pfn)
{
	struct shareop_entry e = {
		.pte = { va }, .nr_ptes = 1, .status = SHARE_NOT_TRIED,
	};
	long rc = s->ops->hypercall(s->ctx, __HYPERVISOR_make_ro_and_share,
				    SHAREOP_unshare, (unsigned long)&e, 1, 0);

	return rc < 0 ? rc : gl_unshare_result(s, va, pfn, &e);
}

/* The hypervisor has one frame more; false: it did not take it. */
static bool give_back(struct gl_share *s, struct gl_share_slot *slot)
{
	xen_pfn_t mfn = slot->mfn;
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = DOMID_SELF,
	};
	struct multicall_entry call = map_call(slot->va, 0);

	set_xen_guest_handle(r.extent_start, &mfn);
	if (s->ops->hypercall(s->ctx, __HYPERVISOR_update_va_mapping,
			      call.args[0], call.args[1], call.args[2], 0) ||
	    s->ops->hypercall(s->ctx, __HYPERVISOR_memory_op,
			      XENMEM_decrease_reservation, (unsigned long)&r, 0,
			      0) != 1) {
		s->ops->log(s->ctx, "share: a reserve frame cannot be given back");
		return false;
	}
	s->ops->p2m_set(s->ctx, slot->pfn, ~0ULL);
	slot->mfn = 0;
	return true;
}

/* With the frame of a slot, ours or as the hypervisor's. */
static long break_with(struct gl_share *s, uint64_t va, uint64_t pfn,
		       uint64_t pte, struct gl_share_slot *slot)
{
	if (!s->break_first)
		return break_into(s, va, pfn, pte, slot);
	if (give_back(s, slot))
		return gl_unshare_locked(s, va, pfn);
	gl_reserve_put_back(s);
	return -XEN_ENOMEM;
}

/* Another domain may have taken the frame that was given back. */
static long break_from_reserve(struct gl_share *s, uint64_t va, uint64_t pfn,
			       uint64_t pte)
{
	struct gl_share_slot *slot;
	long rc = -XEN_ENOMEM;
	unsigned int tries = s->break_first ? s->slots_full : 1;

	while (rc == -XEN_ENOMEM && tries-- && (slot = gl_reserve_take(s)))
		rc = break_with(s, va, pfn, pte, slot);
	return rc;
}

static bool break_page(struct gl_share *s, uint64_t va, uint64_t pfn,
		       uint64_t pte)
{
	long rc;

	if (gl_cow_in_place(s, va, pfn, pte))
		return true;
	if (!s->slots_full)
		s->counters.reserve_low++;
	rc = break_from_reserve(s, va, pfn, pte);
	if (rc)
		rc = gl_unshare_locked(s, va, pfn);
	if (rc == -XEN_ENOMEM && gl_repay_into_reserve(s))
		rc = break_from_reserve(s, va, pfn, pte);
	if (rc) {
		s->counters.break_errors++;
		s->ops->log(s->ctx, "share: no private copy for a written page");
	}
	return !rc;
}

/* lock held */
static bool fault_locked(struct gl_share *s, uint64_t va)
{
	uint64_t pfn, pte = s->ops->pte_read(s->ctx, va);
	bool marked = pte & SHARE_PTE_AVL, recorded;

	if (!(pte & PTE_PRESENT) || !s->ops->va_to_pfn(s->ctx, va, &pfn))
		return false;
	/* another vCPU broke the share before we had the lock */
	if (pte & PTE_WRITE)
		return true;
	recorded = gl_record_test(s, pfn);
	if (!marked || !recorded) {	/* G2 */
		s->counters.foreign_faults += marked || recorded;
		return false;
	}
	s->counters.faults++;
	return break_page(s, va, pfn, pte);
}

bool gl_share_fault(struct gl_share *s, uint64_t va, uint64_t error_code)
{
	unsigned long state;
	bool handled;

	/*
	 * Only a write by the kernel to a present page is ours; not a user's
	 * write, not a fetch.
	 */
	if ((error_code & FAULT_ANY) != (FAULT_PRESENT | FAULT_WRITE))
		return false;
	state = s->ops->lock(s->ctx);
	handled = fault_locked(s, va & PAGE_MASK);
	s->ops->unlock(s->ctx, state);
	return handled;
}

#include "general_regs_end.h"
