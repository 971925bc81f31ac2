/* SPDX-License-Identifier: MIT */
/* See debug_keys.h.  A key has the letter of Xen's for the same. */
#include <port.h>

#include "ctl/debug_keys.h"
#include "debug/log.h"
#include "dom/console.h"
#include "dom/domain.h"
#include "dom/promise.h"
#include "mm/palloc.h"
#include "x86/cpu.h"

static enum progress help(uint32_t *next);

static void domain_say(const struct domain *d)
{
	log_stat("@key domain id=%u name=%s state=%u refs=%u pages=%lu max=%lu vcpus=%u ports=%u cpu_ms=%lu",
		 d->id, d->name, READ_ONCE(d->state), READ_ONCE(d->refs),
		 READ_ONCE(d->pages.total), READ_ONCE(d->pages.max),
		 d->vcpu_count, READ_ONCE(d->events.count),
		 READ_ONCE(d->account.ran_ns) / 1000000);
}

/* One of them: there may be hundreds, and each line takes its time. */
static enum progress domains(uint32_t *next)
{
	struct domain *d = domain_from_id((domid_hv_t)*next);

	if (!d)
		return DONE;
	domain_say(d);
	*next = d->id + 1u;
	domain_put(d);
	return MORE;
}

static enum progress memory(uint32_t *next)
{
	log_stat("@key memory total=%lu free=%lu promised_to_nobody=%lu",
		 palloc_total_count(), palloc_free_count(),
		 domain_promise_left());
	return DONE;
}

static enum progress time(uint32_t *next)
{
	log_stat("@key time ns=%lu tsc_khz=%lu cpus=%u", now_ns(), tsc_khz,
		 cpu_count);
	return DONE;
}

/* The audit, with its line of figures (boot/report.c). */
static enum progress audit(uint32_t *next)
{
	if (console_operator_line)
		(void)console_operator_line("snapshot");
	return DONE;
}

static const struct {
	char key;
	const char *what;
	enum progress (*press)(uint32_t *next);
} keys[] = {
	{ 'a', "audit all counts", audit },
	{ 'h', "these lines", help },
	{ 'm', "memory", memory },
	{ 'q', "domains", domains },
	{ 't', "time", time },
};

static enum progress help(uint32_t *next)
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(keys); i++)
		log_info("key %c: %s", keys[i].key, keys[i].what);
	return DONE;
}

enum progress debug_keys_press(char key, uint32_t *next)
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(keys); i++)
		if (keys[i].key == key)
			return keys[i].press(next);
	return DONE;
}
