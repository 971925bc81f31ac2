/* SPDX-License-Identifier: MIT */
/*
 * Maptrack: the handles of what a domain maps of others'.
 *
 * A handle is found by its number, or by the page-table entry of its host part
 * (A4): chains by the entry's address, times a random odd number, so that
 * nobody can choose entries that fall into one chain.
 */
#include <port.h>

#include "dom/grant.h"
#include "dom/promise.h"
#include "mm/palloc.h"
#include "x86/cpu.h"

#define NO_HANDLE	(~0u)
/* of handles; DOMAIN_ALLOWANCE covers struct grant_maptrack */
#define PAGES_PER_GROWTH 1

static struct grant_handle *handle_at(struct grant_table *gt, uint32_t handle)
{
	return &gt->maps->handles[handle / GRANT_HANDLES_PER_PAGE]
			   [handle % GRANT_HANDLES_PER_PAGE];
}

static void free_push(struct grant_table *gt, uint32_t handle)
{
	struct grant_handle *h = handle_at(gt, handle);

	*h = (struct grant_handle){ .next = gt->handle_free };
	gt->handle_free = handle + 1;
}

/* Room for more handles: the page first, then the count (GT3). */
static bool handles_grow(struct grant_table *gt)
{
	uint32_t page = gt->handle_count / GRANT_HANDLES_PER_PAGE;
	uint32_t i;

	if (page == gt->handle_pages_most)
		return false;
	if (!gt->maps)
		gt->maps = palloc_hv(0);
	if (!gt->maps)
		return false;
	gt->maps->handles[page] = palloc_hv(0);
	if (!gt->maps->handles[page])
		return false;
	WRITE_ONCE(gt->handle_count, gt->handle_count + GRANT_HANDLES_PER_PAGE);
	for (i = gt->handle_count; i > page * GRANT_HANDLES_PER_PAGE; i--)
		free_push(gt, i - 1);
	return true;
}

void grant_handles_reserve(struct domain *d, uint32_t count)
{
	struct grant_table *gt = d->grant;
	bool ok;

	/*
	 * If other vCPUs take handles meanwhile, grant_handle_new() fails
	 * later.
	 */
	if (READ_ONCE(gt->handle_count) - READ_ONCE(gt->handle_used) >= count)
		return;
	if (!domain_promise_raise(d, PAGES_PER_GROWTH))
		return;
	spin_lock(&d->mm);
	ok = handles_grow(gt);
	spin_unlock(&d->mm);
	if (!ok)
		domain_promise_lower(d, PAGES_PER_GROWTH);
}

struct grant_handle *grant_handle_new(struct domain *d, uint32_t *handle)
{
	struct grant_table *gt = d->grant;
	struct grant_handle *h;

	ASSERT(spin_is_locked(&d->mm));
	if (!gt->handle_free)
		return NULL;
	*handle = gt->handle_free - 1;
	h = handle_at(gt, *handle);
	gt->handle_free = h->next;
	WRITE_ONCE(gt->handle_used, gt->handle_used + 1);
	h->next = 0;
	return h;
}

struct grant_handle *grant_handle_get(struct domain *d, uint32_t handle)
{
	struct grant_table *gt = d->grant;

	if (handle >= gt->handle_count || !handle_at(gt, handle)->kinds)
		return NULL;
	return handle_at(gt, handle);
}

static uint32_t *pte_bucket(struct grant_table *gt, maddr_t pte)
{
	uint64_t mixed = maddr_n(pte) / sizeof(pte_t) * gt->pte_key;

	return &gt->maps->by_pte[(mixed >> 32) % GRANT_BUCKETS];
}

void grant_handle_link(struct domain *d, uint32_t handle, maddr_t pte)
{
	struct grant_table *gt = d->grant;
	struct grant_handle *h = handle_at(gt, handle);
	uint32_t *head = pte_bucket(gt, pte);

	h->pte = pte;
	h->next = *head;
	*head = handle + 1;
}

void grant_handle_unlink(struct domain *d, struct grant_handle *h)
{
	struct grant_table *gt = d->grant;
	uint32_t *at = pte_bucket(gt, h->pte);

	while (handle_at(gt, *at - 1) != h)
		at = &handle_at(gt, *at - 1)->next;
	*at = h->next;
	h->next = 0;
	h->pte = MADDR(0);
}

uint32_t grant_handle_by_pte(struct domain *d, maddr_t pte)
{
	struct grant_table *gt = d->grant;
	uint32_t at = gt->maps ? *pte_bucket(gt, pte) : 0;

	while (at && !maddr_eq(handle_at(gt, at - 1)->pte, pte))
		at = handle_at(gt, at - 1)->next;
	return at ? at - 1 : NO_HANDLE;
}

void grant_handle_cancel(struct domain *d, uint32_t handle)
{
	struct grant_table *gt = d->grant;

	ASSERT(gt->handle_used > 0);
	WRITE_ONCE(gt->handle_used, gt->handle_used - 1);
	free_push(gt, handle);
}

void grant_handle_drop(struct domain *d, uint32_t handle, unsigned int kinds,
		       struct grant_pin *pin)
{
	struct grant_handle *h = handle_at(d->grant, handle);

	ASSERT((h->kinds & kinds) == kinds);
	*pin = (struct grant_pin){
		.ref = h->ref, .mfn = MFN(h->mfn), .granter = h->granter,
		.kinds = kinds, .writable = h->writable,
	};
	h->kinds &= ~kinds;
	if (!h->kinds)
		grant_handle_cancel(d, handle);
}

enum progress grant_handles_disown(struct domain *d,
				   const struct domain *granter,
				   uint32_t first, uint32_t count)
{
	uint32_t n;

	ASSERT(spin_is_locked(&d->mm));
	for (n = first; n < first + count && n < d->grant->handle_count; n++) {
		struct grant_handle *h = grant_handle_get(d, n);
		struct grant_pin pin;

		if (!h || h->granter != granter->id)
			continue;
		pin = (struct grant_pin){
			.ref = h->ref, .mfn = MFN(h->mfn), .granter = h->granter,
			.kinds = h->kinds, .writable = h->writable,
		};
		grant_disown(&pin);
		h->granter = DOMID_ORPHAN;
	}
	return n < d->grant->handle_count ? MORE : DONE;
}
