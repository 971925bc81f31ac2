/* SPDX-License-Identifier: MIT */
/*
 * See starting.h.  A domain is built where those that wait for memory are
 * (waiting.c): in the boot CPU's scheduling loop, one a turn, since a build is
 * no work for a timer that came between a guest and its next instruction.
 *
 * START1  A line's configuration lies in a slot of slots[], which is taken as
 *         long as a domain was made of it; none of them is made again (repeat=
 *         is refused), so nobody looks at it once no domain names it.
 * START2  No two domains have one name: none is started that has the name of
 *         one that is there, or, by a line, of one of the list.
 * START3  While one is to be started, domain_count() counts it, so that the
 *         machine does not end for want of domains.
 * START4  Where frames are not promised (overcommit=on), none is begun that
 *         would not leave what is kept for those that run (WAIT2).
 */
#include <port.h>
#include <errno.h>

#include "ctl/build.h"
#include "ctl/domlist.h"
#include "ctl/lives.h"
#include "ctl/starting.h"
#include "ctl/waiting.h"
#include "dom/domain.h"
#include "dom/promise.h"
#include "dom/sched.h"
#include "lib/fmt.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "x86/percpu.h"

#define SLOTS	32u

/* All boot CPU's. */
static struct domain_config *slots;	/* START1; constant */
static void (*others)(void);		/* what the loop did before us */
static struct {
	const struct domain_config *config;	/* NULL: nothing */
	uint32_t next, end;	/* instances */
	bool over;
	struct starting_result result;
} job;

static bool failed(struct starting_result *r, int error)
{
	r->error = error;
	return false;
}

#define FAIL(r, error, ...) \
	(fmt_snprintf((r)->why, sizeof((r)->why), __VA_ARGS__), failed(r, error))

/* Of domains that are there, dying ones too: was one made of this slot? */
struct use {
	const struct domain_config *config;
	bool found;
};

static void compare_config(struct domain *d, void *arg)
{
	struct use *u = arg;

	u->found |= d->origin.config == u->config;
}

static bool is_used(const struct domain_config *c)
{
	struct use u = { .config = c };

	domain_for_each(compare_config, &u);
	return u.found;
}

/* START1 */
static struct domain_config *free_slot(void)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (!is_used(&slots[i]))
			return &slots[i];
	return NULL;
}

struct name_search {
	bool one;
	char name[DOMAIN_NAME_MAX];	/* that the job will give, if one */
	char found[DOMAIN_NAME_MAX];
};

/* Has one of them a name that the job will give?  The name of the first. */
static void compare_name(struct domain *d, void *arg)
{
	struct name_search *s = arg;

	if (!s->found[0] && (s->one ? !strcmp(d->name, s->name) :
				      config_names(job.config, d->name)))
		str_copy(s->found, sizeof(s->found), d->name);
}

/* START2 */
static bool names_free(struct starting_result *r)
{
	struct name_search s = { .one = job.end - job.next == 1 };

	build_name(job.config, job.next, s.name, sizeof(s.name));
	domain_for_each(compare_name, &s);
	return !s.found[0] || FAIL(r, -EEXIST, "there is a domain %s", s.found);
}

static bool take_name(const char *name, struct starting_result *r)
{
	job.config = domlist_find(name, &job.next);
	job.end = job.next + 1;
	if (!job.config)
		return FAIL(r, -ESRCH, "the domain list has no %.64s", name);
	if (job.config->first)
		return FAIL(r, -EPERM, "the first domain is started once");
	if (job.config->repeat)
		return FAIL(r, -EBUSY, "%.64s comes again by itself (repeat=)", name);
	if (waiting_waits(job.config, job.next))
		return FAIL(r, -EBUSY, "%.64s waits for memory", name);
	return true;
}

static bool take_line(const char *text, struct starting_result *r)
{
	struct domain_config *c = free_slot();
	const char *end = text + strlen(text);
	uint32_t line = 0, i;
	int got;

	if (!c)
		return FAIL(r, -ENOMEM, "domains of %u lines were started and are there", SLOTS);
	got = config_next_domain(&text, end, &line, c, r->why, sizeof(r->why));
	if (!got)
		return FAIL(r, -EINVAL, "there is no domain in the line");
	if (got < 0)
		return failed(r, -EINVAL);
	if (c->memory_bytes >> PAGE_SHIFT > mfn_n(frame_max_mfn) ||
	    (c->share_budget != ~0UL && c->share_budget > mfn_n(frame_max_mfn)))
		return FAIL(r, -ENOMEM, "memory= or share= is more than the machine has");
	if (c->repeat)
		return FAIL(r, -EINVAL, "repeat= is for the domain list");
	if (c->count > MAX_DOMAINS)
		return FAIL(r, -EINVAL, "count=%u is more than %u", c->count, MAX_DOMAINS);
	for (i = 0; i < domlist_count(); i++)
		if (config_names_clash(domlist_at(i), c))
			return FAIL(r, -EEXIST, "the domain list has %s", domlist_at(i)->name);
	job.config = c;
	job.next = 0;
	job.end = c->count;
	return true;
}

/* "domain" begins a line; a name is one word. */
static bool is_line(const char *text)
{
	return strchr(text, ' ') || !strcmp(text, "domain");
}

bool starting_begin(const char *text, struct starting_result *r)
{
	*r = (struct starting_result){ 0 };
	job.over = false;
	if (lives_ending())
		return FAIL(r, -EPERM, "the machine ends");
	if (!(is_line(text) ? take_line(text, r) : take_name(text, r)) ||
	    !names_free(r)) {
		job.config = NULL;
		return false;
	}
	job.result = *r;
	domain_count_hold();		/* START3 */
	WRITE_ONCE(this_cpu()->need_resched, 1);	/* to the loop */
	return true;
}

static void build_next(void)
{
	struct starting_result *r = &job.result;

	/* START4 */
	if (domain_overcommit() && !waiting_fits(job.config)) {
		(void)FAIL(r, -ENOMEM, "too little memory is free: %lu MiB",
			   palloc_free_count() >> 8);
	} else if (build_domain_told(job.config, job.next, r->why, sizeof(r->why))) {
		job.next++;
		r->started++;
	} else {
		r->error = -ENOMEM;
	}
	if (!r->error && job.next < job.end)
		return;
	job.config = NULL;
	job.over = true;
	domain_count_release();
}

static void between_guests(void)
{
	if (unlikely(READ_ONCE(job.config))) {
		build_next();
		WRITE_ONCE(this_cpu()->need_resched, 1);
	}
	if (others)
		others();
}

bool starting_over(struct starting_result *r)
{
	if (job.over)
		*r = job.result;
	return job.over;
}

bool starting_init(void)
{
	slots = obj_alloc(SLOTS * sizeof(slots[0]));
	if (!slots)
		return false;
	others = sched_between_guests;
	sched_between_guests = between_guests;
	return true;
}
