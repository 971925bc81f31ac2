/* SPDX-License-Identifier: MIT */
/*
 * What users call on a lintab; blocks are in lintab_blocks.c, steps in
 * lintab_step.c.
 */
#include <hash/general_regs.h>

#include "lintab_chain.h"

#define REVERSED_2(n)	(n), (n) + 128, (n) + 64, (n) + 192
#define REVERSED_4(n)	REVERSED_2(n), REVERSED_2((n) + 32), REVERSED_2((n) + 16), REVERSED_2((n) + 48)
#define REVERSED_6(n)	REVERSED_4(n), REVERSED_4((n) + 8), REVERSED_4((n) + 4), REVERSED_4((n) + 12)

const uint8_t lintab_reversed[256] = {
	REVERSED_6(0), REVERSED_6(2), REVERSED_6(1), REVERSED_6(3),
};

bool lintab_room_get(struct lintab *t, struct lintab_room *room)
{
	if (!room->node)
		room->node = lintab_alloc(t, t->kind->node_bytes);
	return room->node != NULL;
}

void lintab_room_put(struct lintab *t, struct lintab_room *room)
{
	if (room->node)
		lintab_free(t, room->node, t->kind->node_bytes);
	*room = (struct lintab_room){ NULL };
}

/* The smallest place >= from in the chain of `from`'s bucket. */
static bool chain_after(const struct lintab *t, uint32_t from, void *entry)
{
	struct lintab_cursor c;
	uint32_t best = 0;
	bool found = false;
	void *e;

	lintab_seek(t, from, &c);
	while ((e = lintab_next(t->kind, &c))) {
		uint32_t place = lintab_place(t->kind, e);

		if (place < from || (found && place >= best))
			continue;
		best = place;
		found = true;
		memcpy(entry, e, t->kind->entry_bytes);
	}
	return found;
}

uint64_t lintab_range_end(const struct lintab *t, uint32_t place)
{
	struct lintab_shape s = lintab_shape(t);
	uint32_t slots = s.slots + (lintab_group(place, s.level) < s.split);
	uint64_t ranges = (uint64_t)slots << s.level;
	uint64_t range = place * ranges >> 32;

	/* Rounded up: the first place with place * ranges >> 32 > range. */
	return (((range + 1) << 32) + ranges - 1) / ranges;
}

bool lintab_after(const struct lintab *t, uint64_t from, void *entry)
{
	while (from <= UINT32_MAX) {
		if (chain_after(t, from, entry))
			return true;
		from = lintab_range_end(t, from);
	}
	return false;
}

#include <hash/general_regs_end.h>
