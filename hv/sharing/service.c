/* SPDX-License-Identifier: MIT */
/*
 * share/ on top of the frame table.
 *
 * A shared frame's record *is* its frame-table entry (share_record overlays
 * struct frame), so sharing costs no memory for a frame that is not shared.
 */
#include <port.h>

#include "abi/share.h"
#include "dom/reclaim.h"
#include "mm/framepool.h"
#include "mm/objpool.h"
#include "mm/pagetype.h"
#include "sharing/pagefns.h"
#include "sharing/sharing.h"

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
_Static_assert(offsetof(struct share_record, next) + sizeof(share_next) <=
	       offsetof(struct frame, type) + 6 && TYPE_FLUSHING >> 48,
	       "what the type word says of a shared frame is above");
_Static_assert(offsetof(struct share_record, kind) ==
	       offsetof(struct frame, state) + FRAME_KIND_SHIFT / 8, "kind");
_Static_assert(CANONICAL_FRESH <= SHARE_HASH_DRAWN, "no hash");
_Static_assert(offsetof(struct share_record, hash) ==
	       offsetof(struct frame, hash), "hash");

/* constant after boot */
static struct share *service;

static void *op_map(void *ctx, uint32_t frame)
{
	return mfn_to_virt(MFN(frame));
}

static void *op_pages(void *ctx)
{
	return mfn_to_virt(MFN(0));
}

/*
 * A frame of the group's own; never one of the heap's while some of the group's
 * only wait for a flush.
 */
static uint32_t op_canonical_draw(void *ctx, uint16_t group, uint32_t *frames,
				  uint32_t most)
{
	uint32_t drawn = frame_pool_draw(ctx, frames, most, false);

	if (unlikely(!drawn)) {
		reclaim_pool(ctx);
		drawn = frame_pool_draw(ctx, frames, 1, true);
	}
	return drawn;
}

/*
 * A frame that was drawn and not used has never been mapped, so it needs no
 * flush.
 */
static void op_canonical_free(void *ctx, uint32_t frame)
{
	if (mfn_to_frame(MFN(frame))->hash == CANONICAL_FRESH)
		frame_pool_free(ctx, MFN(frame));
	else
		reclaim_canonical(ctx, MFN(frame));
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

static const struct page_fns *op_fns(unsigned int pages)
{
	return pagefns_of_bracket();
}

static const struct share_ops ops = {
	.fns = op_fns,
	.group_ctx = op_group_ctx,
	.map = op_map,
	.pages = op_pages,
	.canonical_draw = op_canonical_draw,
	.canonical_free = op_canonical_free,
	.canonical_left = op_canonical_left,
	.alloc = op_alloc,
	.free = op_free,
	.kind = FRAME_SHARED,
};

void sharing_init(const char *pages)
{
	uint8_t secret[SHARE_SECRET_BYTES];

	entropy_fill(secret, sizeof(secret));
	pagefns_init(pages);
	service = share_create_with(&ops, NULL,
				    (struct share_record *)FRAME_TABLE, secret,
				    &pagefns);
	memset(secret, 0, sizeof(secret));
	if (!service)
		panic("no memory for the sharing service");
}

struct share *sharing_service(void)
{
	return service;
}
