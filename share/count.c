/* SPDX-License-Identifier: MIT */
/*
 * The share count of a canonical frame: the sum of all holds' mappings (I12).
 */
#include <hash/general_regs.h>

#include "impl.h"

/* SHARE4 */
static inline void note_audit(const struct share_dom *d, uint32_t frame,
			      uint32_t was, uint32_t is)
{
	if (unlikely(d->audited))
		audit_count(d->group, frame, was, is);
}

/*
 * SHARE3: when a frame's count goes to 1 or leaves 1, exactly one CPU sees
 * that.  Each domain counts its own changes, so that threads do not share a
 * cache line.
 */
static void note_unshared(struct share_dom *d, uint32_t was, uint32_t is)
{
	counter_add(&d->unshared, (is == 1) - (was == 1));
}

uint64_t count_unshared(const struct share_group *g)
{
	int64_t sum = g->unshared_gone;

	for (const struct share_dom *d = g->share->doms; d; d = d->next)
		if (d->group == g)
			sum += (int64_t)counter_get(&d->unshared);
	return (uint64_t)sum;
}

/*
 * The count is a sum of at most SHARE_DOMS_MAX terms, each at most
 * SHARE_DOM_CAP.
 */
_Static_assert((uint64_t)SHARE_DOMS_MAX * SHARE_DOM_CAP <= UINT32_MAX / 2,
	       "far from the field's width");

void count_add(struct share_dom *d, uint32_t frame, uint32_t mappings)
{
	uint32_t *count = &group_record(d->group, frame)->count;
	uint32_t was = atomic_fetch_add(count, mappings);

	CHECK(was + mappings <= SHARE_COUNT_CAP);
	note_unshared(d, was, was + mappings);
	note_audit(d, frame, was, was + mappings);
}

void count_sub(struct share_dom *d, uint32_t frame, uint32_t mappings)
{
	uint32_t *count = &group_record(d->group, frame)->count;
	uint32_t was = atomic_fetch_sub(count, mappings);

	CHECK(was >= mappings);
	note_unshared(d, was, was - mappings);
	note_audit(d, frame, was, was - mappings);
}

#include <hash/general_regs_end.h>
