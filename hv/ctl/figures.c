/* SPDX-License-Identifier: MIT */
/*
 * What the control channel says of the machine and its guests: in full (list,
 * stats), or what has changed since it was last said (watch).
 *
 * Guests are walked by their numbers, one a step, and each is looked at while
 * it goes on: every figure was true at some moment of the answer.
 *
 * WATCH1  seen[] has of each guest what was said of it last.  An update says
 *         what differs from that, the first one all; a guest that is not there
 *         any more is said to be gone, once.
 * WATCH2  An update after the first says no more of guests than so many bytes,
 *         and the next one begins where it stopped: however many guests change,
 *         a watch takes the same part of the machine's time.
 */
#include <port.h>

#include "ctl/channel.h"
#include "ctl/lives.h"
#include "ctl/snapshot.h"
#include "ctl/waiting.h"
#include "dom/domain.h"
#include "dom/promise.h"
#include "lib/fmt.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "offer/result.h"
#include "sharing/sharing.h"
#include "x86/cpu.h"

/* Of a guest: numbers, but for the state, which is said in words. */
enum column {
	COL_STATE, COL_VCPUS, COL_PAUSED, COL_PAGES, COL_MAX, COL_HELD,
	COL_MAPPINGS, COL_BUDGET, COL_OFFERED, COL_REFUSED, COL_ZERO, COL_BREAKS,
	COL_CPU_MS, COL_WEIGHT, COL_CAP, COLUMNS,
};

static const char *const keys[COLUMNS] = {
	[COL_STATE] = "state", [COL_VCPUS] = "vcpus", [COL_PAUSED] = "paused",
	[COL_PAGES] = "pages", [COL_MAX] = "max", [COL_HELD] = "held",
	[COL_MAPPINGS] = "mappings", [COL_BUDGET] = "budget",
	[COL_OFFERED] = "offered", [COL_REFUSED] = "refused",
	[COL_ZERO] = "zero", [COL_BREAKS] = "breaks",
	[COL_CPU_MS] = "cpu_ms", [COL_WEIGHT] = "weight", [COL_CAP] = "cap",
};

#define STATE_PAUSED	(DOM_DEAD + 1)	/* one that would run */

static const char *const states[] = {
	[DOM_BUILDING] = "building", [DOM_RUNNING] = "running",
	[DOM_SHUT] = "shut", [DOM_DYING] = "dying", [DOM_DEAD] = "dead",
	[STATE_PAUSED] = "paused",
};

struct guest {
	uint64_t n[COLUMNS];
};

/* WATCH1, by number modulo MAX_DOMAINS. */
struct seen {
	domid_hv_t id;
	bool known;
	struct guest last;
};

#define SLOTS_A_STEP	64

uint32_t figures_update_bytes = 1536;

bool figures_init(struct channel *c)
{
	c->seen = obj_alloc(MAX_DOMAINS * sizeof(c->seen[0]));
	return c->seen;
}

static uint64_t state_of(const struct domain *d)
{
	enum domain_state state = READ_ONCE(d->state);

	return state == DOM_RUNNING && READ_ONCE(d->paused) ? STATE_PAUSED : state;
}

static void look(struct domain *d, struct guest *g)
{
	struct share_dom_counters c = { 0 };

	/* A domain whose making failed half-way has none. */
	if (READ_ONCE(d->sharing.dom))
		share_dom_counters_get(d->sharing.dom, &c);
	*g = (struct guest){ .n = {
		[COL_STATE] = state_of(d),
		[COL_VCPUS] = d->vcpu_count,
		[COL_PAUSED] = READ_ONCE(d->paused),
		[COL_PAGES] = READ_ONCE(d->pages.total),
		[COL_MAX] = READ_ONCE(d->pages.limit),
		[COL_HELD] = c.held, [COL_MAPPINGS] = c.mappings,
		[COL_BUDGET] = c.budget, [COL_OFFERED] = c.offered,
		[COL_REFUSED] = c.refused, [COL_ZERO] = c.zero,
		[COL_BREAKS] = c.breaks,
		[COL_CPU_MS] = READ_ONCE(d->account.ran_ns) / 1000000,
		[COL_WEIGHT] = READ_ONCE(d->account.weight),
		[COL_CAP] = READ_ONCE(d->account.cap),
	} };
}

/* Those that differ from *old; NULL: all, after the names. */
static void say_guest(const struct domain *d, const struct guest *g,
		      const struct guest *old)
{
	char line[CONTROL_ANSWER_MAX];
	size_t n = fmt_snprintf(line, sizeof(line), "guest id=%u", d->id);
	unsigned int i;

	if (!old)
		n += fmt_snprintf(line + n, sizeof(line) - n, " name=%s group=%s",
				  d->name, d->sharing.group_name);
	for (i = 0; i < COLUMNS; i++) {
		if (old && old->n[i] == g->n[i])
			continue;
		if (i == COL_STATE)
			n += fmt_snprintf(line + n, sizeof(line) - n, " state=%s",
					  states[g->n[i]]);
		else
			n += fmt_snprintf(line + n, sizeof(line) - n, " %s=%lu",
					  keys[i], g->n[i]);
	}
	control_say("%s", line);
	channel->walk.said++;
	channel->walk.room -= MIN(channel->walk.room, n + 1);
}

/* The next guest of the walk, with a reference; NULL: there is none. */
static struct domain *walk_next(void)
{
	struct domain *d = domain_from_id(channel->walk.next);

	if (d)
		channel->walk.next = d->id + 1u;
	return d;
}

/* --- list --- */

static enum control_next list_step(void)
{
	struct domain *d = walk_next();
	struct guest g;

	if (!d) {
		control_ok("list", "n=%u", channel->walk.said);
		return CONTROL_DONE;
	}
	look(d, &g);
	say_guest(d, &g, NULL);
	domain_put(d);
	return CONTROL_MORE;
}

void figures_list(void)
{
	channel->walk.next = channel->walk.said = 0;
	control_go_on(list_step);
}

/* --- groups --- */

/* The group with the lowest number that was not said yet, summed up. */
struct group_sum {
	uint32_t from, id;
	uint64_t guests, pages, held, mappings;
	char name[DOMAIN_NAME_MAX];
};

static void group_add(struct domain *d, void *arg)
{
	struct group_sum *g = arg;
	struct guest n;
	uint32_t id;

	if (domain_is_building(d))
		return;
	id = d->sharing.group;
	if (id < g->from || id > g->id)
		return;
	if (id < g->id)
		*g = (struct group_sum){ .from = g->from, .id = id };
	look(d, &n);
	str_copy(g->name, sizeof(g->name), d->sharing.group_name);
	g->guests++;
	g->pages += n.n[COL_PAGES];
	g->held += n.n[COL_HELD];
	g->mappings += n.n[COL_MAPPINGS];
}

static enum control_next groups_step(void)
{
	struct group_sum g = { .from = channel->walk.next, .id = ~0u };

	domain_for_each(group_add, &g);
	if (!g.guests) {
		control_ok("group", "n=%u", channel->walk.said);
		return CONTROL_DONE;
	}
	control_say("group name=%s guests=%lu pages=%lu held=%lu mappings=%lu",
		    g.name, g.guests, g.pages, g.held, g.mappings);
	channel->walk.said++;
	channel->walk.next = g.id + 1;
	return CONTROL_MORE;
}

void figures_groups(void)
{
	channel->walk.next = channel->walk.said = 0;
	control_go_on(groups_step);
}

/* --- the machine --- */

static void sum_owned(struct domain *d, void *arg)
{
	*(uint64_t *)arg += READ_ONCE(d->pages.total);
}

/* Reasons that there were, and how often. */
static void say_refusals(void)
{
	char line[CONTROL_ANSWER_MAX];
	size_t n = fmt_snprintf(line, sizeof(line), "refused");
	const char *name;
	unsigned int i;

	for (i = 0; (name = result_name(i)); i++)
		if (result_refusals(i))
			n += fmt_snprintf(line + n, sizeof(line) - n, " %s=%lu",
					  name, result_refusals(i));
	control_say("%s", line);
}

static void say_audit(void)
{
	const struct audit_result *a;
	uint64_t at;

	a = snapshot_last(&at);
	if (!snapshot_count())
		control_say("audit done=0");
	else
		control_say("audit done=%lu age_ms=%lu errors=%lu cross_group=%lu stopped_us=%lu longest_us=%lu",
			    snapshot_count(), (now_ns() - at) / 1000000, a->errors,
			    a->cross_group, a->stopped_ns / 1000,
			    a->longest_ns / 1000);
}

static void say_machine(void)
{
	struct control_usage used;
	struct share_totals t;
	uint64_t owned = 0;

	domain_for_each(sum_owned, &owned);
	share_totals_get(sharing_service(), &t);
	control_used(&used);
	control_say("machine t_ms=%lu cpus=%u total=%lu free=%lu unpromised=%lu overcommit=%u domains=%u owned=%lu given_up=%u crashed=%u control_us=%lu control_lines=%lu control_bytes=%lu",
		    now_ns() / 1000000, cpu_count, palloc_total_count(),
		    palloc_free_count(), domain_promise_left(),
		    domain_overcommit(), domain_count(), owned,
		    waiting_given_up(), lives_crashed(), used.ns / 1000,
		    used.lines, used.bytes);
	control_say("sharing pages_shared=%lu pages_sharing=%lu pages_unshared=%lu zero_frames=%lu zero_mappings=%lu offers=%lu refusals=%lu cow_breaks=%lu last_breaks=%lu metadata_bytes=%lu",
		    t.pages_shared, t.pages_sharing, t.pages_unshared,
		    t.zero_frames, t.zero_mappings, t.offers, t.refusals,
		    t.breaks, t.last_breaks, t.metadata_bytes);
	say_refusals();
	say_audit();
}

void figures_stats(void)
{
	say_machine();
	control_ok("stats", "n=4");
}

/* --- watch --- */

static void say_gone(struct seen *s)
{
	control_say("gone id=%u", s->id);
	channel->walk.said++;
	s->known = false;
}

/* WATCH1 */
static void update_guest(struct domain *d)
{
	struct seen *s = &channel->seen[d->id % MAX_DOMAINS];
	bool known = s->known && s->id == d->id;
	struct guest g;

	look(d, &g);
	if (s->known && !known)
		say_gone(s);		/* another one has its slot */
	if (!known)
		say_guest(d, &g, NULL);
	else if (memcmp(&s->last, &g, sizeof(g)))
		say_guest(d, &g, &s->last);
	s->id = d->id;
	s->known = true;
	s->last = g;
}

/* The next guest of an update's walk, from walk.begin round to it again. */
static struct domain *update_next(void)
{
	struct domain *d = walk_next();

	if (!d && !channel->walk.around) {
		channel->walk.around = true;
		channel->walk.next = 0;
		d = walk_next();
	}
	if (d && channel->walk.around && d->id >= channel->walk.begin) {
		domain_put(d);
		return NULL;
	}
	return d;
}

/* One guest; DONE: all had their turn, or there is no room for another. */
static enum progress update_guests(void)
{
	struct domain *d = channel->walk.room ? update_next() : NULL;

	if (!d) {
		channel->walk.begin = channel->walk.room ? 0 : channel->walk.next;
		return DONE;
	}
	update_guest(d);
	domain_put(d);
	return MORE;
}

static bool is_there(domid_hv_t id)
{
	struct domain *d = domain_find(id);

	if (d)
		domain_put(d);
	return d;
}

/* Some slots of those that were said before, and are not there any more. */
static enum control_next update_gone(void)
{
	uint32_t end = MIN(channel->walk.next + SLOTS_A_STEP, MAX_DOMAINS + 0u);

	while (channel->walk.next < end) {
		struct seen *s = &channel->seen[channel->walk.next++];

		if (!s->known || is_there(s->id))
			continue;
		say_gone(s);
		return CONTROL_MORE;
	}
	if (channel->walk.next < MAX_DOMAINS)
		return CONTROL_MORE;
	control_say("end n=%u", channel->walk.said);
	return CONTROL_DONE;
}

void figures_update_begin(bool all)
{
	if (all) {
		memset(channel->seen, 0, MAX_DOMAINS * sizeof(channel->seen[0]));
		channel->walk.begin = 0;
	}
	channel->walk.room = all ? ~0u : figures_update_bytes;
	channel->walk.part = SAY_HEAD;
	channel->walk.next = channel->walk.begin;
	channel->walk.said = 0;
	channel->walk.around = false;
}

enum control_next figures_update(void)
{
	switch (channel->walk.part) {
	case SAY_HEAD:
		control_say("update missed=%lu", control_missed());
		say_machine();
		channel->walk.part = SAY_GUESTS;
		return CONTROL_MORE;
	case SAY_GUESTS:
		if (update_guests() == DONE) {
			channel->walk.next = 0;
			channel->walk.part = SAY_GONE;
		}
		return CONTROL_MORE;
	case SAY_GONE:
		break;
	}
	return update_gone();
}
