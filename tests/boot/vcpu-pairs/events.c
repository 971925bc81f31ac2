/* SPDX-License-Identifier: MIT */
/* Ports under two vCPUs.  The last of all: they close each other's. */
#include <gl/event.h>

#include "pairs.h"

#define PORTS	40

static evtchn_port_t kicker;
static volatile evtchn_port_t newest;
static volatile bool done;
static long bad;

static long channel(unsigned int op, void *arg)
{
	return hypercall_event_channel_op(op, arg);
}

static long port_new(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = DOMID_SELF };

	return channel(EVTCHNOP_alloc_unbound, &a) ? -1 : (long)a.port;
}

static bool fine(long rc)
{
	return !rc || rc == -XEN_EINVAL || rc == -XEN_ENOENT;
}

/* --- EV7: a kick ends the poll of a port that is masked --- */

static void kicker_make(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };

	gl_test_equal(channel(EVTCHNOP_bind_ipi, &ipi), 0);
	kicker = ipi.port;
}

static void kicker_clear(unsigned int n)
{
	__atomic_fetch_or(&gl_shared_info.evtchn_mask[kicker / 64], 1UL << kicker % 64,
			  __ATOMIC_SEQ_CST);
	__atomic_fetch_and(&gl_shared_info.evtchn_pending[kicker / 64], ~(1UL << kicker % 64),
			   __ATOMIC_SEQ_CST);
}

static void poll_and_kick(unsigned int me, unsigned int n)
{
	evtchn_port_t ports[1] = { kicker };
	struct sched_poll poll = { .nr_ports = 1 };

	set_xen_guest_handle(poll.ports, ports);
	if (me)
		gl_test_equal(gl_event_send(kicker), 0);
	else
		gl_test_equal(hypercall_sched_op(SCHEDOP_poll, &poll), 0);
}

static void kicked(unsigned int n)
{
	if (!(gl_shared_info.evtchn_pending[kicker / 64] & 1UL << kicker % 64))
		wrong("the poll ended without the kick");
}

/* --- EV6: ports are used while there come to be more of them --- */

static void start(unsigned int n)
{
	done = false;
	newest = 0;
}

static void make_and_use(unsigned int me, unsigned int n)
{
	if (!me) {
		for (unsigned int i = 0; i < PORTS; i++)
			newest = (evtchn_port_t)port_new();
		done = true;
		return;
	}
	for (uint32_t i = 0; !done; i++) {
		struct evtchn_status at = { .dom = DOMID_SELF, .port = newest + i % 3 };

		bad += !fine(channel(EVTCHNOP_status, &at));
		bad += !fine(channel(EVTCHNOP_send, &(struct evtchn_send){ at.port }));
		bad += !fine(channel(EVTCHNOP_unmask, &(struct evtchn_unmask){ at.port }));
	}
}

static void made(unsigned int n)
{
	if (newest == (evtchn_port_t)-1 || bad)
		wrong("no port, or %ld answers of another kind", bad);
	for (evtchn_port_t p = newest; p > newest - PORTS; p--)
		(void)channel(EVTCHNOP_close, &(struct evtchn_close){ p });
}

/* --- EV2: bound, used and closed while all are closed --- */

static void bind_and_reset(unsigned int me, unsigned int n)
{
	struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	long port;

	for (unsigned int i = 0; i < 4; i++) {
		if (me) {
			gl_test_equal(channel(EVTCHNOP_reset, &reset), 0);
			continue;
		}
		port = port_new();
		if (port < 0)
			wrong("no port");
		b.remote_port = (evtchn_port_t)port;
		bad += !fine(channel(EVTCHNOP_bind_interdomain, &b));
		bad += !fine(channel(EVTCHNOP_send, &(struct evtchn_send){ b.local_port }));
		bad += !fine(channel(EVTCHNOP_bind_vcpu,
				     &(struct evtchn_bind_vcpu){ b.local_port, 1 }));
		bad += !fine(channel(EVTCHNOP_close, &(struct evtchn_close){ b.local_port }));
		bad += !fine(channel(EVTCHNOP_close, &(struct evtchn_close){ b.remote_port }));
	}
}

static void reset_look(unsigned int n)
{
	if (bad)
		wrong("%ld answers of another kind", bad);
}

const struct pair event_pairs[] = {
	{ "EV7", kicker_make, kicker_clear, poll_and_kick, kicked },
	{ "EV6", NULL, start, make_and_use, made },
	{ "EV2", NULL, NULL, bind_and_reset, reset_look },
	{ NULL, NULL, NULL, NULL, NULL },
};
