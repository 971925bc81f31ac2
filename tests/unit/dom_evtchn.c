/* links: hv/dom/evtchn*.c tests/fake/fake_pirq.c hv/dom/op_evtchn.c hv/dom/privilege.c tests/port/port.c tests/fake/fake_dom.c */
/* SPDX-License-Identifier: MIT */
/*
 * Event channels: each edge of the port life cycle, each error number, who is
 * told of an event, and what happens when either end goes first.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <port.h>

#include "unit/evtchn_pair.h"
#include "unit/suite.h"

static long alloc_unbound(struct domain *d, domid_t dom, domid_t remote)
{
	struct evtchn_alloc_unbound x = { .dom = dom, .remote_dom = remote };
	long rc = call(d, EVTCHNOP_alloc_unbound, &x);

	return rc ? rc : (long)x.port;
}

static long bind(struct domain *d, domid_t remote, evtchn_port_t port)
{
	struct evtchn_bind_interdomain x = {
		.remote_dom = remote, .remote_port = port,
	};
	long rc = call(d, EVTCHNOP_bind_interdomain, &x);

	return rc ? rc : (long)x.local_port;
}

static long bind_virq(uint32_t virq, uint32_t vcpu)
{
	struct evtchn_bind_virq x = { .virq = virq, .vcpu = vcpu };
	long rc = call(a, EVTCHNOP_bind_virq, &x);

	return rc ? rc : (long)x.port;
}

static long bind_ipi(uint32_t vcpu)
{
	struct evtchn_bind_ipi x = { .vcpu = vcpu };
	long rc = call(a, EVTCHNOP_bind_ipi, &x);

	return rc ? rc : (long)x.port;
}

static long close_port(struct domain *d, long port)
{
	struct evtchn_close x = { .port = (evtchn_port_t)port };

	return call(d, EVTCHNOP_close, &x);
}

static long send_port(struct domain *d, long port)
{
	struct evtchn_send x = { .port = (evtchn_port_t)port };

	return call(d, EVTCHNOP_send, &x);
}

static struct evtchn_status status(struct domain *d, long port)
{
	struct evtchn_status x = {
		.dom = DOMID_SELF, .port = (evtchn_port_t)port,
	};

	ck_assert_int_eq(call(d, EVTCHNOP_status, &x), 0);
	return x;
}

static long bind_vcpu(long port, uint32_t vcpu)
{
	struct evtchn_bind_vcpu x = {
		.port = (evtchn_port_t)port, .vcpu = vcpu,
	};

	return call(a, EVTCHNOP_bind_vcpu, &x);
}

static bool pending(struct domain *d, long port)
{
	return evtchn_port_pending(d, (uint32_t)port);
}

/* The guest handles everything. */
static void handle(struct domain *d)
{
	memset(d->shared_info->evtchn_pending, 0,
	       sizeof(d->shared_info->evtchn_pending));
	d->vcpu[0]->info->evtchn_pending_sel = 0;
	d->vcpu[0]->info->evtchn_upcall_pending = 0;
	fake.kicks = 0;
}

/* --- life cycle --- */

START_TEST(alloc_unbound_and_close)
{
	long port = alloc_unbound(a, DOMID_SELF, 2);
	struct evtchn_status s;

	ck_assert_int_eq(port, 1);
	s = status(a, port);
	ck_assert_uint_eq(s.status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(s.u.unbound.dom, 2);
	ck_assert_int_eq(send_port(a, port), 0);	/* nobody there: lost */
	ck_assert(!pending(a, port));
	ck_assert_int_eq(close_port(a, port), 0);
	ck_assert_uint_eq(status(a, port).status, EVTCHNSTAT_closed);
	ck_assert_int_eq(close_port(a, port), -EINVAL);
	/* by number; used again */
	ck_assert_int_eq(alloc_unbound(a, 1, 2), port);
}
END_TEST

START_TEST(alloc_unbound_self_self_names_the_domain)
{
	long port = alloc_unbound(b, DOMID_SELF, DOMID_SELF);

	ck_assert_uint_eq(status(b, port).u.unbound.dom, 2);
}
END_TEST

START_TEST(interdomain_both_ways)
{
	long offered = alloc_unbound(a, DOMID_SELF, 2);
	long port = bind(b, 1, (evtchn_port_t)offered);
	struct evtchn_status s;

	ck_assert_int_gt(port, 0);
	ck_assert(pending(b, port));	/* what may have been sent before */
	s = status(a, offered);
	ck_assert_uint_eq(s.status, EVTCHNSTAT_interdomain);
	ck_assert_uint_eq(s.u.interdomain.dom, 2);
	ck_assert_uint_eq(s.u.interdomain.port, port);
	s = status(b, port);
	ck_assert_uint_eq(s.u.interdomain.dom, 1);
	ck_assert_uint_eq(s.u.interdomain.port, offered);
	handle(b);
	ck_assert_int_eq(send_port(a, offered), 0);
	ck_assert(pending(b, port));
	ck_assert(!pending(a, offered));
	ck_assert_int_eq(send_port(b, port), 0);
	ck_assert(pending(a, offered));
}
END_TEST

START_TEST(peer_of_a_closed_end_waits_again)
{
	long offered = alloc_unbound(a, DOMID_SELF, 2);
	long port = bind(b, 1, (evtchn_port_t)offered);

	ck_assert_int_eq(close_port(b, port), 0);
	ck_assert_uint_eq(status(a, offered).status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(status(a, offered).u.unbound.dom, 2);
	ck_assert(!pending(b, port));	/* a closed port leaves no bit behind */
	port = bind(b, 1, (evtchn_port_t)offered);
	ck_assert_int_gt(port, 0);
	ck_assert_int_eq(close_port(a, offered), 0);
	ck_assert_uint_eq(status(b, port).status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(status(b, port).u.unbound.dom, 1);
}
END_TEST

START_TEST(peer_domain_goes)
{
	long offered = alloc_unbound(a, DOMID_SELF, 2);
	long port = bind(b, 1, (evtchn_port_t)offered);

	evtchn_fini(b);
	fake.dom[1].listed = false;
	ck_assert_uint_eq(status(a, offered).status, EVTCHNSTAT_unbound);
	ck_assert_int_eq(send_port(a, offered), 0);
	ck_assert_int_eq(bind(a, 2, (evtchn_port_t)port), -ESRCH);
	evtchn_set_pending(b, (uint32_t)port);	/* no ports: no effect */
	evtchn_fini(b);				/* twice is harmless */
}
END_TEST

START_TEST(channel_to_oneself)
{
	long offered = alloc_unbound(a, DOMID_SELF, DOMID_SELF);
	long port = bind(a, DOMID_SELF, (evtchn_port_t)offered);

	ck_assert_int_gt(port, 0);
	ck_assert_int_ne(port, offered);
	handle(a);
	ck_assert_int_eq(send_port(a, port), 0);
	ck_assert(pending(a, offered));
	ck_assert(!pending(a, port));
	ck_assert_int_eq(close_port(a, offered), 0);
	ck_assert_uint_eq(status(a, port).status, EVTCHNSTAT_unbound);
}
END_TEST

START_TEST(virq)
{
	long port = bind_virq(VIRQ_TIMER, 0);

	ck_assert_int_gt(port, 0);
	ck_assert_uint_eq(status(a, port).status, EVTCHNSTAT_virq);
	ck_assert_uint_eq(status(a, port).u.virq, VIRQ_TIMER);
	ck_assert_int_eq(bind_virq(VIRQ_TIMER, 0), -EEXIST);
	evtchn_virq(a->vcpu[0], VIRQ_TIMER);
	ck_assert(pending(a, port));
	evtchn_virq(a->vcpu[0], VIRQ_DEBUG);	/* not bound */
	evtchn_virq(a->vcpu[0], 1000);
	ck_assert_int_eq(send_port(a, port), -EINVAL);
	ck_assert_int_eq(close_port(a, port), 0);
	handle(a);
	evtchn_virq(a->vcpu[0], VIRQ_TIMER);
	ck_assert(!pending(a, port));
	ck_assert_int_gt(bind_virq(VIRQ_TIMER, 0), 0);
}
END_TEST

START_TEST(virq_errors)
{
	ck_assert_int_eq(bind_virq(NR_VIRQS, 0), -EINVAL);
	/* global: vCPU 0 */
	ck_assert_int_eq(bind_virq(VIRQ_DOM_EXC, 1), -EINVAL);
	ck_assert_int_eq(bind_virq(VIRQ_TIMER, 1), -ENOENT);
	ck_assert_int_eq(bind_virq(VIRQ_TIMER, ~0u), -ENOENT);
}
END_TEST

START_TEST(ipi)
{
	long port = bind_ipi(0);

	ck_assert_uint_eq(status(a, port).status, EVTCHNSTAT_ipi);
	ck_assert_int_eq(send_port(a, port), 0);
	ck_assert(pending(a, port));
	ck_assert_int_eq(bind_ipi(1), -ENOENT);
	ck_assert_int_eq(bind_ipi(~0u), -ENOENT);
}
END_TEST

START_TEST(console_port)
{
	int port = evtchn_bind_console(a);

	ck_assert_int_gt(port, 0);
	ck_assert_int_eq(send_port(a, port), 0);
	ck_assert_uint_eq(fake.drains, 1);
	ck_assert_int_eq(close_port(a, port), -EINVAL);	/* ours */
	ck_assert_uint_eq(status(a, port).status, EVTCHNSTAT_interdomain);
	ck_assert_uint_eq(status(a, port).u.interdomain.dom, 0);
	evtchn_set_pending(a, (uint32_t)port);
	ck_assert(pending(a, port));
}
END_TEST

START_TEST(reset_closes_all_but_ours)
{
	struct evtchn_reset r = { .dom = DOMID_SELF };
	int console = evtchn_bind_console(a);
	long offered = alloc_unbound(a, DOMID_SELF, 2);
	long far = bind(b, 1, (evtchn_port_t)offered);
	long timer = bind_virq(VIRQ_TIMER, 0);

	ck_assert_int_eq(call(a, EVTCHNOP_reset, &r), 0);
	ck_assert_uint_eq(status(a, offered).status, EVTCHNSTAT_closed);
	ck_assert_uint_eq(status(a, timer).status, EVTCHNSTAT_closed);
	ck_assert_uint_eq(status(a, console).status, EVTCHNSTAT_interdomain);
	ck_assert_uint_eq(status(b, far).status, EVTCHNSTAT_unbound);
	ck_assert_int_gt(bind_virq(VIRQ_TIMER, 0), 0);
}
END_TEST

/* --- errors --- */

START_TEST(port_numbers_that_are_not)
{
	static const uint32_t bad[] = { 0, 2, 63, 64, 255, 256, 4095, 4096, ~0u };
	struct evtchn_unmask u;

	ck_assert_int_eq(bind_ipi(0), 1);
	for (size_t i = 0; i < ARRAY_COUNT(bad); i++) {
		ck_assert_int_eq(close_port(a, bad[i]), -EINVAL);
		ck_assert_int_eq(send_port(a, bad[i]), -EINVAL);
		ck_assert_int_eq(bind_vcpu(bad[i], 0), -EINVAL);
		ck_assert_int_eq(bind(a, DOMID_SELF, bad[i]), -EINVAL);
		ck_assert(!evtchn_port_valid(a, bad[i]) || bad[i] < 64);
		evtchn_set_pending(a, bad[i]);
		u.port = bad[i];
		ck_assert_int_eq(call(a, EVTCHNOP_unmask, &u),
				 bad[i] == 2 || bad[i] == 63 ? 0 : -EINVAL);
	}
	for (size_t i = 0; i < ARRAY_COUNT(a->shared_info->evtchn_pending); i++)
		ck_assert_uint_eq(a->shared_info->evtchn_pending[i], 0);
	ck_assert_int_eq(bind_ipi(0), 2);	/* failed binds left nothing */
}
END_TEST

START_TEST(status_errors)
{
	struct evtchn_status s = { .dom = DOMID_SELF, .port = 0 };

	ck_assert_int_eq(call(a, EVTCHNOP_status, &s), 0);
	ck_assert_uint_eq(s.status, EVTCHNSTAT_closed);
	s.port = 256;
	ck_assert_int_eq(call(a, EVTCHNOP_status, &s), -EINVAL);
	s.dom = 2;
	ck_assert_int_eq(call(a, EVTCHNOP_status, &s), -EPERM);
	s.dom = 7;
	ck_assert_int_eq(call(a, EVTCHNOP_status, &s), -ESRCH);
}
END_TEST

START_TEST(foreign_domains)
{
	struct evtchn_reset r = { .dom = 2 };

	ck_assert_int_eq(alloc_unbound(a, 2, 1), -EPERM);
	ck_assert_int_eq(alloc_unbound(a, 7, 1), -ESRCH);
	ck_assert_int_eq(call(a, EVTCHNOP_reset, &r), -EPERM);
	r.dom = 7;
	ck_assert_int_eq(call(a, EVTCHNOP_reset, &r), -ESRCH);
	ck_assert_int_eq(bind(a, 7, 1), -ESRCH);
}
END_TEST

START_TEST(only_whom_it_was_offered_to_may_bind)
{
	struct domain *c = fake_domain(2);
	long offered = alloc_unbound(a, DOMID_SELF, 2);
	long port;

	ck_assert_int_eq(evtchn_init(c), 0);
	ck_assert_int_eq(bind(c, 1, (evtchn_port_t)offered), -EINVAL);
	ck_assert_int_eq(bind(a, 1, (evtchn_port_t)offered), -EINVAL);
	port = bind(b, 1, (evtchn_port_t)offered);
	ck_assert_int_gt(port, 0);
	/* taken */
	ck_assert_int_eq(bind(b, 1, (evtchn_port_t)offered), -EINVAL);
	evtchn_fini(c);
}
END_TEST

START_TEST(a_new_port_is_not_its_own_peer)
{
	/* 1 is what it would get */
	ck_assert_int_eq(bind(a, DOMID_SELF, 1), -EINVAL);
}
END_TEST

START_TEST(bind_vcpu_rules)
{
	long unbound = alloc_unbound(a, DOMID_SELF, 2);
	long global = bind_virq(VIRQ_DOM_EXC, 0), timer = bind_virq(VIRQ_TIMER, 0);
	long ipi_port = bind_ipi(0);

	ck_assert_int_eq(bind_vcpu(unbound, 0), 0);
	ck_assert_int_eq(bind_vcpu(global, 0), 0);
	ck_assert_int_eq(bind_vcpu(timer, 0), -EINVAL);
	ck_assert_int_eq(bind_vcpu(ipi_port, 0), -EINVAL);
	ck_assert_int_eq(bind_vcpu(unbound, 1), -ENOENT);
	ck_assert_int_eq(bind_vcpu(unbound, ~0u), -ENOENT);
}
END_TEST

START_TEST(pirqs_are_refused)
{
	struct evtchn_bind_pirq p = { .pirq = 3 };

	ck_assert_int_eq(call(a, EVTCHNOP_bind_pirq, &p), -EPERM);
	p.pirq = 100000;
	ck_assert_int_eq(call(a, EVTCHNOP_bind_pirq, &p), -EINVAL);
}
END_TEST

START_TEST(unknown_and_bad_pointers)
{
	static const unsigned long absent[] = {
		14, ~0ul, EVTCHNOP_bind_ipi | 1UL << 32,
	};
	struct evtchn_bind_ipi x = { .vcpu = 0 };

	for (size_t i = 0; i < ARRAY_COUNT(absent); i++)
		ck_assert_int_eq(call(a, absent[i], &x), -ENOSYS);
	for (unsigned long cmd = 0; cmd <= EVTCHNOP_reset; cmd++) {
		uint64_t rest = cmd;

		ck_assert_int_eq(op_event_channel(&rest, FAKE_BAD_VA), -EFAULT);
		ck_assert_int_eq(op_event_channel(&rest, HV_VIRT_START), -EFAULT);
	}
	fake.no_copy_out = true;
	ck_assert_int_eq(call(a, EVTCHNOP_bind_ipi, &x), -EFAULT);
	fake.no_copy_out = false;
	/* it was allocated, as on Xen */
	ck_assert_int_eq(close_port(a, 1), 0);
}
END_TEST

/* Not there, but mistakes are told as on Xen. */
START_TEST(fifo)
{
	struct evtchn_init_control c = { .offset = PAGE_SIZE - 72 };
	struct evtchn_expand_array e = { .array_gfn = 1 };
	struct evtchn_set_priority p = { .port = 0 };

	ck_assert_int_eq(call(a, EVTCHNOP_init_control, &c), -ENOSYS);
	c.offset -= 4;
	ck_assert_int_eq(call(a, EVTCHNOP_init_control, &c), -EINVAL);
	c.offset = PAGE_SIZE - 64;
	ck_assert_int_eq(call(a, EVTCHNOP_init_control, &c), -EINVAL);
	c.offset = ~7u;
	ck_assert_int_eq(call(a, EVTCHNOP_init_control, &c), -EINVAL);
	c.vcpu = a->vcpu_count;
	ck_assert_int_eq(call(a, EVTCHNOP_init_control, &c), -ENOENT);
	c.vcpu = ~0u;
	ck_assert_int_eq(call(a, EVTCHNOP_init_control, &c), -ENOENT);
	ck_assert_int_eq(call(a, EVTCHNOP_expand_array, &e), -EOPNOTSUPP);
	p.port = (evtchn_port_t)bind_ipi(0);
	ck_assert_int_eq(call(a, EVTCHNOP_set_priority, &p), -ENOSYS);
	p.port = EVTCHN_PORTS;
	ck_assert_int_eq(call(a, EVTCHNOP_set_priority, &p), -EINVAL);
}
END_TEST

/* --- growth --- */

START_TEST(ports_up_to_the_limit)
{
	long timer = bind_virq(VIRQ_TIMER, 0);

	for (long i = 2; i < EVTCHN_PORTS; i++)
		ck_assert_int_eq(bind_ipi(0), i);
	ck_assert_int_eq(bind_ipi(0), -ENOSPC);
	ck_assert_int_eq(bind_virq(VIRQ_DEBUG, 0), -ENOSPC);
	ck_assert_int_eq(alloc_unbound(a, DOMID_SELF, 2), -ENOSPC);
	ck_assert_int_eq(bind(a, DOMID_SELF, 5), -ENOSPC);
	ck_assert_int_eq(send_port(a, EVTCHN_PORTS - 1), 0);
	ck_assert(pending(a, EVTCHN_PORTS - 1));
	/* entries moved with the array */
	evtchn_virq(a->vcpu[0], VIRQ_TIMER);
	ck_assert(pending(a, timer));
	ck_assert_int_eq(close_port(a, 777), 0);
	ck_assert_int_eq(bind_ipi(0), 777);
	ck_assert_int_eq(bind_ipi(0), -ENOSPC);
}
END_TEST

static unsigned int open_ports(struct domain *d)
{
	unsigned int open = 0;

	for (uint32_t port = 1; port < d->events.count; port++)
		open += d->events.port[port].state != PORT_FREE;
	return open;
}

/*
 * PR1, EV4: a domain's ports end in parts of 64 at most, and the peers' ends
 * with them.
 */
START_TEST(end_in_parts)
{
	unsigned int left = EVTCHN_PORTS - 1, parts = 0, now;

	for (long i = 1; i < EVTCHN_PORTS; i++) {
		ck_assert_int_eq(alloc_unbound(b, DOMID_SELF, 1), i);
		ck_assert_int_eq(bind(a, 2, (evtchn_port_t)i), i);
	}
	while (evtchn_reap(a)) {
		now = open_ports(a);
		ck_assert_uint_eq(left - now, 64);
		ck_assert_uint_eq(status(b, EVTCHN_PORTS - 1 - now).status,
				  EVTCHNSTAT_unbound);
		ck_assert_uint_eq(status(b, EVTCHN_PORTS - now).status,
				  EVTCHNSTAT_interdomain);
		/* The other end may go between two parts. */
		ck_assert_int_eq(close_port(b, EVTCHN_PORTS - 1 - parts), 0);
		ck_assert_uint_eq(a->events.port[EVTCHN_PORTS - 1 - parts].state,
				  PORT_UNBOUND);
		left = now;
		parts++;
	}
	ck_assert_uint_eq(parts, 63);
	ck_assert_ptr_null(a->events.port);
	ck_assert_uint_eq(status(b, 1).status, EVTCHNSTAT_unbound);
	ck_assert_uint_eq(status(b, EVTCHN_PORTS - 64).status,
			  EVTCHNSTAT_unbound);
}
END_TEST

START_TEST(few_ports_of_many)
{
	unsigned int parts = 0;

	for (long i = 1; i < EVTCHN_PORTS; i++)
		ck_assert_int_eq(bind_ipi(0), i);
	for (long i = 1; i < EVTCHN_PORTS; i++)
		if (i % 1000)
			ck_assert_int_eq(close_port(a, i), 0);
	while (evtchn_reap(a))
		parts++;
	ck_assert_uint_eq(parts, 7);	/* 512 are looked at in each */
}
END_TEST

/* The array moves under both ends: it has these sizes at first. */
static const int sizes[] = { 64, 256, 512 };

START_TEST(self_channel_survives_growth)
{
	int size = sizes[_i];

	for (int i = 1; i < size - 1; i++)
		ck_assert_int_eq(bind_ipi(0), i);
	ck_assert_int_eq(alloc_unbound(a, DOMID_SELF, DOMID_SELF), size - 1);
	ck_assert(!evtchn_port_valid(a, (uint32_t)size));
	ck_assert_int_eq(bind(a, DOMID_SELF, (uint32_t)size - 1), size);
	ck_assert_int_eq(status(a, (uint32_t)size - 1).u.interdomain.port, size);
}
END_TEST

START_TEST(no_memory)
{
	struct domain *c = fake_domain(2);
	int size = sizes[_i];

	fake.alloc_fail_at = 1;
	ck_assert_int_eq(evtchn_init(c), -ENOMEM);
	evtchn_fini(c);
	for (int i = 1; i < size; i++)
		ck_assert_int_eq(bind_ipi(0), i);
	fake.alloc_fail_at = 1;
	ck_assert_int_eq(bind_ipi(0), -ENOMEM);
	ck_assert_int_eq(bind_ipi(0), size);	/* nothing had changed */
}
END_TEST

/* --- telling the guest --- */

START_TEST(event_sets_three_bits_and_kicks_once)
{
	long port = bind_ipi(0);
	struct vcpu_info *info = a->vcpu[0]->info;

	send_port(a, port);
	ck_assert_uint_eq(info->evtchn_pending_sel, 1UL << (port / 64));
	ck_assert_uint_eq(info->evtchn_upcall_pending, 1);
	ck_assert_uint_eq(fake.kicks, 1);
	send_port(a, port);	/* pending already */
	ck_assert_uint_eq(fake.kicks, 1);
	ck_assert(evtchn_deliverable(a->vcpu[0]));
	info->evtchn_upcall_mask = 1;
	ck_assert(!evtchn_deliverable(a->vcpu[0]));
}
END_TEST

START_TEST(masked_event_waits_for_unmask)
{
	struct evtchn_unmask u;
	long port = bind_ipi(0);
	struct vcpu_info *info = a->vcpu[0]->info;

	u.port = (evtchn_port_t)port;
	a->shared_info->evtchn_mask[0] = ~0UL;
	send_port(a, port);
	ck_assert(pending(a, port));
	ck_assert_uint_eq(info->evtchn_pending_sel, 0);
	ck_assert_uint_eq(fake.kicks, 0);
	ck_assert_int_eq(call(a, EVTCHNOP_unmask, &u), 0);
	ck_assert_uint_eq(a->shared_info->evtchn_mask[0],
			  ~(1UL << port));
	ck_assert_uint_eq(info->evtchn_pending_sel, 1);
	ck_assert_uint_eq(fake.kicks, 1);
	handle(a);
	/* not masked: no event */
	ck_assert_int_eq(call(a, EVTCHNOP_unmask, &u), 0);
	ck_assert_uint_eq(fake.kicks, 0);
}
END_TEST

START_TEST(scribbled_areas_are_harmless)
{
	long port = bind_ipi(0);

	memset(a->shared_info, 0xff, sizeof(*a->shared_info));
	send_port(a, port);
	ck_assert_int_eq(close_port(a, port), 0);
	memset(a->shared_info, 0, sizeof(*a->shared_info));
	port = bind_ipi(0);
	send_port(a, port);
	ck_assert(pending(a, port));
}
END_TEST

START_TEST(port_bound_before_the_vcpu_exists)
{
	struct vcpu *v = a->vcpu[0];
	int port;

	a->vcpu[0] = NULL;
	a->vcpu_count = 0;
	port = evtchn_bind_console(a);
	evtchn_set_pending(a, (uint32_t)port);
	ck_assert(pending(a, port));
	a->vcpu[0] = v;
	a->vcpu_count = 1;
}
END_TEST

/* PORT2, PORT4 */
static bool port_holds(struct domain *const *d, unsigned int count,
		       unsigned int n, uint32_t port)
{
	const struct evtchn *c = &d[n]->events.port[port], *far;

	if (c->state == PORT_VIRQ)
		return d[n]->vcpu[0]->virq_port[c->virq] == port;
	if (c->state != PORT_INTERDOMAIN)
		return true;
	if (c->remote_dom > count)
		return false;
	far = &d[c->remote_dom - 1]->events.port[c->remote_port];
	return far->state == PORT_INTERDOMAIN && far->remote_dom == d[n]->id &&
	       far->remote_port == port;
}

/*
 * Random calls by three domains: they hold after each.  libcheck is told of
 * failures only: a check that holds costs more than the call.
 */
static void check_invariants(struct domain *const *d, unsigned int count)
{
	for (unsigned int n = 0; n < count; n++) {
		for (uint32_t port = 1; port < d[n]->events.count; port++)
			if (!port_holds(d, count, n, port))
				ck_abort_msg("port %u of d%u", port, d[n]->id);
		for (uint32_t i = 0; i < NR_VIRQS; i++) {
			uint32_t port = d[n]->vcpu[0]->virq_port[i];

			if (port && d[n]->events.port[port].state != PORT_VIRQ)
				ck_abort_msg("VIRQ %u of d%u", i, d[n]->id);
		}
	}
}

START_TEST(random_calls_keep_the_ends_together)
{
	struct domain *d[3] = { a, b, fake_domain(2) };
	uint64_t rnd = 99;

	ck_assert_int_eq(evtchn_init(d[2]), 0);
	for (int i = 0; i < 20000; i++) {
		struct domain *who;
		unsigned int port, other;

		rnd = rnd * 6364136223846793005UL + 1442695040888963407UL;
		who = d[(rnd >> 33) % 3];
		other = 1 + (rnd >> 40) % 3;
		port = (rnd >> 45) % 12;
		switch ((rnd >> 60) % 6) {
		case 0: (void)alloc_unbound(who, DOMID_SELF, (domid_t)other); break;
		case 1: case 2: (void)bind(who, (domid_t)other, port); break;
		case 3: (void)close_port(who, port); break;
		case 4: (void)send_port(who, port); break;
		case 5: {
			struct evtchn_bind_virq x = { .virq = port };

			(void)call(who, EVTCHNOP_bind_virq, &x);
			break;
		}
		}
		if (i % 4096 == 4095) { /* one dies and its number comes back */
			evtchn_fini(who);
			ck_assert_int_eq(evtchn_init(who), 0);
		}
		check_invariants(d, 3);
	}
	evtchn_fini(d[2]);
}
END_TEST

int main(void)
{
	TCase *tc = suite_case("evtchn");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, alloc_unbound_and_close);
	tcase_add_test(tc, alloc_unbound_self_self_names_the_domain);
	tcase_add_test(tc, interdomain_both_ways);
	tcase_add_test(tc, peer_of_a_closed_end_waits_again);
	tcase_add_test(tc, peer_domain_goes);
	tcase_add_test(tc, channel_to_oneself);
	tcase_add_test(tc, virq);
	tcase_add_test(tc, virq_errors);
	tcase_add_test(tc, ipi);
	tcase_add_test(tc, console_port);
	tcase_add_test(tc, reset_closes_all_but_ours);
	tcase_add_test(tc, port_numbers_that_are_not);
	tcase_add_test(tc, status_errors);
	tcase_add_test(tc, foreign_domains);
	tcase_add_test(tc, only_whom_it_was_offered_to_may_bind);
	tcase_add_test(tc, a_new_port_is_not_its_own_peer);
	tcase_add_test(tc, bind_vcpu_rules);
	tcase_add_test(tc, pirqs_are_refused);
	tcase_add_test(tc, unknown_and_bad_pointers);
	tcase_add_test(tc, fifo);
	tcase_add_test(tc, ports_up_to_the_limit);
	tcase_add_test(tc, end_in_parts);
	tcase_add_test(tc, few_ports_of_many);
	tcase_add_loop_test(tc, self_channel_survives_growth, 0, ARRAY_COUNT(sizes));
	tcase_add_loop_test(tc, no_memory, 0, ARRAY_COUNT(sizes));
	tcase_add_test(tc, event_sets_three_bits_and_kicks_once);
	tcase_add_test(tc, masked_event_waits_for_unmask);
	tcase_add_test(tc, scribbled_areas_are_harmless);
	tcase_add_test(tc, port_bound_before_the_vcpu_exists);
	tcase_add_test(tc, random_calls_keep_the_ends_together);
	return suite_run();
}
