/* SPDX-License-Identifier: MIT */
/*
 * The first domain on a fake machine, and what it does with its interrupts: for
 * the units of io/.
 */
#ifndef TESTS_UNIT_PIRQ_FIRST_H
#define TESTS_UNIT_PIRQ_FIRST_H

#include <check.h>

#include <port.h>

#include <xen/event_channel.h>
#include <xen/physdev.h>

#include "dom/evtchn_private.h"
#include "fake/fake_bus.h"
#include "fake/fake_dom.h"
#include "io/pirq.h"
#include "mm/ram.h"
#include "pv/physdev.h"

static struct domain *d;
struct ram_range ram_ranges[RAM_RANGES_MAX];
unsigned int ram_range_count;

/* A machine without devices, on which it is the only one so far. */
static void first_begin(void)
{
	unsigned int i;

	fake_reset();
	d = fake_domain(0);
	d->id = DOMID_FIRST;
	d->privileged = true;
	ck_assert_int_eq(evtchn_init(d), 0);
	fake_current(d);
	for (i = 0; i < FAKE_CPUS; i++)
		cpu_areas[i]->apic_id = 2 * i + 1;
	fake_bus_reset();
}

static void first_end(void)
{
	pirq_end(d);
	evtchn_fini(d);
	ck_assert_int_eq(fake.allocs, 0);
	ck_assert_uint_eq(d->refs, 1);
	ck_assert_uint_eq(spin_level_held(), LOCK_NONE);
}

static long event(uint64_t cmd, void *arg)
{
	return op_event_channel(&cmd, fake_va(arg));
}

/* The port, or -errno. */
static long bind(uint32_t pirq)
{
	struct evtchn_bind_pirq b = { .pirq = pirq };
	long r = event(EVTCHNOP_bind_pirq, &b);

	return r ? r : (long)b.port;
}

static long close_port(long port)
{
	struct evtchn_close c = { .port = (uint32_t)port };

	return event(EVTCHNOP_close, &c);
}

/* Is the port pending?  Not any more. */
static bool came(long port)
{
	bool is = evtchn_port_pending(d, (uint32_t)port);

	d->shared_info->evtchn_pending[port / 64] = 0;
	return is;
}

/* That processor gets the vector; false: it knows nothing of it. */
static bool interrupt(unsigned int cpu, uint32_t vector)
{
	bool known;

	fake_cpu(cpu);
	known = pirq_interrupt(vector);
	fake_cpu(0);
	fake_current(d);
	return known;
}

#endif
