/* SPDX-License-Identifier: MIT */
/*
 * Names of a domain's frames that stand in no table: of vCPUs, rings, buffers,
 * handles of grants (I3, I4).  Those of the frames that this part compares are
 * added to what the tally has.
 */
#include <port.h>

#include "dom/console.h"
#include "dom/grant.h"
#include "dom/store.h"
#include "pv/xencomm.h"
#include "audit/audit_private.h"

/* NULL: this part does not compare mfn. */
static struct tally_count *count_of(struct audit *a, mfn_t mfn)
{
	if (!audit_in_window(a, mfn) || mfn_n(mfn) < mfn_n(a->at) ||
	    mfn_n(mfn) >= mfn_n(a->upto))
		return NULL;
	return tally_count_of(&a->tally, mfn);
}

/* One more name, and a use as `class` (CLASS_NONE: a plain reference). */
static void name(struct audit *a, const struct domain *d, mfn_t mfn,
		 enum page_class class, const char *what)
{
	struct tally_count *c = count_of(a, mfn);

	if (!c)
		return;
	audit_use_check(a, d, mfn, class, what);
	c->refs++;
	c->types += class != CLASS_NONE;
}

struct named_by {
	struct audit *a;
	struct domain *d;
};

static void buffer_name(mfn_t mfn, void *arg)
{
	const struct named_by *n = arg;

	name(n->a, n->d, mfn, CLASS_WRITABLE, "registered buffer");
}

/* The tree that somebody asked for and has not yet come for. */
static void result_name(struct audit *a, struct domain *d, const struct pt_result *r)
{
	if (r->state == PT_VALIDATED)
		name(a, d, r->root, type_class(mfn_to_frame(r->root)->type),
			   "result");
}

static void vcpu_names(struct audit *a, struct domain *d, struct vcpu *v)
{
	unsigned int i;

	if (!mfn_eq(v->kernel_l4, INVALID_MFN))
		name(a, d, v->kernel_l4, CLASS_L4, "kernel base");
	if (!mfn_eq(v->user_l4, INVALID_MFN))
		name(a, d, v->user_l4, CLASS_L4, "user base");
	for (i = 0; i < GDT_FRAMES_MAX; i++)
		if (mfn_n(v->gdt_frames[i]))
			name(a, d, v->gdt_frames[i], CLASS_DESC, "GDT");
	for (i = 0; i < LDT_FRAMES_MAX; i++)
		if (mfn_n(v->ldt_frames[i]))
			name(a, d, v->ldt_frames[i], CLASS_DESC, "LDT");
	if (v->info_frame)
		name(a, d, frame_to_mfn(v->info_frame), CLASS_WRITABLE,
			   "vcpu_info");
	result_name(a, d, &v->pt_result);
}

static void handle_part(struct audit *a, const struct grant_handle *h)
{
	struct tally_count *c = count_of(a, MFN(h->mfn));

	if (!c)
		return;
	c->refs++;
	c->types += h->writable;
}

/*
 * Count the names that handles of `user` are for frames of the domain at hand.
 * The frame says whose it is: a handle of a dying domain's grant is disowned
 * before the page is (ctl/destroy.c, DISOWN, ORPHANS).
 */
static locks_unchecked void handle_names(struct domain *user, void *arg)
{
	const struct named_by *n = arg;
	uint32_t i;

	for (i = 0; user->grant && i < user->grant->handle_count; i++) {
		const struct grant_handle *h = grant_handle_get(user, i);

		if (!h || !audit_is_owner(n->d, MFN(h->mfn)))
			continue;
		if (h->kinds & GRANT_HOST)
			handle_part(n->a, h);
		if (h->kinds & GRANT_DEVICE)
			handle_part(n->a, h);
	}
}

void audit_names_other(struct audit *a, struct domain *d)
{
	struct named_by n = { a, d };
	uint32_t i;

	if (d->grant && (d->grant->pinned_count || d->state == DOM_DYING))
		domain_for_each(handle_names, &n);
	for (i = 0; i < d->vcpu_count; i++)
		vcpu_names(a, d, d->vcpu[i]);
	result_name(a, d, &d->pending.outside);
	if (d->console && console_ring_frame(d))
		name(a, d, frame_to_mfn(console_ring_frame(d)),
			   CLASS_WRITABLE, "console ring");
	if (d->store && store_ring_frame(d))
		name(a, d, frame_to_mfn(store_ring_frame(d)),
			   CLASS_WRITABLE, "store ring");
	/*
	 * The root of a tree that is half-way: its count belongs to the work.
	 */
	if (d->pending.tree.state != PT_IDLE)
		name(a, d, d->pending.tree.root,
			   type_class(mfn_to_frame(d->pending.tree.root)->type),
			   "work");
	(void)xencomm_frames(d, buffer_name, &n);
	if (d->end.page)	/* the reaper stands there */
		name(a, d, frame_to_mfn(d->end.page), CLASS_NONE,
			   "reaper");
	if (d->pending.renames.page)
		name(a, d, frame_to_mfn(d->pending.renames.page), CLASS_NONE,
			   "breaking a share");
}
