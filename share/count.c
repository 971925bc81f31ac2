/* SPDX-License-Identifier: MIT */
/*
 * The share count of a canonical frame: the sum of all holds' mappings (I12).
 */
#include <hash/general_regs.h>

#include "impl.h"

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

void count_sub(struct share_dom *d, uint32_t frame, uint32_t mappings)
{
	uint32_t *count = &group_record(d->group, frame)->count;
	uint32_t was = atomic_fetch_sub(count, mappings);

	CHECK(was >= mappings);
	count_note(d, frame, was, was - mappings);
}

#include <hash/general_regs_end.h>
