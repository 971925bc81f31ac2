/* SPDX-License-Identifier: MIT */
/* The share count of a canonical frame: the sum of all holds' mappings (I12). */
#include "impl.h"

/* S4 */
static inline void note_audit(struct share_group *g, uint32_t frame,
			      uint32_t was, uint32_t is)
{
	if (unlikely(g->audit_tag))
		audit_count(g, frame, was, is);
}

/* S3: the frame that goes to or from one mapping is seen by exactly one CPU. */
static void note_unshared(struct share_group *g, uint32_t frame, uint32_t was,
			  uint32_t is)
{
	int64_t change = (is == 1) - (was == 1);

	if (change)
		__atomic_fetch_add(&g->part[frame % GROUP_PARTS].unshared,
				   change, __ATOMIC_RELAXED);
}

uint64_t count_unshared(const struct share_group *g)
{
	int64_t sum = 0;

	for (unsigned int i = 0; i < GROUP_PARTS; i++)
		sum += __atomic_load_n(&g->part[i].unshared, __ATOMIC_RELAXED);
	return MAX(sum, 0);
}

bool count_add(struct share_group *g, uint32_t frame, uint32_t mappings)
{
	uint32_t *count = &group_record(g, frame)->count;
	uint32_t was = __atomic_load_n(count, __ATOMIC_RELAXED);

	do {
		if (was > SHARE_COUNT_CAP || mappings > SHARE_COUNT_CAP - was)
			return false;
	} while (!__atomic_compare_exchange_n(count, &was, was + mappings,
					      false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	note_unshared(g, frame, was, was + mappings);
	note_audit(g, frame, was, was + mappings);
	return true;
}

void count_sub(struct share_group *g, uint32_t frame, uint32_t mappings)
{
	uint32_t *count = &group_record(g, frame)->count;
	uint32_t was = __atomic_fetch_sub(count, mappings, __ATOMIC_RELAXED);

	CHECK(was >= mappings);
	note_unshared(g, frame, was, was - mappings);
	note_audit(g, frame, was, was - mappings);
}
