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

	if (mfn_n(first) >= mfn_n(end))
		return true;
	while (i < set->count && mfn_n(set->r[i].end) < mfn_n(first))
		i++;
	for (j = i; j < set->count && mfn_n(set->r[j].first) <= mfn_n(end); j++) {
		all.first = mfn_min(all.first, set->r[j].first);
		all.end = mfn_max(all.end, set->r[j].end);
	}
	return replace(set, i, j, &all, 1);
}

bool ranges_subtract(struct ranges *set, mfn_t first, mfn_t end)
{
	struct ram_range left[2];
	unsigned int i = 0, j, n = 0;

	if (mfn_n(first) >= mfn_n(end))
		return true;
	while (i < set->count && mfn_n(set->r[i].end) <= mfn_n(first))
		i++;
	for (j = i; j < set->count && mfn_n(set->r[j].first) < mfn_n(end); j++)
		continue;
	if (i == j)
		return true;
	if (mfn_n(set->r[i].first) < mfn_n(first))
		left[n++] = (struct ram_range){ set->r[i].first, first };
	if (mfn_n(set->r[j - 1].end) > mfn_n(end))
		left[n++] = (struct ram_range){ end, set->r[j - 1].end };
	return replace(set, i, j, left, n);
}

static unsigned int smallest(const struct ranges *set)
{
	unsigned int i, s = 0;

	for (i = 1; i < set->count; i++)
		if (mfn_n(set->r[i].end) - mfn_n(set->r[i].first) <
		    mfn_n(set->r[s].end) - mfn_n(set->r[s].first))
			s = i;
	return s;
}

uint64_t ranges_keep_largest(struct ranges *set, unsigned int count)
{
	uint64_t dropped = 0;
	unsigned int s;

	while (set->count > count) {
		s = smallest(set);
		dropped += mfn_n(set->r[s].end) - mfn_n(set->r[s].first);
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
		if (mfn_n(set->r[i].first) <= mfn_n(first) && mfn_n(end) <= mfn_n(set->r[i].end))
			return true;
	return mfn_n(first) >= mfn_n(end);
}

uint64_t ranges_frames(const struct ranges *set)
{
	uint64_t frames = 0;
	unsigned int i;

	for (i = 0; i < set->count; i++)
		frames += mfn_n(set->r[i].end) - mfn_n(set->r[i].first);
	return frames;
}
