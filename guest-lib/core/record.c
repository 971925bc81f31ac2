/* SPDX-License-Identifier: MIT */
/*
 * Which guest pages this kernel offered and has not broken since: one bit a
 * pfn.  Plain stores: the caller holds the share lock.
 */
#include "general_regs.h"

#include "impl.h"

#include <xen/errno.h>

bool gl_record_test(const struct gl_share *s, uint64_t pfn)
{
	return pfn < s->record_pfns && (s->record[pfn / 64] >> (pfn % 64) & 1);
}

bool gl_record_set(struct gl_share *s, uint64_t pfn)
{
	if (pfn >= s->record_pfns)
		return false;
	s->record[pfn / 64] |= 1ULL << (pfn % 64);
	return true;
}

void gl_record_clear(struct gl_share *s, uint64_t pfn)
{
	if (pfn < s->record_pfns)
		s->record[pfn / 64] &= ~(1ULL << (pfn % 64));
}

/* Is a page from `first` on shared? */
static bool any_from(const struct gl_share *s, uint64_t first)
{
	for (uint64_t pfn = first; pfn < s->record_pfns; pfn++)
		if (gl_record_test(s, pfn))
			return true;
	return false;
}

static long move_locked(struct gl_share *s, uint64_t *record, uint64_t pfns)
{
	uint64_t old = (s->record_pfns + 63) / 64;

	if (any_from(s, pfns))
		return -XEN_EINVAL;
	for (uint64_t i = 0; i < (pfns + 63) / 64; i++)
		record[i] = i < old ? s->record[i] : 0;
	s->record = record;
	s->record_pfns = pfns;
	return 0;
}

long gl_share_record_move(struct gl_share *s, uint64_t *record, uint64_t pfns)
{
	unsigned long state = s->ops->lock(s->ctx);
	long rc = move_locked(s, record, pfns);

	s->ops->unlock(s->ctx, state);
	return rc;
}

bool gl_share_is_shared(struct gl_share *s, uint64_t pfn)
{
	unsigned long state = s->ops->lock(s->ctx);
	bool shared = gl_record_test(s, pfn);

	s->ops->unlock(s->ctx, state);
	return shared;
}

#include "general_regs_end.h"
