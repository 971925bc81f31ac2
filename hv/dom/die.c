/* SPDX-License-Identifier: MIT */
/*
 * How a domain starts to die: it asked to, its kernel made a mistake, or it
 * could not be built.  From then on it runs no vCPU (D3), and the reaper
 * (ctl/destroy.c) does the rest.
 */
#include <port.h>
#include <stdarg.h>

#include <xen/sched.h>

#include "debug/log.h"
#include "dom/die.h"
#include "dom/domain.h"
#include "dom/sched.h"
#include "lib/fmt.h"

/* atomic: while it is 0, no CPU scans the table */
static uint32_t dying_count;

static void die(struct domain *d, enum domain_state was, uint32_t code)
{
	uint32_t i;

	if (!atomic_cas(&d->state, &was, DOM_DYING))
		return;	/* dying already: the first reason counts */
	d->shutdown_code = code;
	trace_event(d, TRACE_DYING, code, MFN(0), READ_ONCE(d->pages.total));
	/* Its other vCPUs stop, too (D3). */
	for (i = 0; i < d->vcpu_count && d->vcpu[i]; i++)
		sched_hurry(d->vcpu[i]);
	atomic_add(&dying_count, 1);
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

bool domain_any_dying(void)
{
	return atomic_load_acquire(&dying_count);
}

void domain_died(void)
{
	atomic_sub(&dying_count, 1);
}
