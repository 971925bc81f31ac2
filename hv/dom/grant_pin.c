/* SPDX-License-Identifier: MIT */
/*
 * Entries in use: pinned, let go of, transferred, swapped.
 *
 * The guest may change its table while we look.  So flags and domid are read as
 * one word and, in version 1, our status bits go in with a compare-and-exchange
 * of that very word; the frame is read once, after that, and kept in the active
 * entry.  From then on the active entry rules (GT8, GT21): what the guest
 * writes meanwhile decides at most whether a further pin is refused.
 */
#include <port.h>
#include <errno.h>

#include "dom/domain.h"
#include "dom/grant.h"
#include "dom/pages.h"

/* if a guest keeps writing its entry, the call fails after so many */
#define STATUS_TRIES	5
/*
 * All entries of a table may be for one frame, and so in one bucket; then it is
 * asked 64 times in a row, with the domain's tables locked (offer/offer.c).
 */
#define LOOKS_MOST	256

static struct grant_active *active_of(struct grant_table *gt, uint32_t ref)
{
	return &gt->used->active[ref / GRANT_ACTIVE_PER_PAGE]
			  [ref % GRANT_ACTIVE_PER_PAGE];
}

static struct grant_entry_v1 *v1_of(const struct grant_table *gt, uint32_t ref)
{
	struct grant_entry_v1 *t = gt->frames[ref / GRANT_V1_PER_FRAME];

	return &t[ref % GRANT_V1_PER_FRAME];
}

static union grant_entry_v2 *v2_of(const struct grant_table *gt, uint32_t ref)
{
	union grant_entry_v2 *t = gt->frames[ref / GRANT_V2_PER_FRAME];

	return &t[ref % GRANT_V2_PER_FRAME];
}

static grant_status_t *status_of(const struct grant_table *gt, uint32_t ref)
{
	return &gt->status[ref / GRANT_STATUS_PER_FRAME]
			  [ref % GRANT_STATUS_PER_FRAME];
}

/* Both versions start with flags (low half) and domid: one aligned word. */
static uint32_t *head_of(const struct grant_table *gt, uint32_t ref)
{
	return gt->version == 1 ? (uint32_t *)v1_of(gt, ref) :
				  (uint32_t *)v2_of(gt, ref);
}

/* --- status bits; LOCK_GRANT --- */

/* Does an entry whose head is `head` let `user` do this? */
static bool head_allows(const struct grant_table *gt, uint32_t head,
			domid_hv_t user, bool writable, bool whole)
{
	if ((head & GTF_type_mask) != GTF_permit_access || head >> 16 != user)
		return false;
	if (writable && (head & GTF_readonly))
		return false;
	return gt->version == 1 || !whole || !(head & GTF_sub_page);
}

static uint16_t status_bits(bool writable)
{
	return writable ? GTF_reading | GTF_writing : GTF_reading;
}

static uint16_t status_from_pins(const struct grant_active *act)
{
	if (act->pins[PIN_HOST_RW] || act->pins[PIN_DEVICE_RW])
		return GTF_reading | GTF_writing;
	return act->pins[PIN_HOST_RO] || act->pins[PIN_DEVICE_RO] ?
	       GTF_reading : 0;
}

/* A3: clear the status bits that no pin justifies any more. */
static void status_lower(struct grant_table *gt, uint32_t ref, const struct grant_active *act)
	needs_lock(&gt->lock)
{
	uint16_t gone = (GTF_reading | GTF_writing) & ~status_from_pins(act);

	if (gt->version == 1)
		atomic_fetch_and(&v1_of(gt, ref)->flags, (uint16_t)~gone);
	else
		atomic_fetch_and(status_of(gt, ref), (uint16_t)~gone);
}

static int status_raise_v1(struct grant_table *gt, uint32_t ref,
			   domid_hv_t user, bool writable) needs_lock(&gt->lock)
{
	uint32_t *at = head_of(gt, ref), head = READ_ONCE(*at);
	unsigned int i;

	for (i = 0; i < STATUS_TRIES; i++) {
		if (!head_allows(gt, head, user, writable, true))
			return GNTST_general_error;
		if (atomic_cas(at, &head, head | status_bits(writable)))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

/*
 * The guest clears its entry and then looks at the status; we raise the status
 * and then look at the entry: so one of the two sees the other.
 */
static int status_raise_v2(struct grant_table *gt, uint32_t ref,
			   domid_hv_t user, bool writable, bool whole)
	needs_lock(&gt->lock)
{
	uint32_t *at = head_of(gt, ref);

	if (!head_allows(gt, READ_ONCE(*at), user, writable, whole))
		return GNTST_general_error;
	atomic_fetch_or(status_of(gt, ref), status_bits(writable));
	if (head_allows(gt, READ_ONCE(*at), user, writable, whole))
		return GNTST_okay;
	status_lower(gt, ref, active_of(gt, ref));
	return GNTST_general_error;
}

static int status_raise(struct grant_table *gt, uint32_t ref, domid_hv_t user,
			bool writable, bool whole) needs_lock(&gt->lock)
{
	return gt->version == 1 ?
	       status_raise_v1(gt, ref, user, writable) :
	       status_raise_v2(gt, ref, user, writable, whole);
}

/* --- references of the frame (A1) --- */

static int frame_take_once(struct domain *granter, struct frame *f,
			   bool writable)
{
	/* GT22: a shared frame is nobody's to grant. */
	if (frame_get(f, granter->id))
		return GNTST_bad_page;
	/* GT13: nobody can grant HEAP pages (shared info, grant tables). */
	if (frame_kind(f) != FRAME_OWNED) {
		frame_put(f);
		return GNTST_general_error;
	}
	if (writable && domain_writable_get(granter, f)) {
		frame_put(f);
		return GNTST_general_error;
	}
	return GNTST_okay;
}

static void frame_drop_once(struct frame *f, bool writable)
{
	if (writable)
		domain_writable_put(f);
	frame_put(f);
}

static int frame_take(struct domain *granter, mfn_t mfn, unsigned int kinds,
		      bool writable)
{
	unsigned int taken, wanted = kinds == (GRANT_HOST | GRANT_DEVICE) ? 2 : 1;
	int r = GNTST_okay;
	struct frame *f;

	if (!frame_valid(mfn))
		return GNTST_general_error;
	f = mfn_to_frame(mfn);
	for (taken = 0; taken < wanted && !r; taken++)
		r = frame_take_once(granter, f, writable);
	if (r && taken == 2)
		frame_drop_once(f, writable);
	return r;
}

static void frame_drop(mfn_t mfn, unsigned int kinds, bool writable)
{
	struct frame *f = mfn_to_frame(mfn);

	if (kinds & GRANT_HOST)
		frame_drop_once(f, writable);
	if (kinds & GRANT_DEVICE)
		frame_drop_once(f, writable);
}

/* --- which frames are pinned; LOCK_GRANT --- */

static uint32_t *mfn_bucket(struct grant_table *gt, mfn_t mfn)
{
	return &gt->used->by_mfn[mfn_n(mfn) % GRANT_BUCKETS];
}

static void mfn_link(struct grant_table *gt, struct grant_active *act,
		     uint32_t ref) needs_lock(&gt->lock)
{
	uint32_t *head = mfn_bucket(gt, MFN(act->mfn));

	act->prev = 0;
	act->next = *head;
	if (*head)
		active_of(gt, *head - 1)->prev = ref + 1;
	*head = ref + 1;
	gt->pinned_count++;
}

static void mfn_unlink(struct grant_table *gt, struct grant_active *act)
	needs_lock(&gt->lock)
{
	if (act->next)
		active_of(gt, act->next - 1)->prev = act->prev;
	if (act->prev)
		active_of(gt, act->prev - 1)->next = act->next;
	else
		*mfn_bucket(gt, MFN(act->mfn)) = act->next;
	gt->pinned_count--;
}

bool grant_is_pinned(struct domain *d, mfn_t mfn)
{
	struct grant_table *gt = d->grant;
	unsigned int looks = 0;
	uint32_t at;

	spin_lock(&gt->lock);
	at = gt->pinned_count ? *mfn_bucket(gt, mfn) : 0;
	while (at && active_of(gt, at - 1)->mfn != mfn_n(mfn))
		at = looks++ < LOOKS_MOST ? active_of(gt, at - 1)->next : 0;
	spin_unlock(&gt->lock);
	return at;
}

/* --- pins --- */

static bool is_pinned(const struct grant_active *act)
{
	return status_from_pins(act);
}

static void pins_add(struct grant_active *act, unsigned int kinds,
		     bool writable, int n)
{
	if (kinds & GRANT_HOST)
		act->pins[pin_host(writable)] += n;
	if (kinds & GRANT_DEVICE)
		act->pins[pin_device(writable)] += n;
}

static bool pins_full(const struct grant_active *act, bool writable)
{
	return act->pins[pin_host(writable)] == GRANT_PINS_MAX ||
	       act->pins[pin_device(writable)] == GRANT_PINS_MAX;
}

/* Read, once, what the guest's entry grants. */
static void active_fill(struct grant_table *gt, struct grant_active *act,
			uint32_t ref, domid_hv_t user) needs_lock(&gt->lock)
{
	uint64_t frame;

	act->domid = user;
	act->start = 0;
	act->length = PAGE_SIZE;
	if (gt->version == 1) {
		frame = READ_ONCE(v1_of(gt, ref)->frame);
	} else {
		union grant_entry_v2 *e = v2_of(gt, ref);

		frame = READ_ONCE(e->full_page.frame);
		if (READ_ONCE(e->hdr.flags) & GTF_sub_page) {
			act->start = READ_ONCE(e->sub_page.page_off);
			act->length = READ_ONCE(e->sub_page.length);
		}
	}
	/*
	 * A number that is too large for mfn must stay one that names no frame.
	 */
	act->mfn = frame < UINT32_MAX ? frame : UINT32_MAX;
}

static bool active_is_whole(const struct grant_active *act)
{
	return act->start == 0 && act->length == PAGE_SIZE;
}

/* May a pinned entry be pinned again like this? */
static bool active_allows(const struct grant_active *act, domid_hv_t user,
			  bool writable, bool whole)
{
	return act->domid == user && !pins_full(act, writable) &&
	       (!whole || active_is_whole(act));
}

/* Called after status_raise(). */
static int pin_frame(struct domain *granter, struct grant_active *act, domid_hv_t user, bool whole,
		     const struct grant_renamed *as, struct grant_pin *pin)
	needs_lock(&granter->grant->lock)
{
	struct grant_table *gt = granter->grant;
	bool first = !is_pinned(act);
	int r;

	spin_known_held(&gt->lock);
	if (first)
		active_fill(gt, act, pin->ref, user);
	if (first && as && mfn_eq(MFN(act->mfn), as->named))
		act->mfn = mfn_n(as->now);
	/*
	 * The guest may have changed the entry to a part of a page since its
	 * head was read.
	 */
	if (whole && !active_is_whole(act))
		return GNTST_general_error;
	pin->granter = granter->id;
	pin->mfn = MFN(act->mfn);
	pin->start = act->start;
	pin->length = act->length;
	r = frame_take(granter, pin->mfn, pin->kinds, pin->writable);
	if (r)
		return r;
	if (first)
		mfn_link(gt, act, pin->ref);
	pins_add(act, pin->kinds, pin->writable, 1);
	return GNTST_okay;
}

static int pin_locked(struct domain *granter, domid_hv_t user, bool whole,
		      const struct grant_renamed *as, struct grant_pin *pin)
	needs_lock(&granter->grant->lock)
{
	struct grant_table *gt = granter->grant;
	struct grant_active *act;
	int r;

	spin_known_held(&gt->lock);
	if (gt->closed)
		return GNTST_bad_domain;
	if (pin->ref >= grant_refs(gt))
		return GNTST_bad_gntref;
	act = active_of(gt, pin->ref);
	if (is_pinned(act) && !active_allows(act, user, pin->writable, whole))
		return GNTST_general_error;
	r = status_raise(gt, pin->ref, user, pin->writable, whole);
	if (r)
		return r;
	r = pin_frame(granter, act, user, whole, as, pin);
	if (r)
		status_lower(gt, pin->ref, act);
	return r;
}

int grant_pin(struct domain *granter, domid_hv_t user, bool whole, const struct grant_renamed *as,
	      struct grant_pin *pin)
{
	struct grant_table *gt = granter->grant;
	int r;

	spin_lock(&gt->lock);
	spin_known_held(&granter->grant->lock);
	r = pin_locked(granter, user, whole, as, pin);
	spin_unlock(&gt->lock);
	return r;
}

/* LOCK_GRANT.  The pin's entry. */
static struct grant_active *pins_drop(struct grant_table *gt, const struct grant_pin *pin)
	needs_lock(&gt->lock)
{
	struct grant_active *act = active_of(gt, pin->ref);

	ASSERT(act->mfn == mfn_n(pin->mfn));
	pins_add(act, pin->kinds, pin->writable, -1);
	if (!is_pinned(act))
		mfn_unlink(gt, act);
	return act;
}

void grant_disown(const struct grant_pin *pin)
{
	struct grant_table *gt = domain_owner(pin->granter)->grant;

	spin_lock(&gt->lock);
	status_lower(gt, pin->ref, pins_drop(gt, pin));
	spin_unlock(&gt->lock);
}

void grant_unpin(const struct grant_pin *pin)
{
	const struct grant_active *act;
	struct grant_table *gt;

	if (pin->granter == DOMID_ORPHAN) {
		frame_drop(pin->mfn, pin->kinds, pin->writable);
		return;
	}
	/* The entry is pinned, so the granter still exists (A5). */
	gt = domain_owner(pin->granter)->grant;
	spin_lock(&gt->lock);
	act = pins_drop(gt, pin);
	/*
	 * Drop the frame before the granter can see that the use is over: it
	 * may share the page at once.
	 */
	frame_drop(pin->mfn, pin->kinds, pin->writable);
	status_lower(gt, pin->ref, act);
	spin_unlock(&gt->lock);
}

/* --- transfer --- */

/*
 * LOCK_GRANT.  Commit the entry: the guest may not touch it until it is
 * completed.
 */
static int transfer_commit(struct grant_table *gt, uint32_t ref,
			   domid_hv_t giver) needs_lock(&gt->lock)
{
	uint32_t *at = head_of(gt, ref), head = READ_ONCE(*at);
	uint32_t want = GTF_accept_transfer | (uint32_t)giver << 16;
	unsigned int i;

	for (i = 0; i < STATUS_TRIES; i++) {
		/* Committed or completed before: no second page. */
		if (head != want)
			return GNTST_general_error;
		if (atomic_cas(at, &head, head | GTF_transfer_committed))
			return GNTST_okay;
	}
	return GNTST_general_error;
}

int grant_transfer_begin(struct domain *d, uint32_t ref, domid_hv_t giver)
{
	struct grant_table *gt = d->grant;
	int r;

	spin_lock(&gt->lock);
	if (gt->closed)
		r = GNTST_bad_domain;
	else if (ref >= grant_refs(gt))
		r = GNTST_bad_gntref;
	else
		r = transfer_commit(gt, ref, giver);
	spin_unlock(&gt->lock);
	return r;
}

/*
 * LOCK_GRANT.  The version may have changed since: then there is no entry to
 * fill.
 */
static void transfer_complete(struct grant_table *gt, uint32_t ref, mfn_t mfn)
	needs_lock(&gt->lock)
{
	if (ref >= grant_refs(gt))
		return;
	if (!mfn_eq(mfn, INVALID_MFN) && gt->version == 1)
		WRITE_ONCE(v1_of(gt, ref)->frame, mfn_n(mfn));
	else if (!mfn_eq(mfn, INVALID_MFN))
		WRITE_ONCE(v2_of(gt, ref)->full_page.frame, mfn_n(mfn));
	atomic_fetch_or(head_of(gt, ref), GTF_transfer_completed);
}

bool grant_transfer_end(struct domain *d, uint32_t ref, struct frame *f)
{
	struct grant_table *gt = d->grant;
	bool ok;

	spin_lock(&gt->lock);
	/*
	 * Once the table is closed, the reaper may have passed the end of d's
	 * page list.
	 */
	ok = !gt->closed && domain_quota_take(d);
	if (ok)
		domain_page_publish(d, f, 0);
	transfer_complete(gt, ref, ok ? frame_to_mfn(f) : INVALID_MFN);
	spin_unlock(&gt->lock);
	return ok;
}

/* --- swap --- */

/* The guest may write there meanwhile, at its own risk: each word is whole. */
static void swap_words(uint64_t *a, uint64_t *b, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*a); i++) {
		uint64_t old = READ_ONCE(a[i]);

		WRITE_ONCE(a[i], READ_ONCE(b[i]));
		WRITE_ONCE(b[i], old);
	}
}

int grant_swap(struct domain *d, uint32_t a, uint32_t b)
{
	struct grant_table *gt = d->grant;
	int r = GNTST_okay;

	spin_lock(&gt->lock);
	if (a >= grant_refs(gt) || b >= grant_refs(gt))
		r = GNTST_bad_gntref;
	else if (is_pinned(active_of(gt, a)) || is_pinned(active_of(gt, b)))
		r = GNTST_eagain;
	else if (a != b && gt->version == 1)
		swap_words((uint64_t *)v1_of(gt, a), (uint64_t *)v1_of(gt, b),
			   sizeof(struct grant_entry_v1));
	else if (a != b)
		swap_words((uint64_t *)v2_of(gt, a), (uint64_t *)v2_of(gt, b),
			   sizeof(union grant_entry_v2));
	spin_unlock(&gt->lock);
	return r;
}
