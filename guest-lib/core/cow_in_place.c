/* SPDX-License-Identifier: MIT */
/*
 * Breaks that need no copy, and those that the hypervisor makes.
 *
 * A guest cannot know whether others still hold a frame, but it may ask: it
 * writes the page's entry again, with the same frame but writable.  The
 * hypervisor allows that if the frame has no other mapping.  If others hold the
 * frame, the attempt costs a hypercall for nothing.  So after a refusal the
 * next breaks are made without asking: 1, then 2, then 4, twice as many after
 * each refusal; a success sets the number back.  Sharers end together (one
 * domain goes, or many write), so the last answer is a good guess.
 */
#include "general_regs.h"

#include "impl.h"

#include <xen/xen.h>

#define PTE_KEPT	(1ULL << 63 | 0x27ULL)	/* NX A US RW P */
#define PTE_FRAME	0x000ffffffffff000ULL
#define PTE_WRITE_DIRTY	0x42ULL
#define WAIT_MAX	64

static void refused(struct gl_share *s)
{
	s->alone_wait = s->alone_wait ? 2 * s->alone_wait : 1;
	if (s->alone_wait > WAIT_MAX)
		s->alone_wait = WAIT_MAX;
	s->alone_skip = s->alone_wait;
}

/* The page is writable. */
static void taken(struct gl_share *s, uint64_t va, uint64_t pfn, uint64_t asked)
{
	uint64_t mfn = (s->ops->pte_read(s->ctx, va) & PTE_FRAME) >> 12;

	s->alone_wait = 0;
	gl_record_clear(s, pfn);
	if (mfn == asked) {
		gl_set_m2p(s, mfn, pfn);
		s->counters.taken++;
		return;
	}
	/*
	 * The operator chose break first: the page is a copy now, whose M2P
	 * entry is right, and the old frame is not ours.
	 */
	s->ops->p2m_set(s->ctx, pfn, mfn);
	s->counters.unshares++;
}

/*
 * True: the page is writable, in its frame or, where the operator chose break
 * first, in a copy.
 */
bool gl_cow_in_place(struct gl_share *s, uint64_t va, uint64_t pfn, uint64_t pte)
{
	uint64_t new_pte = (pte & (PTE_KEPT | PTE_FRAME)) | PTE_WRITE_DIRTY;

	/* With break first the hypervisor has tried that already. */
	if (s->break_first)
		return false;
	if (s->alone_skip) {
		s->alone_skip--;
		return false;
	}
	if (s->ops->hypercall(s->ctx, __HYPERVISOR_update_va_mapping, va,
			      new_pte, UVMF_INVLPG | UVMF_ALL, 0)) {
		refused(s);
		return false;
	}
	taken(s, va, pfn, (pte & PTE_FRAME) >> 12);
	return true;
}

long gl_share_break_first(struct gl_share *s, const uint64_t *p2m,
			  uint64_t entries)
{
	bool old = s->abi < SHARE_MODE_VERSION;
	struct shareop_mode mode = {
		.version = old ? SHARE_MODE_V1 : SHARE_MODE_VERSION,
		.flags = SHARE_MODE_ONE_PFN | SHARE_MODE_BREAK_FIRST,
		.p2m = (uintptr_t)p2m, .p2m_entries = entries,
	};
	unsigned long state = s->ops->lock(s->ctx);
	long rc = s->ops->hypercall(s->ctx, __HYPERVISOR_make_ro_and_share,
				    SHAREOP_mode, (unsigned long)&mode,
				    old ? SHARE_MODE_V1_BYTES : sizeof(mode), 0);

	if (!rc)
		s->break_first = true;
	s->ops->unlock(s->ctx, state);
	return rc;
}

#include "general_regs_end.h"
