/* SPDX-License-Identifier: MIT */
/*
 * Event channels of which nothing is asked but their memory.  The simulator has
 * the real ones.
 */
#include <errno.h>
#include <port.h>

#include "dom/evtchn.h"
#include "mm/objpool.h"

int evtchn_init(struct domain *d)
{
	d->events.port = obj_alloc(PAGE_SIZE);
	return d->events.port ? 0 : -ENOMEM;
}
enum progress evtchn_reap(struct domain *d)
{
	obj_free(d->events.port, PAGE_SIZE);
	d->events.port = NULL;
	return false;
}
void evtchn_fini(struct domain *d) { (void)!evtchn_reap(d); }
int evtchn_bind_console(struct domain *d) { return 1; }
void evtchn_virq_first(uint32_t virq) { }
