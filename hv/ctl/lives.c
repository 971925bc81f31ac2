/* SPDX-License-Identifier: MIT */
/*
 * A domain has gone: the line that says so, and whether its configuration wants
 * it again (repeat=).
 */
#include <port.h>

#include <xen/sched.h>

#include "ctl/build.h"
#include "ctl/config.h"
#include "ctl/lives.h"
#include "ctl/unpack.h"
#include "ctl/waiting.h"
#include "debug/log.h"
#include "dom/die.h"
#include "dom/domain.h"

static uint32_t crashed;		/* atomic */
/* atomic: the first domain is gone, and with it the machine's work */
static bool ending;

static const char *reason_name(uint32_t code)
{
	switch (code) {
	case SHUTDOWN_poweroff:
		return "poweroff";
	case SHUTDOWN_reboot:
		return "reboot";
	case SHUTDOWN_suspend:
		return "suspend";
	case SHUTDOWN_crash:
		return "crash";
	case SHUTDOWN_watchdog:
		return "watchdog";
	default:
		return "other";
	}
}

static const char *end_event_name(uint16_t event)
{
	static const char *const names[] = {
		[TRACE_DYING] = "dying", [TRACE_UNHOOKED] = "unhooked",
		[TRACE_PAGES] = "pages", [TRACE_FREED] = "freed",
	};

	return event < ARRAY_COUNT(names) ? names[event] : NULL;
}

/* Log the end of d's trace, which the guest itself cannot read any more. */
static void trace_print_end(struct domain *d)
{
	const struct trace_record *r;
	uint64_t n = d->trace.written;

	n = n > TRACE_RECORDS ? n - TRACE_RECORDS : 0;
	for (; (r = trace_record_at(d, n)); n++)
		if (end_event_name(r->event))
			log_stat("@trace id=%u n=%lu t_us=%lu event=%s result=%u value=%lu",
				 d->id, n, r->time_ns / 1000,
				 end_event_name(r->event), r->result, r->name);
}

void lives_shut(struct domain *d)
{
	log_stat("@dom id=%u name=%s state=shut reason=%s code=%u", d->id,
		 d->name, reason_name(domain_shutdown_code(d)), domain_shutdown_code(d));
	if (unpack_is(d->origin.config))
		unpack_take(d);
}

static void end_one(struct domain *d, void *arg)
{
	domain_end(d);
}

/*
 * Who could start, stop or talk to the others is no more.  As on Xen that is
 * the end of the machine; but here each of them ends in order, and what is left
 * is counted.  Who starts meanwhile looks at `ending` when he can be found.
 */
static void first_gone(struct domain *d)
{
	log_info("the first domain is gone (%s): all others end, then the machine",
		 reason_name(domain_shutdown_code(d)));
	atomic_store(&ending, true);
	domain_keep_shut(false);
	domain_for_each(end_one, NULL);
}

bool lives_ending(void)
{
	return atomic_load(&ending);
}

bool lives_gone(struct domain *d)
{
	bool built = d->origin.config && d->account.ran_ns;

	if (!d->origin.config && !d->setup.made)	/* never started */
		return false;
	trace_print_end(d);	/* if it asked for a buffer */
	log_stat("@dom id=%u name=%s state=dead reason=%s code=%u cpu_ms=%lu reap_steps=%lu reap_us=%lu reap_max_us=%lu",
		 d->id, d->name, reason_name(domain_shutdown_code(d)),
		 domain_shutdown_code(d),
		 d->account.ran_ns / 1000000,
		 d->end.steps, d->end.ns / 1000,
		 d->end.max_ns / 1000);
	if (domain_shutdown_code(d) == SHUTDOWN_crash)
		atomic_add(&crashed, 1);
	if (d->id == DOMID_FIRST)
		first_gone(d);
	return built && !lives_ending() &&
	       (unpack_is(d->origin.config) ||
		(!atomic_load(&d->destroyed) && d->origin.again));
}

void lives_rebuild(const struct domain_config *config, uint32_t instance,
		    uint32_t generation)
{
	if (lives_ending())
		return;
	if (unpack_is(config))
		unpack_over();
	else if (boot_options.overcommit)
		waiting_add(config, instance, generation);
	else if (!build_domain(config, instance, generation))
		atomic_add(&crashed, 1);
}

uint32_t lives_crashed(void)
{
	return atomic_load_relaxed(&crashed);
}
