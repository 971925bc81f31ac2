/* SPDX-License-Identifier: MIT */
/*
 * Frames between their last reference and the heap.
 *
 * A guest need not flush its TLB when it unmaps a page, so a frame whose last
 * reference went may still be readable, even writable, through a translation
 * that some CPU cached.  It must not be handed out before those CPUs have
 * flushed (TL2).  One flush for each frame would be dear, so freed frames wait
 * on the CPU that freed them, with the union of the CPUs that may know them,
 * and one flush serves all, at the end of a hypercall and at preemption points.
 *
 * A domain that runs nowhere has no translations: leaving a CPU loads another
 * page table, which flushes.  A canonical frame may be known to every CPU that
 * runs a domain of its group.  Flushing all those CPUs is dear, so up to
 * RECLAIM_KEPT canonical frames wait until there are more, or a CPU is idle, or
 * an allocation fails.  They wait in the group's own pool, so that no other
 * group pays for the flush, or can count what is freed.
 *
 * What a foreign entry held (pv/foreign.h, FOR4) waits likewise; but the frame
 * stays referenced until then, since its owner's flushes are of other TLBs.
 */
#include <port.h>

#include "dom/domain.h"
#include "dom/pages.h"
#include "dom/reclaim.h"
#include "mm/above.h"
#include "mm/framepool.h"
#include "mm/palloc.h"
#include "x86/pte.h"
#include "x86/tlb.h"

#define FOREIGN_KEPT	64

struct queue {
	uint32_t first;		/* linked by frame.next; 0 = none */
	uint32_t count;
	uint64_t cpu_mask;	/* CPUs that may know one of them */
};

/* Foreign entries that are gone, and whose uses are not. */
struct foreign_queue {
	pte_t entry[FOREIGN_KEPT];
	uint32_t count;
	uint64_t cpu_mask;	/* CPUs that may know one of them */
};

/* Each only by its CPU. */
static struct queue owned[MAX_CPUS];
static struct foreign_queue foreign[MAX_CPUS];
/* atomic; sum of counts, the pools' too */
static uint64_t waiting;
static uint64_t orphans;		/* atomic */
static uint64_t orphan_changes;		/* atomic; only grows */

static void link_frame(struct queue *q, struct frame *f)
{
	f->next = q->first;
	q->first = frame_link(frame_to_mfn(f));
}

/* `count` frames were linked that these CPUs may know. */
static void queue_grew(struct queue *q, unsigned int count, uint64_t mask)
{
	q->cpu_mask |= mask;
	q->count += count;
	atomic_add(&waiting, count);
	/* Other CPUs may want them. */
	if (unlikely(q->count >= RECLAIM_OWNED))
		WRITE_ONCE(this_cpu()->need_resched, 1);
}

static void enqueue_owned(struct frame *f, uint64_t mask)
{
	struct queue *q = &owned[this_cpu()->id];

	link_frame(q, f);
	queue_grew(q, 1, mask);
}

void reclaim_orphan_count(int n)
{
	atomic_add(&orphans, n);
	atomic_add(&orphan_changes, 1);
}

uint64_t reclaim_orphan_changes(void)
{
	return atomic_load_relaxed(&orphan_changes);
}

uint64_t reclaim_orphans(void)
{
	return atomic_load_relaxed(&orphans);
}

/* Any domain may have used the frame. */
static void orphan_free(struct frame *f)
{
	reclaim_orphan_count(-1);
	enqueue_owned(f, atomic_load(&vcpu_guest_cpus));
}

static void owned_free(struct domain *d, struct frame *f)
{
	uint64_t mask = domain_cpus(d);

	m2p_clear(&d->m2p, frame_to_mfn(f));
	/* A dying domain may have waited for this page only: look soon. */
	if (READ_ONCE(d->state) == DOM_DYING)
		WRITE_ONCE(this_cpu()->need_resched, 1);
	/* After this the domain may be gone. */
	domain_page_remove(d, f);
	enqueue_owned(f, mask);
}

/* Nobody can reference a claimed frame, so its state word is ours. */
void reclaim_claimed(struct domain *d, struct frame *const *frames,
		     unsigned int count)
{
	struct queue *q = &owned[this_cpu()->id];
	unsigned int i;

	m2p_begin(&d->m2p);
	for (i = 0; i < count; i++) {
		struct frame *f = frames[i];

		m2p_drop(&d->m2p, frame_to_mfn(f));
		WRITE_ONCE(f->state, frame_state(f) & ~FRAME_REF_MASK);
		link_frame(q, f);
	}
	m2p_end(&d->m2p);
	queue_grew(q, count, domain_cpus(d));
}

/* --- foreign entries --- */

void reclaim_foreign_unused(pte_t e)
{
	struct frame *f = mfn_to_frame(pte_mfn(e));

	if (e & PTE_RW)
		domain_writable_put(f);
	frame_put(f);
}

void reclaim_foreign_flush(void)
{
	struct foreign_queue *q = &foreign[this_cpu()->id];

	if (!q->count)
		return;
	tlb_flush_mask(q->cpu_mask);
	while (q->count)
		reclaim_foreign_unused(q->entry[--q->count]);
	q->cpu_mask = 0;
}

void reclaim_foreign(const struct domain *d, pte_t e)
{
	struct foreign_queue *q = &foreign[this_cpu()->id];

	q->entry[q->count++] = e;
	q->cpu_mask |= domain_cpus(d);
	if (q->count == FOREIGN_KEPT)
		reclaim_foreign_flush();
}

/* --- owned and canonical frames --- */

void frame_owner_free(domid_hv_t owner, struct frame *f)
{
	if (unlikely(owner == DOMID_ORPHAN))
		orphan_free(f);
	else
		owned_free(domain_owner(owner), f);
}

void reclaim_canonical(struct frame_pool *p, mfn_t mfn)
{
	atomic_add(&waiting, 1);
	if (frame_pool_wait(p, mfn, frame_pool_cpus(p)) >= RECLAIM_KEPT)
		reclaim_pool(p);
}

/* After this nobody can reach what is in the copy that it returns. */
static struct queue take_queue(struct queue *q)
{
	struct queue taken = *q;

	if (taken.count)
		tlb_flush_mask(taken.cpu_mask);
	*q = (struct queue){ 0 };
	return taken;
}

static __attribute__((noinline)) void flush_owned(void)
{
	struct queue q = take_queue(&owned[this_cpu()->id]);

	if (!q.count)
		return;
	palloc_free_list(q.first);
	atomic_sub(&waiting, q.count);
}

void reclaim_pool(struct frame_pool *p)
{
	struct frame_queue q = frame_pool_waiting(p);
	uint32_t link, next;

	if (q.count)
		tlb_flush_mask(q.cpu_mask);
	for (link = q.first; link; link = next) {
		next = frame_linked(link)->next;
		frame_pool_free(p, MFN(link));
	}
	atomic_sub(&waiting, q.count);
}

bool reclaim_waits(void)
{
	uint32_t here = this_cpu()->id;

	return foreign[here].count || owned[here].count;
}

/* On every way out to a guest: most often nothing waits. */
void reclaim_flush(void)
{
	uint32_t here = this_cpu()->id;

	if (unlikely(foreign[here].count))
		reclaim_foreign_flush();
	if (unlikely(owned[here].count))
		flush_owned();
}

void reclaim_flush_all(void)
{
	reclaim_foreign_flush();
	flush_owned();
	frame_pools_each(reclaim_pool);
}

uint64_t reclaim_waiting(void)
{
	return atomic_load_acquire(&waiting);
}
