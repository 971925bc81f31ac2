/* SPDX-License-Identifier: MIT */
/* Two domains with ports, and their hypercalls: for the units of evtchn.c. */
#ifndef TESTS_UNIT_EVTCHN_PAIR_H
#define TESTS_UNIT_EVTCHN_PAIR_H

#include <check.h>

#include <port.h>

#include <xen/event_channel.h>

#include "dom/evtchn_private.h"
#include "fake/fake_dom.h"

static struct domain *a, *b;	/* ids 1 and 2; a makes the hypercalls */

static void setup(void)
{
	fake_reset();
	a = fake_domain(0);
	b = fake_domain(1);
	ck_assert_int_eq(evtchn_init(a), 0);
	ck_assert_int_eq(evtchn_init(b), 0);
	fake_current(a);
}

static void teardown(void)
{
	evtchn_fini(a);
	evtchn_fini(b);
	ck_assert_int_eq(fake.allocs, 0);
	ck_assert_uint_eq(a->refs, 1);
	ck_assert_uint_eq(b->refs, 1);
	ck_assert_uint_eq(spin_level_held(), LOCK_NONE);
}

/* --- the calls, as a guest makes them --- */

static long call(struct domain *d, unsigned long cmd, void *arg)
{
	uint64_t rest = cmd;

	fake_current(d);
	return op_event_channel(&rest, fake_va(arg));
}

#endif
