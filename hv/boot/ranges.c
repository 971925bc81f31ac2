/* SPDX-License-Identifier: MIT */
/*
 * Sets of frames.  Both changes work on the ranges [i, j) that overlap (or, for
 * adding, touch) the given one, and put none, one or two in their place.
 */
#include "boot/ranges.h"
#include "lib/string.h"

/* Replace ranges [i, j) by the `n` of `by`. */
static bool replace(struct ranges *set, unsigned int i, unsigned int j,
		    const struct ram_range *by, unsigned int n)
{
	if (set->count - (j - i) + n > RANGES_MAX)
		return false;
	memmove(&set->r[i + n], &set->r[j],
		(set->count - j) * sizeof(set->r[0]));
	if (n)
		memcpy(&set->r[i], by, n * sizeof(by[0]));
	set->count += n - (j - i);
	return true;
}

bool ranges_add(struct ranges *set, mfn_t first, mfn_t end)
{
	struct ram_range all = { first, end };
	unsigned int i = 0, j;

	if (first >= end)
		return true;
	while (i < set->count && set->r[i].end < first)
		i++;
	for (j = i; j < set->count && set->r[j].first <= end; j++) {
		all.first = MIN(all.first, set->r[j].first);
		all.end = MAX(all.end, set->r[j].end);
	}
	return replace(set, i, j, &all, 1);
}

bool ranges_subtract(struct ranges *set, mfn_t first, mfn_t end)
{
	struct ram_range left[2];
	unsigned int i = 0, j, n = 0;

	if (first >= end)
		return true;
	while (i < set->count && set->r[i].end <= first)
		i++;
	for (j = i; j < set->count && set->r[j].first < end; j++)
		continue;
	if (i == j)
		return true;
	if (set->r[i].first < first)
		left[n++] = (struct ram_range){ set->r[i].first, first };
	if (set->r[j - 1].end > end)
		left[n++] = (struct ram_range){ end, set->r[j - 1].end };
	return replace(set, i, j, left, n);
}

static unsigned int smallest(const struct ranges *set)
{
	unsigned int i, s = 0;

	for (i = 1; i < set->count; i++)
		if (set->r[i].end - set->r[i].first <
		    set->r[s].end - set->r[s].first)
			s = i;
	return s;
}

uint64_t ranges_keep_largest(struct ranges *set, unsigned int count)
{
	uint64_t dropped = 0;
	unsigned int s;

	while (set->count > count) {
		s = smallest(set);
		dropped += set->r[s].end - set->r[s].first;
		memmove(&set->r[s], &set->r[s + 1],
			(set->count - s - 1) * sizeof(set->r[0]));
		set->count--;
	}
	return dropped;
}

bool ranges_contain(const struct ranges *set, mfn_t first, mfn_t end)
{
	unsigned int i;

	for (i = 0; i < set->count; i++)
		if (set->r[i].first <= first && end <= set->r[i].end)
			return true;
	return first >= end;
}

bool ranges_intersect(const struct ranges *set, mfn_t first, mfn_t end)
{
	unsigned int i;

	for (i = 0; i < set->count; i++)
		if (set->r[i].first < end && first < set->r[i].end)
			return true;
	return false;
}

uint64_t ranges_frames(const struct ranges *set)
{
	uint64_t frames = 0;
	unsigned int i;

	for (i = 0; i < set->count; i++)
		frames += set->r[i].end - set->r[i].first;
	return frames;
}
