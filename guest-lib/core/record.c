/* SPDX-License-Identifier: MIT */
/*
 * Which guest pages this kernel offered and has not broken since: one bit a
 * pfn.  Plain stores: the caller holds the share lock.
 */
#include "general_regs.h"

#include "impl.h"

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

bool gl_share_is_shared(struct gl_share *s, uint64_t pfn)
{
	unsigned long state = s->ops->lock(s->ctx);
	bool shared = gl_record_test(s, pfn);

	s->ops->unlock(s->ctx, state);
	return shared;
}

#include "general_regs_end.h"
