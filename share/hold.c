/* SPDX-License-Identifier: MIT */
/*
 * The hold table of a domain: which canonical frames it may map, how many of
 * its PTEs do, and which pfn each stands for.  An entry has 12 bytes; with the
 * table around it, 16.
 *
 * An entry's place is a permutation of the frame number, so no two holds have
 * the same place; the walk needs that.
 */
#include <hash/general_regs.h>

#include "impl.h"

/*
 * 19.6 holds in a bucket of 20: less than 16 bytes a hold with the overflow
 * nodes.
 */
static const struct lintab_kind hold_kind = {
	.bucket_bytes = 256,
	.node_bytes = 64,
	.entry_bytes = sizeof(struct hold),
	.bucket_fit = LINTAB_FIT(256, sizeof(struct hold)),
	.node_fit = LINTAB_FIT(64, sizeof(struct hold)),
	.overlay = false,
	.level = 0,
	.fill16 = 314,
	.fill16_small = 356,
	.small = 1024,
	.place_at = offsetof(struct hold, frame),
	.mixed = true,
};

bool hold_init(struct share_dom *d)
{
	return lintab_init(&d->holds, &hold_kind, &d->group->mem);
}

void hold_fini(struct share_dom *d)
{
	index_room_put(&d->group->index, &d->index_room);
	lintab_room_put(&d->holds, &d->room);
	lintab_fini(&d->holds);
}

bool hold_prepare_now(struct share_dom *d)
{
	return lintab_room_get(&d->holds, &d->room) &&
	       index_room_get(&d->group->index, &d->index_room);
}

void hold_ask(const struct share_dom *d, uint32_t frame, struct lintab_spot *spot)
{
	lintab_spot_ask(&d->holds, &hold_kind, lintab_mix(frame), spot);
}

/* From where to->at stands: the start of the frame's chain. */
static inline struct hold *search_on(uint32_t frame, struct hold_search *to)
{
	to->frame = frame << 1 | 1;
	to->hold = lintab_next_with(&hold_kind, &to->at, sizeof(struct hold),
				    offsetof(struct hold, frame), to->frame);
	return to->hold;
}

struct hold *hold_search(const struct share_dom *d, uint32_t frame,
			 struct hold_search *to)
{
	lintab_seek(&d->holds, lintab_mix(frame), &to->at);
	return search_on(frame, to);
}

struct hold *hold_find_at(struct share_dom *d, uint32_t frame, struct lintab_spot *spot)
{
	if (d->last.frame == (frame << 1 | 1))
		return d->last.hold;
	lintab_seek_spot(&d->holds, &hold_kind, lintab_mix(frame), spot, &d->last.at);
	return search_on(frame, &d->last);
}

void audit_hold(struct share_dom *d, uint32_t frame, int holds, int64_t mappings)
{
	const struct share_group *g = d->group;

	if (lintab_mix(frame) >= g->share->audit_place)
		return;
	d->seen.holds += (uint64_t)holds;
	d->seen.mappings += (uint64_t)mappings;
	if (group_record(g, frame)->hash == g->zero_hash)
		d->seen.zero += (uint64_t)mappings;
}

/* SHARE5 */
static void changed(struct share_dom *d)
{
	int direction = lintab_step_wanted(&d->holds);

	d->last.frame = 0;
	if (!direction)
		return;
	lintab_step(&d->holds, direction);
	lintab_prefetch_step(&d->holds);
}

/* Where d->last.at stands: in the frame's chain. */
static inline void hold_put(struct share_dom *d, uint32_t frame, uint64_t pfn,
			    uint32_t mappings) needs_lock(&d->lock)
{
	struct hold h = {
		.frame = frame << 1 | 1,
		.pfn = MIN(pfn, HOLD_NO_PFN),
		.mappings = mappings,
	};

	lintab_put(&d->holds, &hold_kind, &d->last.at, &h, &d->room);
	if (unlikely(d->audited))
		audit_hold(d, frame, 1, 0);
	changed(d);
}

void hold_add(struct share_dom *d, uint32_t frame, uint64_t pfn,
	      uint32_t mappings)
{
	CHECK(!hold_find(d, frame));
	hold_put(d, frame, pfn, mappings);
}

void hold_add_first(struct share_dom *d, uint32_t frame, struct lintab_spot *spot,
		    uint64_t pfn, uint32_t mappings)
{
	ASSERT(!hold_find(d, frame));
	lintab_seek_spot(&d->holds, &hold_kind, lintab_mix(frame), spot, &d->last.at);
	hold_put(d, frame, pfn, mappings);
}

void hold_remove(struct share_dom *d, struct hold *h)
{
	CHECK(hold_find(d, h->frame >> 1) == h);
	if (unlikely(d->audited))
		audit_hold(d, h->frame >> 1, -1, 0);
	lintab_cut(&d->holds, &hold_kind, &d->last.at);
	d->holds_ended++;
	changed(d);
}

int share_hold(struct share_dom *d, uint32_t canonical)
{
	struct hold *h;
	int rc = SHARE_OK;

	spin_lock(&d->lock);
	h = hold_find(d, canonical);
	if (!h) {
		rc = SHARE_ERR_NOT_HELD;
	} else if (!hold_has_room(h, 1)) {
		rc = SHARE_ERR_COUNT;
	} else {
		count_add(d, canonical, 1);
		h->mappings++;
		hold_count(d, canonical, 1);
	}
	spin_unlock(&d->lock);
	return rc;
}

bool share_holds(struct share_dom *d, uint32_t canonical, uint32_t *mappings,
		 uint64_t *pfn)
{
	const struct hold *h;

	spin_lock(&d->lock);
	h = hold_find(d, canonical);
	if (h && mappings)
		*mappings = h->mappings;
	if (h && pfn)
		*pfn = hold_pfn(h);
	spin_unlock(&d->lock);
	return h != NULL;
}

uint64_t share_dom_held(const struct share_dom *d)
{
	return lintab_count(&d->holds);
}

void share_dom_each(const struct share_dom *d,
		    void (*fn)(void *arg, uint32_t canonical, uint32_t mappings),
		    void *arg)
{
	struct lintab_cursor c;
	const struct hold *h;

	for (uint32_t n = 0; n < lintab_bucket_count(&d->holds); n++) {
		lintab_seek_bucket(&d->holds, n, &c);
		while ((h = lintab_next(&hold_kind, &c)))
			fn(arg, h->frame >> 1, h->mappings);
	}
}

bool share_dom_one_pfn(struct share_dom *d, bool on)
{
	bool ok;

	spin_lock(&d->lock);
	ok = !on || d->one_pfn || !share_dom_held(d);
	if (ok)
		d->one_pfn = on;
	spin_unlock(&d->lock);
	return ok;
}

void share_dom_set_budget(struct share_dom *d, uint64_t budget)
{
	spin_lock(&d->lock);
	CHECK(share_dom_held(d) <= budget);
	atomic_store_relaxed(&d->budget, budget);
	spin_unlock(&d->lock);
}

bool share_dom_next(struct share_dom *d, uint64_t *cursor, uint32_t *canonical,
		    uint32_t *mappings)
{
	struct hold h;
	bool found;

	spin_lock(&d->lock);
	found = lintab_after(&d->holds, *cursor, &h);
	spin_unlock(&d->lock);
	if (!found)
		return false;
	*cursor = (uint64_t)lintab_place(&hold_kind, &h) + 1;
	*canonical = h.frame >> 1;
	if (mappings)
		*mappings = h.mappings;
	return true;
}

#include <hash/general_regs_end.h>
