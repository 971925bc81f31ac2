/* SPDX-License-Identifier: MIT */
/*
 * See waiting.h.  Only the boot CPU starts guests and gives them up; any CPU
 * may add one.
 */
#include <port.h>

#include "ctl/build.h"
#include "ctl/lives.h"
#include "ctl/waiting.h"
#include "debug/log.h"
#include "dom/domain.h"
#include "dom/promise.h"
#include "dom/reclaim.h"
#include "dom/sched.h"
#include "dom/timer.h"
#include "lib/list.h"
#include "mm/objpool.h"
#include "mm/palloc.h"
#include "x86/percpu.h"

/* between two looks when nothing else wakes the CPU */
#define LOOK_NS		20000000UL

struct waiter {
	struct list link;
	const struct domain_config *config;
	uint32_t instance, generation;
	uint64_t needs;		/* frames */
	/* frames beyond that, since the builder ran short */
	uint64_t more;
	bool told;
};

static struct spinlock lock = SPINLOCK_INIT(LOCK_DOMLIST);
static struct list queue;	/* lock */
/* atomic: length of queue, and one that is being built */
static uint32_t waiting;
static uint32_t given_up;	/* atomic */
static struct timer look_timer;	/* boot CPU */

static uint64_t frames_kept(void)
{
	return MIN(OVERCOMMIT_KEPT, palloc_total_count() / OVERCOMMIT_KEPT_PART);
}

static uint64_t needs_of(const struct domain_config *config)
{
	uint64_t pages = config->memory_bytes / PAGE_SIZE;

	return pages + domain_metadata(pages, config->vcpus);
}

bool waiting_fits(const struct domain_config *config)
{
	return palloc_free_count() >= needs_of(config) + frames_kept();
}

static struct waiter *first(void)
{
	struct waiter *w = NULL;

	spin_lock(&lock);
	if (!list_empty(&queue))
		w = list_entry(queue.next, struct waiter, link);
	spin_unlock(&lock);
	return w;
}

static void done(struct waiter *w)
{
	spin_lock(&lock);
	list_remove(&w->link);
	spin_unlock(&lock);
	obj_free(w, sizeof(*w));
	atomic_sub(&waiting, 1);
	domain_count_release();		/* WAIT4 */
}

static uint64_t mib(uint64_t frames)
{
	return frames >> 8;
}

/* What must be free while others run. */
static uint64_t wanted(const struct waiter *w)
{
	return w->needs + w->more + frames_kept();
}

/* Say once, in words and as a record, that a guest waits. */
static void tell(struct waiter *w, const char *name, uint64_t free)
{
	if (w->told)
		return;
	w->told = true;
	log_info("domain %s waits for memory: it starts when %lu MiB are free, now there are %lu",
		 name, mib(wanted(w)), mib(free));
	log_stat("@dom name=%s state=waiting needs=%lu free=%lu", name,
		 wanted(w), free);
}

static void give_up(struct waiter *w, const char *name, uint64_t free)
{
	log_error("domain %s is given up: it needs %lu MiB, %lu MiB are free, and nothing runs that could free more",
		  name, mib(w->needs), mib(free));
	log_stat("@dom name=%s state=given-up needs=%lu free=%lu", name,
		 w->needs, free);
	atomic_add(&given_up, 1);
	done(w);
}

static void build(struct waiter *w, const char *name, uint64_t free, bool alone)
{
	bool no_memory;

	if (build_domain_try(w->config, w->instance, w->generation,
			     &no_memory)) {
		done(w);
	} else if (!no_memory) {	/* the builder said why */
		atomic_add(&given_up, 1);
		done(w);
	} else if (alone) {
		give_up(w, name, free);
	} else {	/* others took it meanwhile, or it is in pieces */
		w->more = MAX(w->more, free - MIN(free, w->needs)) +
			  w->needs / 16;
		/*
		 * So that a guest which takes frames and gives them back cannot
		 * keep this one waiting for good.
		 */
		w->more = MIN(w->more, w->needs / 4);
		tell(w, name, free);
	}
}

/* Nobody is to start any more. */
static void drop(struct waiter *w, const char *name)
{
	log_info("domain %s does not start any more: the machine ends", name);
	done(w);
}

/* Nothing is left but those that wait; what died is gone to the last frame. */
static bool nothing_runs(void)
{
	return domain_count() == atomic_load_relaxed(&waiting) &&
	       !reclaim_waiting();
}

/* One look at the first that waits; MORE: look again at once. */
static enum progress look(void)
{
	struct waiter *w = first();
	char name[DOMAIN_NAME_MAX];
	uint64_t free;
	bool alone;

	if (!w)
		return DONE;
	/*
	 * In this order: a domain that ends between the two looks is seen the
	 * next time.
	 */
	alone = nothing_runs();
	free = palloc_free_count();
	build_name(w->config, w->instance, name, sizeof(name));
	if (lives_ending()) {
		drop(w, name);
		return MORE;
	}
	if (free >= (alone ? w->needs : wanted(w))) {
		build(w, name, free, alone);
		return MORE;
	}
	if (alone) {
		give_up(w, name, free);
		return MORE;
	}
	tell(w, name, free);
	return DONE;
}

static void look_later(void *arg)
{
	/* to the scheduling loop, which looks */
	WRITE_ONCE(this_cpu()->need_resched, 1);
}

static void between_guests(void)
{
	if (likely(!atomic_load_relaxed(&waiting)))
		return;
	reclaim_flush_all();
	while (look() == MORE && !sched_preempt_pending())
		;
	if (atomic_load_relaxed(&waiting))
		timer_set(&look_timer, now_ns() + LOOK_NS);
}

void waiting_init(void)
{
	list_init(&queue);
	timer_init(&look_timer, look_later, NULL);
	sched_between_guests = between_guests;
}

void waiting_add(const struct domain_config *config, uint32_t instance,
		 uint32_t generation)
{
	struct waiter *w = obj_alloc(sizeof(*w));

	if (!w) {
		log_error("domain %s: no memory to remember that it waits",
			  config->name);
		atomic_add(&given_up, 1);
		return;
	}
	w->config = config;
	w->instance = instance;
	w->generation = generation;
	w->needs = needs_of(config);
	domain_count_hold();
	atomic_add(&waiting, 1);
	spin_lock(&lock);
	list_insert_before(&queue, &w->link);
	spin_unlock(&lock);
}

bool waiting_waits(const struct domain_config *config, uint32_t instance)
{
	bool found = false;
	struct list *at;

	spin_lock(&lock);
	for (at = queue.next; at != &queue; at = at->next) {
		struct waiter *w = list_entry(at, struct waiter, link);

		found |= w->config == config && w->instance == instance;
	}
	spin_unlock(&lock);
	return found;
}

uint32_t waiting_given_up(void)
{
	return atomic_load_relaxed(&given_up);
}
