/* SPDX-License-Identifier: MIT */
/*
 * Frames between their last reference and the heap.
 *
 * A guest need not flush its TLB when it unmaps a page, so a frame whose last
 * reference went may still be readable, even writable, through a translation
 * that some CPU cached.  It must not be handed out before those CPUs have flushed
 * (TL2).  One flush for each frame would be dear, so freed frames wait on the
 * CPU that freed them, with the union of the CPUs that may know them, and one
 * flush serves all: at the end of a hypercall, at preemption points, and before an
 * allocation fails.
 *
 * A domain that runs nowhere has no translations: leaving a CPU loads another
 * page table, which flushes.  Canonical frames may be known to any CPU that
 * runs a guest.
 */
#include <port.h>

#include "dom/domain.h"
#include "dom/domain_private.h"
#include "mm/palloc.h"
#include "x86/tlb.h"

struct queue {
	uint32_t frames;	/* linked by frame.next; 0 = none */
	uint32_t canonical;	/* likewise: hash is dead by then */
	uint32_t count;
	uint64_t cpu_mask;
};

static struct queue queues[MAX_CPUS];	/* each only by its CPU */
static uint64_t waiting;		/* atomic; sum of counts */

static void enqueue(uint32_t *head, struct frame *f, uint64_t mask)
{
	struct queue *q = &queues[this_cpu()->id];

	f->next = *head;
	*head = frame_to_mfn(f);
	q->cpu_mask |= mask;
	q->count++;
	__atomic_add_fetch(&waiting, 1, __ATOMIC_RELAXED);
}

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	struct domain *d = domain_owner(owner);
	uint64_t mask = __atomic_load_n(&d->cpu_mask, __ATOMIC_SEQ_CST);

	m2p_clear(&d->m2p, frame_to_mfn(f));
	/* After this the domain may be gone. */
	domain_page_remove(d, f);
	if (mask)
		enqueue(&queues[this_cpu()->id].frames, f, mask);
	else
		palloc_free_frame(f);
}

void reclaim_canonical(mfn_t mfn)
{
	enqueue(&queues[this_cpu()->id].canonical, mfn_to_frame(mfn), ~0UL);
}

static uint32_t pop(uint32_t *head)
{
	uint32_t mfn = *head;

	if (mfn)
		*head = mfn_to_frame(mfn)->next;
	return mfn;
}

void reclaim_flush(void)
{
	struct queue *q = &queues[this_cpu()->id];
	uint32_t mfn;

	if (!q->count)
		return;
	tlb_flush_mask(q->cpu_mask);
	while ((mfn = pop(&q->frames)))
		palloc_free_frame(mfn_to_frame(mfn));
	while ((mfn = pop(&q->canonical)))
		palloc_canonical_free(mfn);
	__atomic_sub_fetch(&waiting, q->count, __ATOMIC_RELAXED);
	q->count = 0;
	q->cpu_mask = 0;
}

uint64_t reclaim_waiting(void)
{
	return __atomic_load_n(&waiting, __ATOMIC_RELAXED);
}
