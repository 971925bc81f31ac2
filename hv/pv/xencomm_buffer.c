/* SPDX-License-Identifier: MIT */
/*
 * Registered buffers (seed 004): frames that a domain names once, and then by
 * number and offset.
 *
 * BUFFER1  A registered frame is held by a general reference and a WRITABLE
 *          type use, as any memory that the hypervisor writes: it can be
 *          neither shared, typed otherwise, nor given back; so a copy needs no
 *          check of the frame.
 * BUFFER2  number = slot | generation << 8; a slot's generation changes with
 *          each registration, so a stale number is refused (CP8) until 255
 *          later ones.
 * BUFFER3  Any number of a domain's vCPUs may register and unregister at the
 *          same time: buffers are independent (the mail's problem 1).  The caps
 *          bound the memory that the hypervisor spends on them.
 * BUFFER4  A copy runs under LOCK_XENCOMM, so that nobody unregisters it
 *          half-way; or this CPU knows the page from an earlier copy (COMM5).
 *          Unregistering flushes the domain's CPUs, so that none does.
 */
#include <port.h>
#include <errno.h>

#include "abi/xencomm.h"
#include "dom/above.h"
#include "mm/objpool.h"
#include "pv/hypercall.h"
#include "pv/pending.h"
#include "pv/xencomm.h"
#include "x86/guestcopy.h"

#define SLOT_BITS	8
#define SLOT_MASK	((1u << SLOT_BITS) - 1)
#define GENERATIONS	255u

_Static_assert(XENCOMM_BUFFERS <= SLOT_MASK, "a slot fits in its bits");

struct buffer {
	uint32_t *mfns;		/* NULL: free */
	uint16_t pages;
	uint8_t generation;
};

struct xencomm {
	struct spinlock lock;	/* LOCK_XENCOMM: all below */
	uint32_t pages;		/* of all buffers */
	struct buffer buffers[XENCOMM_BUFFERS];
};

static size_t list_bytes(unsigned int pages)
{
	return pages * sizeof(uint32_t);
}

/* The domain's table, made when first needed. */
static struct xencomm *table_get(struct domain *d)
{
	struct xencomm *x = atomic_load_acquire(&d->xencomm);
	struct xencomm *none = NULL;

	if (x)
		return x;
	x = obj_alloc(sizeof(*x));
	if (!x)
		return NULL;
	spin_lock_init(&x->lock, LOCK_XENCOMM);
	if (atomic_cas(&d->xencomm, &none, x))
		return x;
	obj_free(x, sizeof(*x));
	return none;
}

/* LOCK_XENCOMM. */
static struct buffer *buffer_find(struct xencomm *x, unsigned int number)
	needs_lock(&x->lock)
{
	unsigned int slot = number & SLOT_MASK;
	struct buffer *b;

	if (slot >= XENCOMM_BUFFERS)
		return NULL;
	b = &x->buffers[slot];
	return b->mfns && b->generation == number >> SLOT_BITS ? b : NULL;
}

uint8_t *xencomm_buffer_copy(struct domain *d, unsigned int number, uint64_t offset,
			     void *hv, size_t bytes, bool to_guest, size_t *done)
{
	struct xencomm *x = atomic_load_acquire(&d->xencomm);
	uint64_t in_page = offset & ~PAGE_MASK;
	uint8_t *page = NULL;
	struct buffer *b;

	if (!x)
		return NULL;
	*done = MIN(bytes, PAGE_SIZE - in_page);
	spin_lock(&x->lock);	/* BUFFER4 */
	b = buffer_find(x, number);
	if (b && offset >> PAGE_SHIFT < b->pages) {
		page = mfn_to_virt(MFN(b->mfns[offset >> PAGE_SHIFT]));
		memmove(to_guest ? page + in_page : hv,
			to_guest ? hv : page + in_page, *done);
	}
	spin_unlock(&x->lock);
	return page;
}

static void frames_put(struct domain *d, const uint32_t *mfns,
		       unsigned int count)
{
	while (count)
		resolve_area_put(d, mfn_to_frame(MFN(mfns[--count])));
}

/* Read `count` frame numbers at `array`, and hold each frame (BUFFER1). */
static int frames_get(struct domain *d, uint64_t array, uint32_t *mfns,
		      unsigned int count)
{
	struct frame *f;
	unsigned int i;
	mfn_t mfn;
	int r;

	for (i = 0; i < count; i++) {
		r = copy_from_guest(&mfn, array + i * sizeof(mfn), sizeof(mfn));
		if (!r)
			r = resolve_area(d, mfn, &f);
		if (r) {
			frames_put(d, mfns, i);
			return r == -EINVAL ? -EPERM : r;
		}
		mfns[i] = mfn_n(frame_to_mfn(f));
		if (pending_within_unit()) {	/* shares were broken */
			frames_put(d, mfns, i + 1);
			return -ERESTART;
		}
	}
	return 0;
}

/* The number of the new buffer, or -ENOSPC. */
static long buffer_add(struct xencomm *x, uint32_t *mfns, unsigned int pages)
{
	unsigned int slot = 0;
	long number = -ENOSPC;

	spin_lock(&x->lock);
	while (slot < XENCOMM_BUFFERS && x->buffers[slot].mfns)
		slot++;
	if (slot < XENCOMM_BUFFERS && pages <= XENCOMM_PAGES - x->pages) {
		struct buffer *b = &x->buffers[slot];

		b->mfns = mfns;
		b->pages = pages;
		b->generation = b->generation % GENERATIONS + 1; /* BUFFER2 */
		x->pages += pages;
		number = slot | (unsigned int)b->generation << SLOT_BITS;
	}
	spin_unlock(&x->lock);
	return number;
}

static long buffer_register(struct domain *d, uint64_t array, uint64_t pages)
{
	struct xencomm *x;
	uint32_t *mfns;
	long r;

	if (!pages || pages > XENCOMM_BUFFER_PAGES)
		return -EINVAL;
	x = table_get(d);
	mfns = x ? obj_alloc(list_bytes(pages)) : NULL;
	if (!mfns)
		return -ENOMEM;
	r = frames_get(d, array, mfns, pages);
	if (!r) {
		r = buffer_add(x, mfns, pages);
		if (r > 0)
			return r;
		frames_put(d, mfns, pages);
	}
	obj_free(mfns, list_bytes(pages));
	return r;
}

static bool buffer_remove(struct domain *d, struct xencomm *x,
			  unsigned int number)
{
	struct buffer *b, was;

	spin_lock(&x->lock);
	b = buffer_find(x, number);
	if (b) {
		was = *b;
		b->mfns = NULL;
		x->pages -= was.pages;
	}
	spin_unlock(&x->lock);
	if (!b)
		return false;
	domain_flush_tlb(d);	/* BUFFER4 */
	frames_put(d, was.mfns, was.pages);
	obj_free(was.mfns, list_bytes(was.pages));
	return true;
}

void xencomm_domain_fini(struct domain *d)
{
	struct xencomm *x = d->xencomm;
	unsigned int slot;

	if (!x)
		return;
	for (slot = 0; slot < XENCOMM_BUFFERS; slot++)
		(void)buffer_remove(d, x, slot | (unsigned int)
				    x->buffers[slot].generation << SLOT_BITS);
	d->xencomm = NULL;
	obj_free(x, sizeof(*x));
}

uint32_t xencomm_frames(const struct domain *d,
			void (*fn)(mfn_t mfn, void *arg), void *arg)
{
	const struct xencomm *x = d->xencomm;
	unsigned int slot, i;

	for (slot = 0; x && slot < XENCOMM_BUFFERS; slot++)
		for (i = 0; x->buffers[slot].mfns &&
			    i < x->buffers[slot].pages; i++)
			fn(MFN(x->buffers[slot].mfns[i]), arg);
	return x ? x->pages : 0;
}

long op_xencomm(struct hypercall_args *args)
{
	struct domain *d = current_vcpu()->domain;
	struct xencomm *x = atomic_load_acquire(&d->xencomm);

	if (args->a[3])
		return -EINVAL;
	if (args->a[0] == XENCOMMOP_register)
		return buffer_register(d, args->a[1], args->a[2]);
	if (args->a[2] || args->a[1] >> (2 * SLOT_BITS))
		return args->a[2] ? -EINVAL : -ENOENT;
	return x && buffer_remove(d, x, args->a[1]) ? 0 : -ENOENT;
}
