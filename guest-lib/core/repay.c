/* SPDX-License-Identifier: MIT */
/*
 * The repayment list; gl/repay.h has its rules.
 *
 * A frame goes from a listed page to the first slot of the empty reserve:
 * mapped there, then unmapped from the page; a frame with two mappings is
 * harmless, one with none would be lost.  The M2P still gives it the listed
 * page's pfn until the break that follows gives it the faulting page's (cow.c),
 * or fails and gives it the slot's.
 */
#include "general_regs.h"

#include "impl.h"

#include <xen/errno.h>
#include <xen/xen.h>

#define PTE_PRESENT	1ULL
#define PTE_WRITE	2ULL
#define PTE_ADDR	0x000ffffffffff000ULL
#define PTE_SLOT	0x67ULL			/* D A US RW P */
#define FLUSH_ONE	(UVMF_INVLPG | UVMF_ALL)

static void list_push(struct gl_repay_list *l, struct gl_repay *p)
{
	p->newer = 0;
	p->older = l->newest;
	if (p->older)
		p->older->newer = p;
	else
		l->oldest = p;
	l->newest = p;
	p->listed = true;
	l->count++;
}

static void list_take(struct gl_repay_list *l, struct gl_repay *p)
{
	if (p->older)
		p->older->newer = p->newer;
	else
		l->oldest = p->newer;
	if (p->newer)
		p->newer->older = p->older;
	else
		l->newest = p->older;
	p->older = p->newer = 0;
	p->listed = false;
	l->count--;
}

static long register_locked(struct gl_share *s, struct gl_repay *p)
{
	uint64_t pfn;

	if (p->listed)
		return -XEN_EEXIST;
	if (!p->lost || !s->ops->va_to_pfn(s->ctx, p->va, &pfn) ||
	    !(s->ops->pte_read(s->ctx, p->va) & PTE_PRESENT))
		return -XEN_EINVAL;
	if (!s->slot_count)
		return -XEN_ENOSPC;
	list_push(&s->repay, p);
	return 0;
}

long gl_repay_register(struct gl_share *s, struct gl_repay *page)
{
	unsigned long state = s->ops->lock(s->ctx);
	long rc = register_locked(s, page);

	s->ops->unlock(s->ctx, state);
	return rc;
}

long gl_repay_unregister(struct gl_share *s, struct gl_repay *page)
{
	unsigned long state = s->ops->lock(s->ctx);
	bool listed = page->listed;

	if (listed)
		list_take(&s->repay, page);
	s->ops->unlock(s->ctx, state);
	return listed ? 0 : -XEN_ENOENT;
}

/*
 * Y4: the pfn and frame of a page that can repay.  The page-table entry tells:
 * a writable entry never maps a shared frame.  The record does not tell: with
 * break first its bits stay set for pages that were shared once.
 */
static bool can_repay(struct gl_share *s, const struct gl_repay *p,
		      uint64_t *pfn, uint64_t *mfn)
{
	uint64_t pte = s->ops->pte_read(s->ctx, p->va);

	*mfn = (pte & PTE_ADDR) >> 12;
	return (pte & PTE_PRESENT) && (pte & PTE_WRITE) &&
	       s->ops->va_to_pfn(s->ctx, p->va, pfn);
}

static long map(struct gl_share *s, uint64_t va, uint64_t pte)
{
	return s->ops->hypercall(s->ctx, __HYPERVISOR_update_va_mapping, va,
				 pte, FLUSH_ONE, 0);
}

/* Y3: a refusal leaves the page as it was. */
static bool move_frame(struct gl_share *s, const struct gl_repay *p,
		       const struct gl_share_slot *slot, uint64_t mfn)
{
	if (map(s, slot->va, mfn << 12 | PTE_SLOT))
		return false;
	if (!map(s, p->va, 0))
		return true;
	if (map(s, slot->va, 0))
		s->ops->log(s->ctx, "share: a reserve page cannot be unmapped");
	return false;
}

static bool repay_one(struct gl_share *s, struct gl_repay *p)
{
	struct gl_share_slot *slot = &s->slots[s->slots_full];
	uint64_t pfn, mfn;

	if (!can_repay(s, p, &pfn, &mfn)) {
		s->counters.repay_passed++;
		return false;
	}
	if (!move_frame(s, p, slot, mfn)) {
		s->counters.repay_refused++;
		return false;
	}
	slot->mfn = mfn;
	s->ops->p2m_set(s->ctx, slot->pfn, mfn);
	s->slots_full++;
	s->ops->p2m_set(s->ctx, pfn, ~0ULL);
	gl_record_clear(s, pfn);
	s->counters.repaid++;
	return true;
}

bool gl_repay_into_reserve(struct gl_share *s)
{
	uint64_t looks = s->repay.count;

	if (s->slots_full || !s->slot_count)
		return false;
	while (looks--) {
		struct gl_repay *p = s->repay.oldest;

		list_take(&s->repay, p);
		if (repay_one(s, p)) {
			p->lost(p->ctx, p);
			return true;
		}
		list_push(&s->repay, p);
	}
	return false;
}

void gl_repay_forget(struct gl_share *s)
{
	while (s->repay.oldest)
		list_take(&s->repay, s->repay.oldest);
}

#include "general_regs_end.h"
