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

static void help(void);

static void domain_say(struct domain *d, void *arg)
{
	log_stat("@key domain id=%u name=%s state=%u refs=%u pages=%lu max=%lu vcpus=%u ports=%u cpu_ms=%lu",
		 d->id, d->name, READ_ONCE(d->state), READ_ONCE(d->refs),
		 READ_ONCE(d->pages.total), READ_ONCE(d->pages.max),
		 d->vcpu_count, READ_ONCE(d->events.count),
		 READ_ONCE(d->account.ran_ns) / 1000000);
}

static void domains(void)
{
	domain_for_each(domain_say, NULL);
}

static void memory(void)
{
	log_stat("@key memory total=%lu free=%lu promised_to_nobody=%lu",
		 palloc_total_count(), palloc_free_count(),
		 domain_promise_left());
}

static void time(void)
{
	log_stat("@key time ns=%lu tsc_khz=%lu cpus=%u", now_ns(), tsc_khz,
		 cpu_count);
}

/* The audit, with its line of figures (boot/report.c). */
static void audit(void)
{
	if (console_operator_line)
		(void)console_operator_line("snapshot");
}

static const struct {
	char key;
	const char *what;
	void (*press)(void);
} keys[] = {
	{ 'a', "audit all counts", audit },
	{ 'h', "these lines", help },
	{ 'm', "memory", memory },
	{ 'q', "domains", domains },
	{ 't', "time", time },
};

static void help(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(keys); i++)
		log_info("key %c: %s", keys[i].key, keys[i].what);
}

void debug_keys_press(char key)
{
	unsigned int i;

	for (i = 0; i < ARRAY_COUNT(keys); i++)
		if (keys[i].key == key)
			keys[i].press();
}
