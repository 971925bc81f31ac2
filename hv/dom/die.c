/* SPDX-License-Identifier: MIT */
/*
 * How a domain starts to die: it asked to, its kernel made a mistake, or it
 * could not be built.  From then on it runs no vCPU (D3), and the reaper
 * (ctl/destroy.c) does the rest.
 *
 * DIE1  A SHUT domain waits for the first domain, and only for that: either it
 *       sees that there is none any more, or whoever took the first domain's
 *       rule away sees that it is SHUT.
 */
#include <port.h>
#include <stdarg.h>

#include <xen/sched.h>

#include "debug/log.h"
#include "dom/die.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "lib/fmt.h"

/*
 * atomic: domains that are DYING, or SHUT and untold; while it is 0, no CPU
 * scans the table
 */
static uint32_t ending_count;
static bool keep_shut;		/* atomic */

/* It stops for this reason; false: it had stopped before. */
static bool stop(struct domain *d, enum domain_state was, enum domain_state is,
		 uint32_t code)
{
	uint32_t i, none = 0;

	if (READ_ONCE(d->state) != was)
		return false;
	/* The first reason counts, and whoever sees the state sees it. */
	(void)atomic_cas(&d->shutdown_reason, &none, code + 1);
	if (!atomic_cas(&d->state, &was, is))
		return false;
	trace_event(d, TRACE_DYING, code, MFN(0), READ_ONCE(d->pages.total));
	/* Its other vCPUs stop, too (D3). */
	for (i = 0; i < d->vcpu_count && d->vcpu[i]; i++)
		sched_hurry(d->vcpu[i]);
	WRITE_ONCE(this_cpu()->need_resched, 1);
	return true;
}

static void die(struct domain *d, enum domain_state was, uint32_t code)
{
	if (stop(d, was, DOM_DYING, code))
		atomic_add(&ending_count, 1);
}

void domain_told(struct domain *d)
{
	if (!atomic_exchange(&d->end.told, true))
		atomic_sub(&ending_count, 1);
}

/* A SHUT domain is to go; what it stopped for stays. */
static void end_shut(struct domain *d)
{
	enum domain_state was = DOM_SHUT;

	if (!atomic_cas(&d->state, &was, DOM_DYING))
		return;
	atomic_add(&ending_count, 1);
	domain_told(d);		/* by its death now */
	WRITE_ONCE(this_cpu()->need_resched, 1);
}

static bool stays(const struct domain *d)
{
	return d->id != DOMID_FIRST && !d->origin.again &&
	       atomic_load(&keep_shut);
}

void domain_shutdown(struct domain *d, uint32_t code)
{
	if (!stays(d)) {
		die(d, DOM_RUNNING, code);
		return;
	}
	atomic_add(&ending_count, 1);	/* before anybody can tell */
	if (!stop(d, DOM_RUNNING, DOM_SHUT, code)) {
		domain_died();
		return;
	}
	if (!atomic_load(&keep_shut))	/* DIE1 */
		end_shut(d);
}

void domain_keep_shut(bool on)
{
	atomic_store(&keep_shut, on);
}

void domain_end(struct domain *d)
{
	die(d, DOM_RUNNING, SHUTDOWN_poweroff);
	end_shut(d);
}

void domain_destroy(struct domain *d)
{
	atomic_store(&d->destroyed, true);
	domain_end(d);
	sched_reap_soon();
}

void domain_abandon(struct domain *d)
{
	domain_hold(d);		/* The reaper waits for no vCPU, but for us. */
	die(d, DOM_BUILDING, SHUTDOWN_crash);
	domain_put(d);
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

uint32_t domain_dying_count(void)
{
	return atomic_load_acquire(&ending_count);
}

void domain_died(void)
{
	atomic_sub(&ending_count, 1);
}
