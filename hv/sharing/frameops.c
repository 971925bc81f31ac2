/* SPDX-License-Identifier: MIT */
/*
 * share/ on top of the frame table, and the hooks that page-table code calls.
 *
 * A shared frame's record *is* its frame-table entry (share_record overlays
 * struct frame), so sharing costs no memory for a frame that is not shared.
 */
#include <port.h>
#include <errno.h>

#include "mm/framepool.h"
#include "mm/m2p.h"
#include "mm/objpool.h"
#include "pv/sharehooks.h"
#include "lib/fmt.h"
#include "sharing/sharing.h"
#include "sharing/chunk.h"
#include "sharing/pagefns.h"

_Static_assert(MAX_DOMAINS <= FRAME_POOLS, "each may be alone");
_Static_assert(MAX_DOMAINS <= SHARE_DOMS_MAX, "all may be of one group");
_Static_assert(SHARE_DOM_CAP == SHARE_FRAME_MAPPINGS, "as guests are told");
_Static_assert(SHARE_COUNT_CAP < FRAME_REF_MAX, "the count fits in the ref");
_Static_assert(sizeof(struct share_record) == sizeof(struct frame), "overlay");
_Static_assert(offsetof(struct share_record, count) ==
	       offsetof(struct frame, state), "ref is the low half of state");
_Static_assert(offsetof(struct share_record, group) ==
	       offsetof(struct frame, state) + FRAME_OWNER_SHIFT / 8, "owner");
_Static_assert(offsetof(struct share_record, holders) ==
	       offsetof(struct frame, type), "counts are the low half of type");
_Static_assert(offsetof(struct share_record, hash) ==
	       offsetof(struct frame, hash), "hash");

/* Groups that the operator named; ids from 1.  A domain alone: ALONE | domid. */
#define GROUPS_MAX	1024
#define GROUP_ALONE	0x8000

static char group_names[GROUPS_MAX][DOMAIN_NAME_MAX];	/* group_lock */
static unsigned int group_count;			/* group_lock */
static struct spinlock group_lock = SPINLOCK_INIT(LOCK_DOMLIST);

static struct share *service;				/* constant after boot */
static struct sharing_chunk *scratch[MAX_CPUS];		/* each by its CPU */

static void *op_map(void *ctx, uint32_t frame)
{
	return mfn_to_virt(frame);
}

/* Of the group's own, and never of the heap while it has some that only wait for a flush. */
static bool op_canonical_alloc(void *ctx, uint16_t group, uint32_t *frame)
{
	mfn_t mfn = frame_pool_draw(ctx, false);

	if (mfn == INVALID_MFN) {
		reclaim_pool(ctx);
		mfn = frame_pool_draw(ctx, true);
	}
	if (mfn == INVALID_MFN)
		return false;
	*frame = mfn;
	return true;
}

/* One that was drawn for nothing has never been mapped. */
static void op_canonical_free(void *ctx, uint32_t frame)
{
	if (mfn_to_frame(frame)->hash == CANONICAL_FRESH)
		frame_pool_free(ctx, frame);
	else
		reclaim_canonical(ctx, frame);
}

static void op_canonical_left(void *ctx)
{
	frame_pool_left(ctx);
}

static void *op_group_ctx(void *ctx, uint16_t group)
{
	return frame_pool_of(group);
}

/* ctx: the group's pool; NULL: it is for nobody's content. */
static void *op_alloc(void *ctx, size_t bytes)
{
	return ctx ? frame_pool_alloc(ctx, bytes) : obj_alloc(bytes);
}

static void op_free(void *ctx, void *p, size_t bytes)
{
	if (ctx)
		frame_pool_alloc_free(ctx, p, bytes);
	else
		obj_free(p, bytes);
}

static const struct share_ops ops = {
	.group_ctx = op_group_ctx,
	.map = op_map,
	.canonical_alloc = op_canonical_alloc,
	.canonical_free = op_canonical_free,
	.canonical_left = op_canonical_left,
	.alloc = op_alloc,
	.free = op_free,
};

void sharing_init(void)
{
	uint8_t secret[SHARE_SECRET_BYTES];
	uint32_t i;

	entropy_fill(secret, sizeof(secret));
	pagefns_init();
	service = share_create_with(&ops, NULL,
				    (struct share_record *)FRAME_TABLE, secret,
				    &pagefns);
	memset(secret, 0, sizeof(secret));
	for (i = 0; i < cpu_count; i++) {
		scratch[i] = obj_alloc(sizeof(struct sharing_chunk));
		if (!scratch[i])
			break;
	}
	if (!service || i < cpu_count)
		panic("no memory for the sharing service");
}

struct share *sharing_service(void)
{
	return service;
}

struct sharing_chunk *sharing_scratch(void)
{
	return scratch[this_cpu()->id];
}

/* The id of a named group, made when first seen; 0 if there are too many. */
static uint16_t group_id(const char *name)
{
	unsigned int i;

	spin_lock(&group_lock);
	for (i = 0; i < group_count; i++)
		if (!strcmp(group_names[i], name))
			break;
	if (i == group_count && i < GROUPS_MAX) {
		str_copy(group_names[i], sizeof(group_names[i]), name);
		group_count++;
	}
	spin_unlock(&group_lock);
	return i < GROUPS_MAX ? i + 1 : 0;
}

int sharing_domain_init(struct domain *d, const char *group, uint64_t budget)
{
	if (group[0]) {
		d->group = group_id(group);
		str_copy(d->group_name, sizeof(d->group_name), group);
	} else {
		d->group = GROUP_ALONE | d->id;
		fmt_snprintf(d->group_name, sizeof(d->group_name), "alone%u",
			     d->id);
	}
	if (!d->group)
		return -ENOMEM;
	d->frames = frame_pool_join(d->group, !group[0],
				    domain_set_aside(budget));
	if (!d->frames)
		return -ENOMEM;
	d->m2p.from = d->frames;
	d->share = share_dom_create(service, d->group, budget);
	return d->share ? 0 : -ENOMEM;
}

bool sharing_domain_reap(struct domain *d)
{
	if (!d->frames)
		return false;
	if (!d->frames_stopped)
		frame_pool_stop(d->frames, domain_set_aside(d->share_budget));
	d->frames_stopped = true;
	return frame_pool_give_part(d->frames);
}

void sharing_domain_fini(struct domain *d)
{
	if (d->share) {
		CHECK(share_dom_held(d->share) == 0);
		share_dom_destroy(d->share);
		d->share = NULL;
	}
	if (d->frames) {
		m2p_view_fini(&d->m2p);
		d->m2p.from = NULL;
		reclaim_pool(d->frames);
		frame_pool_leave(d->frames);
		d->frames = NULL;
	}
}

bool sharing_holds(struct domain *d, mfn_t mfn)
{
	return d->share && share_holds(d->share, mfn, NULL, NULL);
}

int sharing_map(struct domain *d, mfn_t mfn)
{
	if (!d->share)
		return -EPERM;
	switch (share_hold(d->share, mfn)) {
	case SHARE_OK:
		return 0;
	case SHARE_ERR_COUNT:
		return -EBUSY;
	default:
		return -EPERM;
	}
}

void sharing_unmap(struct domain *d, mfn_t mfn, bool broke)
{
	/* Not at its end: there may be more of them than the buffer holds, and nobody reads it. */
	if (READ_ONCE(d->state) == DOM_RUNNING)
		trace_event(d, broke ? TRACE_BREAK : TRACE_DROP, 0, mfn,
			    m2p_get(&d->m2p, mfn));
	share_drop(d->share, mfn, 1, broke);
	/* I9: the view names only what the domain owns or holds. */
	if (!share_holds(d->share, mfn, NULL, NULL))
		m2p_clear(&d->m2p, mfn);
}
