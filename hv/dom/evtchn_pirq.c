/* SPDX-License-Identifier: MIT */
/*
 * Ports of physical interrupts (io/pirq.h): which numbers a domain may bind,
 * and the port of each (PORT6).
 */
#include <port.h>
#include <errno.h>

#include "dom/above.h"
#include "dom/evtchn_private.h"
#include "mm/objpool.h"

#define TABLE_BYTES	(PIRQS_MAX * sizeof(struct evtchn_pirq))

int evtchn_pirq_init(struct domain *d)
{
	spin_lock(&d->events.lock);
	if (!d->events.pirq)
		d->events.pirq = obj_alloc(TABLE_BYTES);
	spin_unlock(&d->events.lock);
	return d->events.pirq ? 0 : -ENOMEM;
}

void evtchn_pirq_fini(struct domain *d)
{
	struct evtchn_pirq *table;

	spin_lock(&d->events.lock);
	table = d->events.pirq;
	d->events.pirq = NULL;
	spin_unlock(&d->events.lock);
	if (table)
		obj_free(table, TABLE_BYTES);
}

void evtchn_pirq_allow(struct domain *d, uint32_t pirq, bool allow)
{
	spin_lock(&d->events.lock);
	if (d->events.pirq)
		d->events.pirq[pirq].allowed = allow;
	spin_unlock(&d->events.lock);
}

bool evtchn_pirq_bound(struct domain *d, uint32_t pirq)
{
	bool bound;

	spin_lock(&d->events.lock);
	bound = d->events.pirq && d->events.pirq[pirq].port;
	spin_unlock(&d->events.lock);
	return bound;
}

bool evtchn_pirq_raise(struct domain *d, uint32_t pirq)
{
	uint32_t port = 0;

	spin_lock(&d->events.lock);
	if (d->events.pirq)
		port = d->events.pirq[pirq].port;
	if (port)
		evtchn_raise(d, port);
	spin_unlock(&d->events.lock);
	return port;
}

static int bind_locked(struct domain *d, uint32_t pirq)
	needs_lock(&d->events.lock)
{
	int port;

	if (!d->events.pirq || !d->events.pirq[pirq].allowed)
		return -EINVAL;
	if (d->events.pirq[pirq].port)
		return -EEXIST;
	port = evtchn_alloc(d, PORT_PIRQ, 0);
	if (port < 0)
		return port;
	d->events.port[port].virq = (uint8_t)pirq;
	d->events.pirq[pirq].port = (uint16_t)port; /* PORT6 */
	return port;
}

int evtchn_pirq_bind(struct domain *d, uint32_t pirq)
{
	int port;

	spin_lock(&d->events.lock);
	port = bind_locked(d, pirq);
	spin_unlock(&d->events.lock);
	if (port > 0)
		pirq_bound(d, pirq);
	return port;
}
