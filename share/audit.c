/* SPDX-License-Identifier: MIT */
/*
 * share_audit(): I11-I13 from nothing.
 *
 * Counting needs no memory: every hold takes its mappings and itself out of its
 * frame's record, then every record of a canonical frame must be at zero, then every hold
 * puts them back.  (Nothing may run meanwhile.)  Cost: the holds, plus a hash of every
 * canonical frame.
 */
#include "impl.h"

#define MESSAGE_BYTES 160

struct audit {
	struct share *s;
	void (*report)(void *ctx, const char *msg);
	void *ctx;
	uint64_t errors, cross_group;
};

struct message {
	char text[MESSAGE_BYTES];
	size_t length;
};

static void put_text(struct message *m, const char *text)
{
	while (*text && m->length < MESSAGE_BYTES - 1)
		m->text[m->length++] = *text++;
	m->text[m->length] = '\0';
}

static void put_number(struct message *m, uint64_t n)
{
	char digits[21];
	unsigned int at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = '0' + n % 10;
		n /= 10;
	} while (n);
	put_text(m, digits + at);
}

/* "I12 frame 7: what 3, should be 4" */
static void error(struct audit *a, const char *rule, uint64_t frame,
		  const char *what, uint64_t is, uint64_t should_be)
{
	struct message m = { .length = 0 };

	a->errors++;
	put_text(&m, rule);
	put_text(&m, " ");
	put_number(&m, frame);
	put_text(&m, ": ");
	put_text(&m, what);
	put_text(&m, " ");
	put_number(&m, is);
	put_text(&m, ", should be ");
	put_number(&m, should_be);
	if (a->report)
		a->report(a->ctx, m.text);
}

static void expect(struct audit *a, const char *rule, uint64_t frame,
		   const char *what, uint64_t is, uint64_t should_be)
{
	if (is != should_be)
		error(a, rule, frame, what, is, should_be);
}

/* Call `each` for every hold of a domain; holds do not change meanwhile. */
static void each_hold(struct audit *a, struct share_dom *d,
		      void (*each)(struct audit *a, struct share_dom *d,
				   const struct hold *h))
{
	struct lintab_cursor c;
	const struct hold *h;

	for (uint32_t n = 0; n < lintab_bucket_count(&d->holds); n++) {
		lintab_seek_bucket(&d->holds, n, &c);
		while ((h = lintab_next(d->holds.kind, &c)))
			each(a, d, h);
	}
}

static void each_dom_hold(struct audit *a,
			  void (*each)(struct audit *a, struct share_dom *d,
				       const struct hold *h))
{
	for (struct share_dom *d = a->s->doms; d; d = d->next)
		each_hold(a, d, each);
}

static void take_out(struct audit *a, struct share_dom *d, const struct hold *h)
{
	struct share_record *r = group_record(d->group, h->frame >> 1);

	r->count -= h->mappings;
	r->holders--;
}

static void put_back(struct audit *a, struct share_dom *d, const struct hold *h)
{
	struct share_record *r = group_record(d->group, h->frame >> 1);

	r->count += h->mappings;
	r->holders++;
}

/* Does a domain before d in the list hold the frame for another group too? */
static bool cross_known(const struct audit *a, const struct share_dom *d,
			uint32_t frame, uint16_t group)
{
	for (struct share_dom *o = a->s->doms; o != d; o = o->next)
		if (o->group->id != group && hold_find(o, frame))
			return true;
	return false;
}

static void check_hold(struct audit *a, struct share_dom *d,
		       const struct hold *h)
{
	uint32_t frame = h->frame >> 1;
	const struct share_record *r = group_record(d->group, frame);

	if (r->group != d->group->id) {
		error(a, "I13 frame", frame, "its group is", r->group,
		      d->group->id);
		a->cross_group += !cross_known(a, d, frame, r->group);
	} else if (!index_has(&d->group->index, r->hash, frame)) {
		error(a, "I11 frame", frame, "index entries", 0, 1);
	}
	if (!h->mappings)
		error(a, "I12 frame", frame, "mappings of a hold", 0, 1);
}

/* With the holds taken out. */
static void check_counts(struct audit *a, const struct share_record *r,
			 uint32_t frame)
{
	expect(a, "I12 frame", frame, "count less all mappings", r->count, 0);
	expect(a, "I12 frame", frame, "holders less all holds", r->holders, 0);
}

/* Other frames with the same hash: the same frame twice, or the same content. */
static void check_chain(struct audit *a, struct share_group *g, uint32_t frame,
			uint64_t *twins)
{
	const struct share_record *r = group_record(g, frame);
	const void *page = group_page(g, frame);
	struct lintab_cursor c;
	uint32_t other, same = 0;
	bool twin = false;

	index_seek(&g->index, r->hash, &c);
	while (index_next(&g->index, r->hash, &c, &other)) {
		same += other == frame;
		if (other < frame && group_record(g, other)->hash == r->hash)
			twin |= g->share->fns->equal(page, group_page(g, other));
	}
	expect(a, "I11 frame", frame, "index entries", same, 1);
	*twins += twin;
}

static void check_frame(struct audit *a, struct share_group *g, uint32_t frame,
			uint32_t tag)
{
	const struct share_record *r = group_record(g, frame);
	bool zero;
	uint64_t hash = group_hash(g, group_page(g, frame), &zero);

	if (hash != r->hash)
		error(a, "I11 frame", frame, "stored hash", r->hash, hash);
	expect(a, "I11 frame", frame, "index tag", tag, index_tag(hash));
	expect(a, "I13 frame", frame, "group", r->group, g->id);
	if (!r->count || r->count > SHARE_COUNT_CAP)
		error(a, "I12 frame", frame, "count", r->count, SHARE_COUNT_CAP);
	if (!r->holders)
		error(a, "I12 frame", frame, "holders", 0, 1);
}

struct walk {
	uint32_t bucket, tag, frame;
	struct lintab_cursor cursor;
};

static bool walk_next(struct share_group *g, struct walk *w)
{
	return index_walk(&g->index, &w->bucket, &w->cursor, &w->tag, &w->frame);
}

/* What the frames and the index say by themselves, and the group's counters. */
static void audit_group(struct audit *a, struct share_group *g)
{
	uint64_t twins = 0, unshared = 0, zero = 0;
	struct walk w = { 0 };

	if (!index_is_valid(&g->index))
		error(a, "I11 group", g->id, "valid index", 0, 1);
	while (walk_next(g, &w)) {
		check_frame(a, g, w.frame, w.tag);
		check_chain(a, g, w.frame, &twins);
		unshared += group_record(g, w.frame)->count == 1;
		zero += group_record(g, w.frame)->hash == g->zero_hash;
	}
	if (twins > counter_get(&g->twins))
		error(a, "I11 group", g->id, "equal pages", twins,
		      counter_get(&g->twins));
	expect(a, "I12 group", g->id, "unshared", count_unshared(g), unshared);
	expect(a, "I12 group", g->id, "zero frames", g->zero_frames, zero);
}

static void audit_group_counts(struct audit *a, struct share_group *g)
{
	struct walk w = { 0 };

	while (walk_next(g, &w))
		check_counts(a, group_record(g, w.frame), w.frame);
}

static void each_group(struct audit *a,
		       void (*each)(struct audit *a, struct share_group *g))
{
	for (unsigned int i = 0; i < GROUP_BUCKETS; i++)
		for (struct share_group *g = a->s->groups[i]; g; g = g->next)
			each(a, g);
}

/* S2 */
static void audit_dom(struct audit *a, struct share_dom *d)
{
	uint64_t mappings = 0, zero = 0;
	struct lintab_cursor c;
	const struct hold *h;

	for (uint32_t n = 0; n < lintab_bucket_count(&d->holds); n++) {
		lintab_seek_bucket(&d->holds, n, &c);
		while ((h = lintab_next(d->holds.kind, &c))) {
			uint64_t hash = group_record(d->group, h->frame >> 1)->hash;

			mappings += h->mappings;
			zero += hash == d->group->zero_hash ? h->mappings : 0;
		}
	}
	if (!lintab_is_valid(&d->holds))
		error(a, "I12 domain of group", d->group->id, "valid holds", 0, 1);
	if (share_dom_held(d) > d->budget)
		error(a, "I12 domain of group", d->group->id, "held",
		      share_dom_held(d), d->budget);
	expect(a, "I12 domain of group", d->group->id, "mappings", d->mappings,
	       mappings);
	expect(a, "I12 domain of group", d->group->id, "zero mappings",
	       d->zero_mappings, zero);
}

uint64_t share_audit(struct share *s, void (*report)(void *ctx, const char *msg),
		     void *ctx, uint64_t *cross_group)
{
	struct audit a = { .s = s, .report = report, .ctx = ctx };

	spin_lock(&s->lock);
	each_group(&a, audit_group);
	each_dom_hold(&a, check_hold);
	for (struct share_dom *d = s->doms; d; d = d->next)
		audit_dom(&a, d);
	each_dom_hold(&a, take_out);
	each_group(&a, audit_group_counts);
	each_dom_hold(&a, put_back);
	spin_unlock(&s->lock);
	if (cross_group)
		*cross_group = a.cross_group;
	return a.errors;
}
