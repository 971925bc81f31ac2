/* SPDX-License-Identifier: MIT */
/*
 * The audit of grants, I16: pins = parts of handles, by kind; the guest's
 * status bits follow the pins; each host part is one entry with its frame and
 * rights; free handles and used ones add up; and of I14: no shared frame is
 * pinned.
 *
 * One domain is one part: its handles, each by itself; then its entries, with
 * the handles of all domains that name them counted in `seen`.  Nothing is
 * allocated.  No hypercall is in progress meanwhile: a grant copy, for one, has
 * pins without handles.
 */
#include <port.h>

#include "audit/audit.h"
#include "audit/audit_private.h"
#include "dom/domain.h"
#include "dom/grant.h"
#include "lib/fmt.h"
#include "mm/pagetype.h"

struct grants_audit {
	void (*error)(void *ctx, const char *text);
	void *ctx;
	bool tables_untouched;
	uint64_t errors;
};

static void printf_like(2, 3) report(struct grants_audit *a, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	a->error(a->ctx, text);
	a->errors++;
}

static struct grant_active *active_of(const struct grant_table *gt,
				      uint32_t ref)
{
	return &gt->used->active[ref / GRANT_ACTIVE_PER_PAGE]
			  [ref % GRANT_ACTIVE_PER_PAGE];
}

static void seen_clear(const struct grant_table *gt)
{
	uint32_t ref, refs = grant_refs(gt);

	for (ref = 0; ref < refs; ref++)
		memset(active_of(gt, ref)->seen, 0, PIN_KINDS);
}

/* --- handles --- */

static locks_unchecked void handle_pte(struct grants_audit *a, struct domain *d, uint32_t n,
		       const struct grant_handle *h)
{
	pte_t pte = *(pte_t *)maddr_to_virt(h->pte);

	if (!(pte & PTE_P) || !(pte & PTE_AVL_GRANT) || mfn_n(pte_mfn(pte)) != h->mfn ||
	    !(pte & PTE_RW) == h->writable)
		report(a, "I16: d%u handle %u maps frame %x, its entry is %lx",
		       d->id, n, h->mfn, pte);
	if (grant_handle_by_pte(d, h->pte) != n)
		report(a, "I16: d%u handle %u is not found by its entry", d->id,
		       n);
}

static void handle_check(struct grants_audit *a, struct domain *d, uint32_t n,
			 const struct grant_handle *h)
{
	const struct grant_table *gt;
	struct grant_active *act;

	if (h->kinds & GRANT_HOST)
		handle_pte(a, d, n, h);
	if (h->granter == DOMID_ORPHAN)	/* A5 */
		return;
	gt = domain_owner(h->granter)->grant;
	if (h->ref >= grant_refs(gt)) {
		report(a, "I16: d%u handle %u names entry %u of d%u", d->id, n,
		       h->ref, h->granter);
		return;
	}
	act = active_of(gt, h->ref);
	if (act->mfn != h->mfn || act->domid != d->id)
		report(a, "I16: d%u handle %u has frame %x, the entry d%u %x",
		       d->id, n, h->mfn, act->domid, act->mfn);
}

/* Handles of `user` for entries of the domain at hand. */
static locks_unchecked void seen_add(struct domain *user, void *arg)
{
	const struct domain *d = arg;
	uint32_t n, refs = grant_refs(d->grant);

	for (n = 0; user->grant && n < user->grant->handle_count; n++) {
		const struct grant_handle *h = grant_handle_get(user, n);
		struct grant_active *act;

		if (!h || h->granter != d->id || h->ref >= refs)
			continue;
		act = active_of(d->grant, h->ref);
		if (h->kinds & GRANT_HOST)
			act->seen[pin_host(h->writable)]++;
		if (h->kinds & GRANT_DEVICE)
			act->seen[pin_device(h->writable)]++;
	}
}

static locks_unchecked void handles_check(struct grants_audit *a, struct domain *d)
{
	const struct grant_table *gt = d->grant;
	uint32_t n, used = 0, free = 0, at;

	for (n = 0; n < gt->handle_count; n++) {
		const struct grant_handle *h = grant_handle_get(d, n);

		if (!h)
			continue;
		used++;
		handle_check(a, d, n, h);
	}
	for (at = gt->handle_free; at && free <= gt->handle_count; free++)
		at = gt->maps->handles[(at - 1) / GRANT_HANDLES_PER_PAGE]
				[(at - 1) % GRANT_HANDLES_PER_PAGE].next;
	if (used != gt->handle_used || used + free != gt->handle_count)
		report(a, "I16: d%u has %u handles in use, counts %u; %u free of %u",
		       d->id, used, gt->handle_used, free, gt->handle_count);
}

/* --- entries --- */

static uint16_t status_read(const struct grant_table *gt, uint32_t ref)
{
	const struct grant_entry_v1 *v1;
	uint16_t bits;

	if (gt->version == 2) {
		bits = gt->status[ref / GRANT_STATUS_PER_FRAME]
				 [ref % GRANT_STATUS_PER_FRAME];
	} else {
		v1 = gt->frames[ref / GRANT_V1_PER_FRAME];
		bits = v1[ref % GRANT_V1_PER_FRAME].flags;
	}
	return bits & (GTF_reading | GTF_writing);
}

/*
 * An entry for a transfer uses the bits of reading and writing for other flags.
 */
static bool entry_accepts(const struct grant_table *gt, uint32_t ref)
{
	const struct grant_entry_v1 *v1;

	if (gt->version == 2)
		return false;	/* version 2 has its status elsewhere */
	v1 = gt->frames[ref / GRANT_V1_PER_FRAME];
	return (v1[ref % GRANT_V1_PER_FRAME].flags & GTF_type_mask) ==
	       GTF_accept_transfer;
}

static void pinned_check(struct grants_audit *a, struct domain *d, uint32_t ref,
			 const struct grant_active *act)
{
	bool writing = act->pins[PIN_HOST_RW] || act->pins[PIN_DEVICE_RW];
	uint16_t want = GTF_reading | (writing ? GTF_writing : 0);
	const struct frame *f = mfn_to_frame(MFN(act->mfn));
	uint32_t at = d->grant->used->by_mfn[act->mfn % GRANT_BUCKETS];

	if (a->tables_untouched &&
	    (status_read(d->grant, ref) & want) != want)
		report(a, "I16: d%u entry %u is pinned, its status is %x",
		       d->id, ref, status_read(d->grant, ref));
	if (frame_state_kind(f->state) != FRAME_OWNED ||
	    frame_state_owner(f->state) != d->id)
		report(a, "I14: d%u entry %u pins frame %x, state %lx", d->id,
		       ref, act->mfn, f->state);
	while (at && at != ref + 1)
		at = active_of(d->grant, at - 1)->next;
	if (!at)
		report(a, "I16: d%u entry %u is not found by its frame", d->id,
		       ref);
}

static void entry_check(struct grants_audit *a, struct domain *d, uint32_t ref)
{
	const struct grant_active *act = active_of(d->grant, ref);

	if (memcmp(act->pins, act->seen, PIN_KINDS))
		report(a, "I16: d%u entry %u has pins %u %u %u %u, handles %u %u %u %u",
		       d->id, ref, act->pins[0], act->pins[1], act->pins[2],
		       act->pins[3], act->seen[0], act->seen[1], act->seen[2],
		       act->seen[3]);
	if (act->pins[0] | act->pins[1] | act->pins[2] | act->pins[3])
		pinned_check(a, d, ref, act);
	else if (a->tables_untouched && status_read(d->grant, ref) &&
		 !entry_accepts(d->grant, ref))
		report(a, "I16: d%u entry %u is not pinned, its status is %x",
		       d->id, ref, status_read(d->grant, ref));
}

static void entries_check(struct grants_audit *a, struct domain *d)
{
	const struct grant_table *gt = d->grant;
	uint32_t ref, pinned = 0, refs = grant_refs(gt);

	for (ref = 0; ref < refs; ref++) {
		const struct grant_active *act = active_of(gt, ref);

		entry_check(a, d, ref);
		pinned += (act->pins[0] | act->pins[1] | act->pins[2] |
			   act->pins[3]) != 0;
	}
	if (pinned != gt->pinned_count)
		report(a, "I16: d%u has %u entries pinned, counts %u", d->id,
		       pinned, gt->pinned_count);
}

/* A domain in the making, or nearly gone, has no table. */
static void domain_check(struct grants_audit *a, struct domain *d)
{
	if (!d->grant)
		return;
	handles_check(a, d);
	seen_clear(d->grant);
	domain_for_each(seen_add, d);
	entries_check(a, d);
}

static void error_add(void *ctx, const char *text)
{
	audit_error(ctx, "%s", text);
}

void audit_grants_domain(struct audit *a, struct domain *d)
{
	struct grants_audit g = { .error = error_add, .ctx = a };

	domain_check(&g, d);
}

uint64_t audit_grants(void (*error)(void *ctx, const char *text), void *ctx,
		     bool tables_untouched)
{
	struct grants_audit a = { .error = error, .ctx = ctx,
			   .tables_untouched = tables_untouched };
	unsigned int slot = 0;
	struct domain *d;

	while ((d = domain_from_slot(&slot))) {
		domain_check(&a, d);
		domain_put(d);
	}
	return a.errors;
}
