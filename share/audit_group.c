/* SPDX-License-Identifier: MIT */
/*
 * What the frames and the index say by themselves (I11, I12, I13), and a
 * group's counters.
 */
#include <hash/general_regs.h>

#include "impl.h"

#define TAGS	(1ULL << 32)

void audit_count(struct share_group *g, uint32_t frame, uint32_t was,
		 uint32_t is)
{
	struct audited_group *seen = &g->seen;

	if (index_tag(group_record(g, frame)->hash) >= g->audit_tag)
		return;
	atomic_fetch_add(&seen->mappings, (uint64_t)is - was);
	atomic_fetch_add(&seen->frames, (uint64_t)(is != 0) - (was != 0));
	atomic_fetch_add(&seen->unshared, (uint64_t)(is == 1) - (was == 1));
}

void audit_group_forget(struct share_group *g)
{
	g->audit_tag = 0;
	g->seen = (struct audited_group){ 0 };
}

/*
 * Look at the other frames with the same hash: is the same frame in the index
 * twice, or the same content?  One such frame before this one is enough to
 * report it.
 */
static locks_unchecked void check_chain(struct share_group *g, uint32_t frame)
{
	const struct share_record *r = group_record(g, frame);
	const void *page = group_page(g, frame);
	struct share *s = g->share;
	struct lintab_cursor c;
	uint32_t other, same = 0;
	bool twin = false;

	index_seek(&g->index, r->hash, &c);
	while (index_next(&g->index, r->hash, &c, &other)) {
		same += other == frame;
		if (twin || other >= frame ||
		    group_record(g, other)->hash != r->hash)
			continue;
		twin = s->fns->equal(page, group_page(g, other));
	}
	audit_expect(s, "I11 frame", frame, "index entries", same, 1);
	g->seen.twins += twin;
}

static void check_frame(struct share_group *g, uint32_t frame, uint32_t tag)
{
	const struct share_record *r = group_record(g, frame);
	struct share *s = g->share;
	bool zero;
	uint64_t hash = group_hash(g, group_page(g, frame), &zero);

	if (!replica_of(hash, r->hash))
		audit_wrong(s, "I11 frame", frame, "stored hash", r->hash,
			    hash);
	audit_expect(s, "I11 frame", frame, "replica",
		     !!(r->next & FOLLOW_REPLICA), hash != r->hash);
	audit_expect(s, "I11 frame", frame, "index tag", tag, index_tag(r->hash));
	audit_expect(s, "I13 frame", frame, "group", r->group, g->id);
	if (!r->count)
		audit_wrong(s, "I12 frame", frame, "count", 0, 1);
	if (!r->holders)
		audit_wrong(s, "I12 frame", frame, "holders", 0, 1);
	g->seen.frames++;
	g->seen.mappings += r->count;
	g->seen.unshared += r->count == 1;
}

/*
 * One bucket from tag `from` on (a step of the index may have moved the
 * buckets' ends).
 */
static void check_bucket(struct share_group *g, uint32_t bucket, uint64_t from)
{
	struct lintab_cursor c = { .chunk = NULL };
	uint32_t next = bucket, tag, frame;

	while (index_walk(&g->index, &next, &c, &tag, &frame) &&
	       next == bucket + 1) {
		if (tag < from)
			continue;
		check_frame(g, frame, tag);
		check_chain(g, frame);
	}
}

/*
 * False: this part has no room for the bucket.  A frame counts as two pages, as
 * it may be compared with another one (with more only if 64-bit keyed hashes
 * collide).
 */
static bool audit_bucket(struct share *s, struct share_group *g, uint64_t at)
{
	struct lintab *t = &g->index.table;
	uint32_t bucket = lintab_bucket_number(lintab_shape(t), (uint32_t)at);
	uint64_t entries;
	bool valid = lintab_bucket_is_valid(t, bucket, &entries);

	if (s->audit.buckets == SHARE_AUDIT_HOLDS ||
	    (s->audit.frames && 2 * (s->audit.frames + entries) > SHARE_AUDIT_PAGES))
		return false;
	s->audit.buckets++;
	s->audit.frames += entries;
	ASSERT(2 * s->audit.frames <= SHARE_AUDIT_PAGES ||
	       s->audit.frames == entries);
	g->seen.inconsistent |= !valid;
	check_bucket(g, bucket, at);
	return true;
}

/* All zero frames have one tag, so they are seen at once. */
static locks_unchecked uint64_t count_zero_frames(const struct share_group *g)
{
	struct lintab_cursor c;
	uint64_t zero = 0;
	uint32_t frame;

	index_seek(&g->index, g->zero_hash, &c);
	while (index_next(&g->index, g->zero_hash, &c, &frame))
		zero += group_record(g, frame)->hash == g->zero_hash;
	return zero;
}

static uint64_t count_mappings(const struct share_group *g)
{
	uint64_t mappings = 0;

	for (const struct share_dom *d = g->share->doms; d; d = d->next)
		if (d->group == g)
			mappings += d->mappings;
	return mappings;
}

static void check_group(struct share *s, const struct share_group *g)
{
	if (g->seen.inconsistent)
		audit_wrong(s, "I11 group", g->id, "valid index", 0, 1);
	audit_expect(s, "I11 group", g->id, "index entries",
		     index_count(&g->index), g->seen.frames);
	if (g->seen.twins > counter_get(&g->twins))
		audit_wrong(s, "I11 group", g->id, "equal pages",
			    g->seen.twins, counter_get(&g->twins));
	audit_expect(s, "I12 group", g->id, "unshared", count_unshared(g),
		     g->seen.unshared);
	audit_expect(s, "I12 group", g->id, "zero frames", g->zero_frames,
		     count_zero_frames(g));
	/* Errors of a frame or a domain would show in these sums again. */
	if (!s->audit.errors)
		audit_expect(s, "I12 group", g->id, "sum of counts",
			     g->seen.mappings, count_mappings(g));
}

enum progress audit_group(struct share *s, struct share_group *g)
{
	uint64_t at = g->audit_tag;

	while (at < TAGS && audit_bucket(s, g, at))
		at = lintab_range_end(&g->index.table, (uint32_t)at);
	g->audit_tag = at;
	if (at < TAGS)
		return MORE;
	check_group(s, g);
	audit_group_forget(g);
	return DONE;
}

#include <hash/general_regs_end.h>
