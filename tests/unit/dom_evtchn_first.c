/* links: hv/dom/evtchn*.c tests/fake/fake_pirq.c hv/dom/op_evtchn.c hv/dom/privilege.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/* Event channels of the first domain: VIRQs of the machine, others' ports. */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <port.h>

#include "unit/evtchn_pair.h"
#include "unit/suite.h"

/* What DOMID_FIRST stands for; NULL: there is no first domain. */
static struct domain *first;

struct domain *domain_find(domid_hv_t id)
{
	struct fake_domain *f = id && id <= FAKE_DOMAINS ? &fake.dom[id - 1] : NULL;
	struct domain *d = f && f->listed ? &f->d : id == DOMID_FIRST ? first : NULL;

	if (spin_level_held() != LOCK_NONE)
		ck_abort_msg("a lock is held");
	if (d)
		d->refs++;
	return d;
}

static void setup_first(void)
{
	first = NULL;
	setup();
}

/* Of what happens in the machine it hears, if it listens; nobody else does. */
START_TEST(virq_of_the_machine)
{
	struct evtchn_bind_virq v = { .virq = VIRQ_DOM_EXC };

	ck_assert_int_eq(call(a, EVTCHNOP_bind_virq, &v), 0);
	evtchn_virq_first(VIRQ_DOM_EXC);
	ck_assert(!evtchn_port_pending(a, v.port));	/* not the first */
	first = a;
	evtchn_virq_first(VIRQ_CONSOLE);
	ck_assert(!evtchn_port_pending(a, v.port));
	evtchn_virq_first(VIRQ_DOM_EXC);
	ck_assert(evtchn_port_pending(a, v.port));
	first = b;
	evtchn_virq_first(VIRQ_DOM_EXC);		/* it does not listen */
}
END_TEST

/* It offers a port of another domain, looks at it, and closes all of them. */
START_TEST(ports_of_others)
{
	struct evtchn_alloc_unbound u = { .dom = b->id, .remote_dom = DOMID_SELF };
	struct evtchn_bind_interdomain bind;
	struct evtchn_status s;
	struct evtchn_reset r = { .dom = b->id };

	ck_assert_int_eq(call(a, EVTCHNOP_alloc_unbound, &u), -EPERM);
	ck_assert_int_eq(call(a, EVTCHNOP_reset, &r), -EPERM);
	a->privileged = true;
	ck_assert_int_eq(call(a, EVTCHNOP_alloc_unbound, &u), 0);
	ck_assert_uint_eq(b->events.port[u.port].remote_dom, a->id);
	s = (struct evtchn_status){ .dom = b->id, .port = u.port };
	ck_assert_int_eq(call(a, EVTCHNOP_status, &s), 0);
	ck_assert_uint_eq(s.status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(s.u.unbound.dom, a->id);
	bind = (struct evtchn_bind_interdomain){ .remote_dom = b->id, .remote_port = u.port };
	ck_assert_int_eq(call(a, EVTCHNOP_bind_interdomain, &bind), 0);
	ck_assert_int_eq(call(a, EVTCHNOP_reset, &r), 0);
	ck_assert_uint_eq(b->events.port[u.port].state, PORT_FREE);
	ck_assert_uint_eq(a->events.port[bind.local_port].state, PORT_UNBOUND);
	u.dom = s.dom = r.dom = 99;
	ck_assert_int_eq(call(a, EVTCHNOP_alloc_unbound, &u), -ESRCH);
	ck_assert_int_eq(call(a, EVTCHNOP_status, &s), -ESRCH);
	ck_assert_int_eq(call(a, EVTCHNOP_reset, &r), -ESRCH);
	/* END6: the reaper may be at the ports. */
	b->state = DOM_DYING;
	u.dom = b->id;
	ck_assert_int_eq(call(a, EVTCHNOP_alloc_unbound, &u), -EINVAL);
	/* and no more ports than it may have */
	b->state = DOM_RUNNING;
	b->events.last = 2;
	ck_assert_int_eq(call(a, EVTCHNOP_alloc_unbound, &u), 0);
	ck_assert_int_eq(call(a, EVTCHNOP_alloc_unbound, &u), 0);
	ck_assert_int_eq(call(a, EVTCHNOP_alloc_unbound, &u), -ENOSPC);
}
END_TEST

/* It closes them, and finds its time over each time that it looks. */
static unsigned int opened;	/* by the other domain meanwhile */

bool sched_preempt_pending(void)
{
	spin_lock(&b->events.lock);
	while (opened < 10000 && evtchn_alloc(b, PORT_UNBOUND, 0) > 0)
		opened++;
	spin_unlock(&b->events.lock);
	return true;
}

/* A guest that opens ports all the time does not hold it. */
START_TEST(reset_ends)
{
	struct evtchn_reset r = { .dom = b->id };
	uint64_t cmd = EVTCHNOP_reset;
	unsigned int calls = 0;

	a->privileged = true;
	opened = 0;
	b->events.last = 1023;
	(void)sched_preempt_pending();
	do {
		if (++calls > 100)
			ck_abort_msg("the guest holds it");
		fake_current(a);
	} while (op_event_channel(&cmd, fake_va(&r)) == -ERESTART);
	ck_assert_uint_gt(calls, 10);
	ck_assert_uint_eq(b->events.port[1023].state, PORT_FREE);
	/* What it says itself of where to go on is no more than that. */
	cmd = EVTCHNOP_reset | ~63UL;
	ck_assert_int_eq(op_event_channel(&cmd, fake_va(&r)), 0);
	cmd = EVTCHNOP_reset | 1UL << 38;
	ck_assert_int_eq(op_event_channel(&cmd, fake_va(&r)), 0);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("evtchn_first");

	tcase_add_checked_fixture(tc, setup_first, teardown);
	tcase_add_test(tc, virq_of_the_machine);
	tcase_add_test(tc, ports_of_others);
	tcase_add_test(tc, reset_ends);
	return suite_run();
}
