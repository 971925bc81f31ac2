/* SPDX-License-Identifier: MIT */
/*
 * The end of a domain, in bounded steps that the CPUs take between guests.
 *
 *   STOP     its vCPUs leave their CPUs; ports and console are closed
 *   UNHOOK   loaded page tables, descriptor tables, registered areas
 *   PAGES    64 pages a step: unpin, give up; devalidation drops shared holds
 *   WAIT     for pages that somebody else still references
 *   FREE     sharing state, heap pages (seed 000: NOHEAP lets their count be 0), the domain
 *
 * Cost: proportional to the domain's own pages and mappings.  No frame holds the
 * domain, so there is no cycle to break: when its list is empty nothing names it.
 */
#include <port.h>
#include <stdarg.h>

#include <xen/sched.h>

#include "debug/log.h"
#include "dom/console.h"
#include "dom/domain.h"
#include "dom/domain_private.h"
#include "dom/evtchn.h"
#include "dom/sched.h"
#include "dom/store.h"
#include "lib/fmt.h"

#define PAGES_PER_STEP 64

enum step { STEP_STOP, STEP_UNHOOK, STEP_PAGES, STEP_WAIT, STEP_FREE };

static uint32_t dying_count;	/* atomic: spares the scan when there is none */

static void die(struct domain *d, enum domain_state was, uint32_t code)
{
	if (!__atomic_compare_exchange_n(&d->state, &was, DOM_DYING, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return;	/* dying already: the first reason counts */
	d->shutdown_code = code;
	__atomic_add_fetch(&dying_count, 1, __ATOMIC_RELEASE);
	this_cpu()->need_resched = 1;
}

void domain_shutdown(struct domain *d, uint32_t code)
{
	die(d, DOM_RUNNING, code);
}

void domain_abandon(struct domain *d)
{
	die(d, DOM_BUILDING, SHUTDOWN_crash);
}

void domain_crash(struct domain *d, const char *fmt, ...)
{
	char why[160];
	va_list ap;

	va_start(ap, fmt);
	fmt_vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (READ_ONCE(d->state) == DOM_RUNNING) {
		log_error("d%u %s: crashed: %s", d->id, d->name, why);
		d->crashed = true;
	}
	domain_shutdown(d, SHUTDOWN_crash);
}

static void step_stop(struct domain *d)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count; i++) {
		sched_offline(d->vcpu[i]);
		timer_cancel(&d->vcpu[i]->single_timer);
		timer_cancel(&d->vcpu[i]->poll_timer);
		timer_cancel(&d->vcpu[i]->periodic_timer);
	}
	if (d->console)
		console_fini(d);
	if (d->store)
		store_fini(d);
	evtchn_fini(d);
}

static void step_unhook(struct domain *d)
{
	uint32_t i;

	for (i = 0; i < d->vcpu_count; i++)
		pv_vcpu_unhook(d->vcpu[i]);
	xencomm_domain_fini(d);
}

/* False when every page has been seen. */
static bool step_pages(struct domain *d)
{
	unsigned int i;

	for (i = 0; i < PAGES_PER_STEP; i++) {
		struct frame *f = domain_page_next_left(d);

		if (!f)
			return false;
		pv_page_unpin(d, f);
		if (frame_test_and_clear_allocated(f))
			frame_put(f);
		frame_put(f);
	}
	return true;
}

static bool pages_gone(struct domain *d)
{
	bool gone;

	spin_lock(&d->pages_lock);
	gone = d->tot_pages == 0;
	spin_unlock(&d->pages_lock);
	return gone && __atomic_load_n(&d->refs, __ATOMIC_ACQUIRE) == 1;
}

static void step_free(struct domain *d)
{
	const struct domain_config *config = d->config;
	uint32_t instance = d->instance, generation = d->generation;
	bool again;

	sharing_domain_fini(d);
	again = domain_gone(d);
	if (again)
		domain_count_hold();
	__atomic_sub_fetch(&dying_count, 1, __ATOMIC_RELEASE);
	domain_free(d);
	if (!again)
		return;
	domain_rebuild(config, instance, generation + 1);
	domain_count_release();
}

/* One step of d; false once d is gone. */
static bool step(struct domain *d)
{
	switch ((enum step)d->destroy_step) {
	case STEP_STOP:
		step_stop(d);
		d->destroy_step++;
		return true;
	case STEP_UNHOOK:
		step_unhook(d);
		d->destroy_step++;
		return true;
	case STEP_PAGES:
		if (!step_pages(d))
			d->destroy_step++;
		return true;
	case STEP_WAIT:
		if (pages_gone(d))
			d->destroy_step++;
		return true;
	case STEP_FREE:
		step_free(d);
		return false;
	}
	return true;
}

bool reaper_step(void)
{
	struct domain *d;

	if (!__atomic_load_n(&dying_count, __ATOMIC_ACQUIRE))
		return false;
	d = domain_claim_dying();
	if (!d)
		return false;
	if (step(d))
		__atomic_store_n(&d->reaped_by, 0, __ATOMIC_RELEASE);
	reclaim_flush();
	return true;
}
