/* SPDX-License-Identifier: MIT */
/*
 * Granted frames in page tables: map, unmap, unmap and replace.
 *
 * The order of an unmap, for a chunk at once (A3, XSA-218):
 *  (a) under LOCK_MM each handle is checked against its entry, the entry is
 *      cleared and the handle's part taken away; of two operations that name
 *      one handle, one wins (GT2);
 *  (b) the TLBs of the domain's CPUs are flushed, once;
 *  (c) each pin is dropped: first the frame, then the counts, then the status
 *      bits that the granter sees.
 *
 * An operation is checked as a whole before any of it is done: one that is
 * refused changed nothing.
 */
#include <port.h>

#include "dom/tally.h"
#include "mm/pagetype.h"
#include "pv/grant.h"
#include "pv/ptbreak.h"
#include "pv/ptcheck.h"
#include "pv/resolve.h"
#include "x86/guestcopy.h"

#define AVAIL_SHIFT	9	/* GNTMAP_guest_avail_mask goes to bits 9-11 */
#define AVAIL_BITS	7

/* --- naming an entry; LOCK_MM --- */

static pte_t *pte_by_va(struct domain *d, uint64_t va) needs_lock(&d->mm)
{
	struct vcpu *v = current_vcpu();

	if (!guest_range_ok(va, 1))
		return NULL;
	return ptcheck_walk(d, v->kernel_l4, va);
}

static pte_t *host_pte(struct domain *d, uint64_t name, bool by_pte)
	needs_lock(&d->mm)
{
	/* GT7 */
	return by_pte ? resolve_l1_entry(d, MADDR(name)) : pte_by_va(d, name);
}

/* --- map --- */

static pte_t map_pte(const struct gnttab_map_grant_ref *op, mfn_t mfn)
{
	uint64_t flags = PTE_P | PTE_US | PTE_A | PTE_D | PTE_AVL_GRANT;

	if (!(op->flags & GNTMAP_readonly))
		flags |= PTE_RW;
	flags |= (uint64_t)(op->flags >> _GNTMAP_guest_avail0 & AVAIL_BITS)
		 << AVAIL_SHIFT;
	return pte_make(mfn, flags);
}

/*
 * LOCK_MM.  Put the mapping into the entry and let go of what was there before.
 */
static void host_install(struct domain *d, uint32_t handle, pte_t *pte,
			 pte_t new) needs_lock(&d->mm)
{
	pte_t old = READ_ONCE(*pte);

	/*
	 * It is another handle's mapping: take that handle off the entry before
	 * ours is put on.
	 */
	if ((old & PTE_P) && (old & PTE_AVL_GRANT)) {
		atomic_store(pte, 0);
		grant_pte_gone(d, pte);
	}
	grant_handle_link(d, handle, virt_to_maddr(pte));
	old = atomic_exchange(pte, new);
	ptcheck_l1_put(d, pte, old, new);
}

/* LOCK_MM; the pin is taken. */
static int16_t handle_make(struct domain *d, struct gnttab_map_grant_ref *op,
			   const struct grant_pin *pin) needs_lock(&d->mm)
{
	bool by_pte = op->flags & GNTMAP_contains_pte;
	struct grant_handle *h;
	uint32_t handle;
	pte_t *pte = NULL;

	if (pin->kinds & GRANT_HOST) {
		pte = host_pte(d, op->host_addr, by_pte);
		if (!pte)
			return GNTST_general_error;
	}
	h = grant_handle_new(d, &handle);
	if (!h)
		return GNTST_no_space;
	h->mfn = mfn_n(pin->mfn);
	h->ref = pin->ref;
	h->granter = pin->granter;
	h->kinds = pin->kinds;
	h->writable = pin->writable;
	h->by_pte_name = by_pte;
	if (pte)
		host_install(d, handle, pte, map_pte(op, pin->mfn));
	op->handle = handle;
	op->dev_bus_addr = mfn_n(pin->mfn) << PAGE_SHIFT;
	return GNTST_okay;
}

static int16_t map_one(struct domain *d, struct domain *granter,
		       struct gnttab_map_grant_ref *op)
{
	unsigned int kinds = (op->flags & GNTMAP_host_map ? GRANT_HOST : 0) |
			     (op->flags & GNTMAP_device_map ? GRANT_DEVICE : 0);
	struct grant_pin pin = {
		.ref = op->ref, .kinds = kinds, .writable = !(op->flags & GNTMAP_readonly),
	};
	int16_t status;

	if (!granter)
		return GNTST_bad_domain;
	if (!kinds)
		return GNTST_bad_gntref;	/* GT18: as on Xen */
	status = grant_named_pin(granter, d->id, true, &pin);
	if (status)
		return status;
	spin_lock(&d->mm);
	status = handle_make(d, op, &pin);
	spin_unlock(&d->mm);
	if (status)	/* it was never in a page table */
		grant_unpin(&pin);
	return status;
}

enum progress grant_chunk_map(struct domain *d, void *ops, unsigned int count)
{
	struct gnttab_map_grant_ref *op = ops;
	struct grant_peer peer = { NULL };
	unsigned int i;

	grant_handles_reserve(d, count);
	for (i = 0; i < count; i++)
		op[i].status = map_one(d, grant_peer_find(&peer, op[i].dom),
				       &op[i]);
	grant_peer_done(&peer);
	return DONE;
}

/* --- unmap --- */

/* An unmap of either kind, decoded. */
struct unmap {
	uint64_t host_addr, dev_bus_addr;
	/* the va whose entry moves to the unmapped place; 0: none */
	uint64_t new_addr;
	uint32_t handle;
};

/* Pins that wait for the flush. */
struct unpin_list {
	struct grant_pin pins[GRANT_CHUNK];
	unsigned int count;
	bool flush;
};

/*
 * GT6, GT20: the entry that the unmap names, if it is the handle's, else NULL.
 * (By A4 the handle's entry maps its frame, with its rights.)
 */
static pte_t *unmap_host_pte(struct domain *d, const struct grant_handle *h,
			     uint64_t host_addr) needs_lock(&d->mm)
{
	pte_t *pte = host_pte(d, host_addr, h->by_pte_name);

	return pte && maddr_eq(virt_to_maddr(pte), h->pte) ? pte : NULL;
}

/* The entry at new_addr, which must be another. */
static pte_t *replacement_pte(struct domain *d, const struct grant_handle *h,
			      const struct unmap *u, const pte_t *pte)
	needs_lock(&d->mm)
{
	pte_t *from = h->by_pte_name ? NULL : pte_by_va(d, u->new_addr);

	return from != pte ? from : NULL;
}

static int16_t host_part(struct domain *d, const struct grant_handle *h,
			 const struct unmap *u, pte_t **pte, pte_t **from)
	needs_lock(&d->mm)
{
	*pte = *from = NULL;
	if (!u->host_addr)
		return GNTST_okay;
	*pte = h->kinds & GRANT_HOST ? unmap_host_pte(d, h, u->host_addr) :
				       NULL;
	if (!*pte)
		return GNTST_general_error;
	if (!u->new_addr)
		return GNTST_okay;
	*from = replacement_pte(d, h, u, *pte);
	return *from ? GNTST_okay : GNTST_general_error;
}

/* GT1 */
static int16_t device_part(const struct grant_handle *h, const struct unmap *u)
{
	if (!u->dev_bus_addr)
		return GNTST_okay;
	if (!(h->kinds & GRANT_DEVICE) ||
	    u->dev_bus_addr != (uint64_t)h->mfn << PAGE_SHIFT)
		return GNTST_bad_dev_addr;
	return GNTST_okay;
}

/*
 * LOCK_MM.  Take h off its entry and move the entry at `from` (NULL: none) to
 * that place.  The references move with the entry, so no count changes; if
 * another handle owns the moved entry, that handle follows it (A4).
 */
static void entry_replace(struct domain *d, struct grant_handle *h, pte_t *pte,
			  pte_t *from) needs_lock(&d->mm)
{
	uint32_t other = from ? grant_handle_by_pte(d, virt_to_maddr(from)) :
				~0u;
	struct grant_handle *moved = grant_handle_get(d, other);
	pte_t new = from ? atomic_exchange(from, 0) : 0;

	grant_handle_unlink(d, h);
	if (moved) {
		grant_handle_unlink(d, moved);
		grant_handle_link(d, other, virt_to_maddr(pte));
	}
	atomic_store(pte, new);
	if (!new)
		return;
	tally_entry(d, pte, 0, new);
	tally_entry(d, from, new, 0);
	if (!(new & PTE_P) || !(new & PTE_AVL_FOREIGN))
		return;
	tally_foreign(d, pte, new, 1);
	tally_foreign(d, from, new, -1);
}

/* (a) LOCK_MM. */
static int16_t unmap_one(struct domain *d, const struct unmap *u,
			 struct unpin_list *list) needs_lock(&d->mm)
{
	struct grant_handle *h = grant_handle_get(d, u->handle);
	unsigned int kinds;
	pte_t *pte, *from;
	int16_t status;

	if (!h)
		return GNTST_bad_handle;
	status = device_part(h, u);
	if (!status)
		status = host_part(d, h, u, &pte, &from);
	if (status)
		return status;
	kinds = (pte ? GRANT_HOST : 0) | (u->dev_bus_addr ? GRANT_DEVICE : 0);
	if (!kinds)
		return GNTST_okay;
	if (pte) {
		entry_replace(d, h, pte, from);
		list->flush = true;
	}
	grant_handle_drop(d, u->handle, kinds, &list->pins[list->count++]);
	return GNTST_okay;
}

static void unmap_begin(struct domain *d, struct unpin_list *list) takes_lock(&d->mm)
{
	list->count = list->flush = 0;
	spin_lock(&d->mm);
}

/* (b), (c) */
static void unmap_finish(struct domain *d, struct unpin_list *list) frees_lock(&d->mm)
{
	unsigned int i;

	spin_unlock(&d->mm);
	if (list->flush)
		domain_flush_tlb(d);
	for (i = 0; i < list->count; i++)
		grant_unpin(&list->pins[i]);
}

enum progress grant_chunk_unmap(struct domain *d, void *ops, unsigned int count)
{
	struct gnttab_unmap_grant_ref *op = ops;
	struct unpin_list list;
	unsigned int i;

	unmap_begin(d, &list);
	for (i = 0; i < count; i++) {
		struct unmap u = {
			.host_addr = op[i].host_addr,
			.dev_bus_addr = op[i].dev_bus_addr,
			.handle = op[i].handle,
		};

		op[i].status = unmap_one(d, &u, &list);
	}
	unmap_finish(d, &list);
	return DONE;
}

/*
 * No entry moves while a broken page's are looked for, not even of a vCPU that
 * was in its call before: it might come to a place that was seen (ptbreak.c,
 * K2).
 */
enum progress grant_chunk_replace(struct domain *d, void *ops, unsigned int count)
{
	struct gnttab_unmap_and_replace *op = ops;
	struct unpin_list list;
	unsigned int i;

	unmap_begin(d, &list);
	if (ptbreak_left(d)) {
		unmap_finish(d, &list);
		return MORE;
	}
	for (i = 0; i < count; i++) {
		struct unmap u = {
			.host_addr = op[i].host_addr,
			.new_addr = op[i].new_addr,
			.handle = op[i].handle,
		};

		op[i].status = unmap_one(d, &u, &list);
	}
	unmap_finish(d, &list);
	return DONE;
}

/* --- entries that go another way (A4) --- */

void grant_pte_gone(struct domain *d, pte_t *pte)
{
	uint32_t handle = grant_handle_by_pte(d, virt_to_maddr(pte));
	struct grant_handle *h = grant_handle_get(d, handle);
	struct grant_pin pin;

	CHECK(h);
	grant_handle_unlink(d, h);
	grant_handle_drop(d, handle, GRANT_HOST, &pin);
	domain_flush_tlb(d);
	grant_unpin(&pin);
}

/* --- the end of a domain: what it maps of others --- */

/* LOCK_MM.  Unmap all that is left of one handle. */
static void reap_one(struct domain *d, uint32_t handle, struct grant_handle *h,
		     struct unpin_list *list) needs_lock(&d->mm)
{
	if (h->kinds & GRANT_HOST) {
		atomic_store((pte_t *)maddr_to_virt(h->pte), 0);
		grant_handle_unlink(d, h);
		list->flush = true;
	}
	grant_handle_drop(d, handle, h->kinds, &list->pins[list->count++]);
}

enum progress grant_host_reap(struct domain *d)
{
	struct grant_table *gt = d->grant;
	struct unpin_list list;
	unsigned int i;

	unmap_begin(d, &list);
	for (i = 0; i < GRANT_CHUNK && gt->handle_used; i++) {
		uint32_t handle = gt->handle_reaped++;
		struct grant_handle *h = grant_handle_get(d, handle);

		if (h)
			reap_one(d, handle, h, &list);
	}
	unmap_finish(d, &list);
	return gt->handle_used ? MORE : DONE;
}
