/* SPDX-License-Identifier: MIT */
/*
 * The audit: I11-I13 from nothing, in parts.
 *
 * First the holds.  A part takes a range of places (share/hold.c: a frame has
 * the same place in each domain's table), in which there are no more holds than
 * share.h says, and all holds of a frame are in one part.  Counting needs no
 * memory: each hold subtracts its mappings and itself from its frame's record,
 * then every record must be at zero, then each hold adds them again.  After the
 * holds comes the index (audit_group.c), for what no hold tells.
 *
 * All that is said of one frame is said in one part.  A sum over a domain or a
 * group grows over many parts; a change behind the audit's place is added to it
 * (SHARE4), so at the end of the walk the sum is that of one moment.  A frame
 * without any hold shows in the sum of its group's counts, which is looked at
 * if nothing else is wrong.
 *
 * Cost: a few looks at each hold, and a hash of every canonical frame.
 */
#include <hash/general_regs.h>

#include "impl.h"

#define MESSAGE_BYTES	160
#define PLACES		(1ULL << 32)

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
void audit_wrong(struct share *s, const char *rule, uint64_t which,
		 const char *what, uint64_t is, uint64_t should_be)
{
	struct message m = { .length = 0 };

	s->audit.errors++;
	put_text(&m, rule);
	put_text(&m, " ");
	put_number(&m, which);
	put_text(&m, ": ");
	put_text(&m, what);
	put_text(&m, " ");
	put_number(&m, is);
	put_text(&m, ", should be ");
	put_number(&m, should_be);
	if (s->audit.report)
		s->audit.report(s->audit.ctx, m.text);
}

void audit_expect(struct share *s, const char *rule, uint64_t which,
		  const char *what, uint64_t is, uint64_t should_be)
{
	if (is != should_be)
		audit_wrong(s, rule, which, what, is, should_be);
}

/* --- a range of places --- */

struct range {
	uint64_t from, end;
};

typedef void hold_fn(struct share *s, struct share_dom *d,
		     const struct hold *h);

static bool in_range(const struct range *r, const struct share_dom *d,
		     const struct hold *h)
{
	uint32_t place = lintab_place(d->holds.kind, h);

	return place >= r->from && place < r->end;
}

/* The first hold of the range from `at` on, in its bucket; NULL: none there. */
static const struct hold *next_in(const struct range *r,
				  const struct share_dom *d,
				  struct lintab_cursor *c)
{
	const struct hold *h;

	while ((h = lintab_next(d->holds.kind, c)))
		if (in_range(r, d, h))
			return h;
	return NULL;
}

static void each_dom_hold(struct share *s, const struct range *r,
			  struct share_dom *d, hold_fn *each)
{
	struct lintab_cursor c;
	const struct hold *h;

	for (uint64_t at = r->from; at < r->end;
	     at = lintab_range_end(&d->holds, (uint32_t)at)) {
		lintab_seek(&d->holds, (uint32_t)at, &c);
		while ((h = next_in(r, d, &c)))
			each(s, d, h);
	}
}

static void each_hold(struct share *s, const struct range *r, hold_fn *each)
{
	for (struct share_dom *d = s->doms; d; d = d->next)
		each_dom_hold(s, r, d, each);
}

/* How many holds are in the range; more than `most`: it stopped there. */
static uint64_t holds_in(const struct share *s, const struct range *r, uint64_t most)
{
	uint64_t holds = 0;

	for (const struct share_dom *d = s->doms; d; d = d->next) {
		struct lintab_cursor c;
		uint64_t at = r->from;

		for (; at < r->end && holds <= most;
		     at = lintab_range_end(&d->holds, (uint32_t)at)) {
			lintab_seek(&d->holds, (uint32_t)at, &c);
			while (next_in(r, d, &c))
				holds++;
		}
	}
	return holds;
}

/*
 * Places are well mixed: a range for half of what a part may look at nearly
 * always has no more than all.
 */
static struct range range_choose(const struct share *s)
{
	struct range r = { s->audit_place, PLACES };
	uint64_t all = 0, most = 0, aim;

	for (const struct share_dom *d = s->doms; d; d = d->next) {
		all += share_dom_held(d);
		most += SHARE_AUDIT_EACH;
	}
	most = MAX(most, (uint64_t)SHARE_AUDIT_HOLDS);
	aim = most / 2;
	if (all > aim)
		r.end = MIN(PLACES, r.from + MAX(PLACES * aim / all, 1ULL));
	while (holds_in(s, &r, most) > most && r.end - r.from > 1)
		r.end = r.from + (r.end - r.from) / 2;
	return r;
}

/* --- holds --- */

static void take_out(struct share *s, struct share_dom *d,
		     const struct hold *h)
{
	struct share_record *r = group_record(d->group, h->frame >> 1);

	r->count -= h->mappings;
	r->holders--;
}

static void put_back(struct share *s, struct share_dom *d,
		     const struct hold *h)
{
	struct share_record *r = group_record(d->group, h->frame >> 1);

	r->count += h->mappings;
	r->holders++;
}

/*
 * Does a domain before d in the list hold the frame, for a group other than
 * `group`?
 */
static locks_unchecked bool held_before(const struct share *s, const struct share_dom *d,
			uint32_t frame, int group)
{
	struct hold_search search;

	for (const struct share_dom *o = s->doms; o != d; o = o->next)
		if (o->group->id != group && hold_search(o, frame, &search))
			return true;
	return false;
}

/* Called while the holds are subtracted; each frame is reported once. */
static void check_counts(struct share *s, struct share_dom *d,
			 const struct hold *h)
{
	uint32_t frame = h->frame >> 1;
	const struct share_record *r = group_record(d->group, frame);

	if ((!r->count && !r->holders) || held_before(s, d, frame, -1))
		return;
	audit_expect(s, "I12 frame", frame, "count less all mappings",
		     r->count, 0);
	audit_expect(s, "I12 frame", frame, "holders less all holds",
		     r->holders, 0);
}

static locks_unchecked void check_hold(struct share *s, struct share_dom *d,
		       const struct hold *h)
{
	uint32_t frame = h->frame >> 1;
	const struct share_record *r = group_record(d->group, frame);

	if (r->group != d->group->id) {
		audit_wrong(s, "I13 frame", frame, "its group is", r->group,
			    d->group->id);
		s->audit.cross_group += !held_before(s, d, frame, r->group);
	} else if (!index_has(&d->group->index, r->hash, frame)) {
		audit_wrong(s, "I11 frame", frame, "index entries", 0, 1);
	}
	if (!h->mappings || h->mappings > SHARE_DOM_CAP)
		audit_wrong(s, "I12 frame", frame, "mappings of a hold",
			    h->mappings, h->mappings ? SHARE_DOM_CAP : 1);
	d->seen.holds++;
	d->seen.mappings += h->mappings;
	if (r->hash == d->group->zero_hash)
		d->seen.zero += h->mappings;
}

/* The tables themselves: every bucket that the range touches. */
static void check_tables(struct share *s, const struct range *r)
{
	uint64_t entries;

	for (struct share_dom *d = s->doms; d; d = d->next)
		for (uint64_t at = r->from; at < r->end;
		     at = lintab_range_end(&d->holds, (uint32_t)at))
			d->seen.inconsistent |= !lintab_bucket_is_valid(&d->holds,
				lintab_bucket_number(lintab_shape(&d->holds),
						     (uint32_t)at), &entries);
}

static void audit_holds(struct share *s)
{
	struct range r = range_choose(s);

	check_tables(s, &r);
	each_hold(s, &r, check_hold);
	each_hold(s, &r, take_out);
	each_hold(s, &r, check_counts);
	each_hold(s, &r, put_back);
	s->audit_place = r.end;
}

/* SHARE5 */
static locks_unchecked void audit_search(struct share *s, const struct share_dom *d)
{
	struct hold_search now;

	if (d->last.frame)
		audit_expect(s, "SHARE5 domain of group", d->group->id, "last search",
			     (uintptr_t)d->last.hold,
			     (uintptr_t)hold_search(d, d->last.frame >> 1, &now));
}

/* SHARE2 */
static void audit_dom(struct share *s, const struct share_dom *d)
{
	const char *who = "I12 domain of group";
	uint64_t id = d->group->id, held = share_dom_held(d);

	if (d->seen.inconsistent)
		audit_wrong(s, who, id, "valid holds", 0, 1);
	if (held > d->budget)
		audit_wrong(s, who, id, "held, more than its budget", held,
			    d->budget);
	audit_expect(s, who, id, "held", held, d->seen.holds);
	audit_expect(s, who, id, "mappings", d->mappings, d->seen.mappings);
	audit_expect(s, who, id, "zero mappings", d->zero_mappings,
		     d->seen.zero);
	audit_search(s, d);
}

/* --- the parts --- */

/* The group with the smallest id that is not done. */
static struct share_group *next_group(const struct share *s)
{
	struct share_group *next = NULL;

	for (unsigned int i = 0; i < GROUP_BUCKETS; i++)
		for (struct share_group *g = s->groups[i]; g; g = g->next)
			if (g->id >= s->audit.group && (!next || g->id < next->id))
				next = g;
	return next;
}

static void forget(struct share *s, bool audited)
{
	s->audit_place = 0;
	for (struct share_dom *d = s->doms; d; d = d->next) {
		d->seen = (struct audited_dom){ 0 };
		d->audited = audited;
	}
	for (unsigned int i = 0; i < GROUP_BUCKETS; i++)
		for (struct share_group *g = s->groups[i]; g; g = g->next)
			audit_group_forget(g);
}

void share_audit_begin(struct share *s,
		       void (*report)(void *ctx, const char *msg), void *ctx)
{
	CHECK(s->audit.phase == AUDIT_NONE);
	s->audit = (struct share_audit){
		.report = report, .ctx = ctx, .phase = AUDIT_HOLDS,
	};
	spin_lock(&s->lock);
	forget(s, true);
	spin_unlock(&s->lock);
}

static enum progress part(struct share *s)
{
	struct share_group *g;

	switch (s->audit.phase) {
	case AUDIT_HOLDS:
		audit_holds(s);
		if (s->audit_place == PLACES)
			s->audit.phase = AUDIT_DOMS;
		return MORE;
	case AUDIT_DOMS:
		for (struct share_dom *d = s->doms; d; d = d->next)
			audit_dom(s, d);
		s->audit_place = 0;
		s->audit.phase = AUDIT_GROUPS;
		return MORE;
	case AUDIT_GROUPS:
		g = next_group(s);
		if (g && audit_group(s, g) == DONE)
			s->audit.group = g->id + 1u;
		return g ? MORE : DONE;
	default:
		return DONE;
	}
}

bool share_audit_part(struct share *s)
{
	enum progress left;

	s->audit.buckets = 0;
	s->audit.frames = 0;
	spin_lock(&s->lock);
	left = part(s);
	spin_unlock(&s->lock);
	return left == MORE;
}

uint64_t share_audit_end(struct share *s, uint64_t *cross_group)
{
	spin_lock(&s->lock);
	forget(s, false);
	s->audit.phase = AUDIT_NONE;
	spin_unlock(&s->lock);
	if (cross_group)
		*cross_group = s->audit.cross_group;
	return s->audit.errors;
}

uint64_t share_audit(struct share *s, void (*report)(void *ctx, const char *msg),
		     void *ctx, uint64_t *cross_group)
{
	share_audit_begin(s, report, ctx);
	while (share_audit_part(s))
		;
	return share_audit_end(s, cross_group);
}

#include <hash/general_regs_end.h>
