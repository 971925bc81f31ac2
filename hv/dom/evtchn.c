/* SPDX-License-Identifier: MIT */
/*
 * Event channels: the ports of a domain, and how an event reaches a vCPU.
 * The hypercall is in op_evtchn.c.
 *
 * PORT1  port 0 is never used.  events.port[] holds events.count entries, all
 *        zero (FREE) or in use.
 * PORT2  two ends of a channel name each other by domain and port.  Both ends
 *        change only with both domains' LOCK_EVENT held; so a holder of one of
 *        the two locks that sees INTERDOMAIN knows that the peer domain still
 *        has its ports.
 * PORT3  LOCK_DOMLIST comes before LOCK_EVENT, so a peer is looked up with no
 *        port locked, and the port is looked at again afterwards
 *        (evtchn_lock_ends()).
 * PORT4  v->virq_port[] and the VIRQ entries of ports[] are inverse to each
 *        other.
 * PORT5  the bitmaps and vcpu_info belong to the guest as much as to us: we set
 *        single atomic bits, and what we read there decides only whether that
 *        guest is told of an event.
 * PORT6  events.pirq[n].port names the port of state PIRQ whose number is n,
 *        and the other way round; 0: there is none (evtchn_pirq.c).
 */
#include <port.h>
#include <errno.h>

#include <xen/event_channel.h>

#include "dom/above.h"
#include "dom/evtchn_private.h"
#include "dom/sched.h"
#include "mm/objpool.h"

#define PORTS_FIRST	64	/* a small guest has no use for more */
#define PORTS_PAGE	(PAGE_SIZE / sizeof(struct evtchn))
#define REAP_CLOSED	64	/* ports that one evtchn_reap() closes, */
#define REAP_SEEN	512	/* and looks at */

_Static_assert(EVTCHN_PORTS == EVTCHN_2L_NR_CHANNELS, "2-level ABI");
_Static_assert(sizeof(struct evtchn) == 16, "a page holds 256 ports");

static size_t ports_bytes(uint32_t count)
{
	return count * sizeof(struct evtchn);
}

int evtchn_init(struct domain *d)
{
	d->events.port = obj_alloc(ports_bytes(PORTS_FIRST));
	if (!d->events.port)
		return -ENOMEM;
	d->events.count = PORTS_FIRST;
	d->events.last = EVTCHN_PORTS - 1;
	return 0;
}

/* --- ports: LOCK_EVENT held --- */

struct evtchn *evtchn_get(struct domain *d, uint32_t port)
{
	if (port == 0 || port >= d->events.count) /* PORT1 */
		return NULL;
	return &d->events.port[port];
}

static int ports_grow(struct domain *d) needs_lock(&d->events.lock)
{
	uint32_t count = MAX(d->events.count * 2, PORTS_PAGE);
	struct evtchn *ports;

	if (!d->events.count || count > EVTCHN_PORTS)
		return -ENOSPC;
	ports = obj_alloc(ports_bytes(count));
	if (!ports)
		return -ENOMEM;
	memcpy(ports, d->events.port, ports_bytes(d->events.count));
	obj_free(d->events.port, ports_bytes(d->events.count));
	d->events.port = ports;
	WRITE_ONCE(d->events.count, count);
	return 0;
}

int evtchn_alloc(struct domain *d, enum evtchn_state state, uint32_t vcpu)
{
	uint32_t port = 1;
	int rc = 0;

	while (port < d->events.count && d->events.port[port].state != PORT_FREE)
		port++;
	if (port > d->events.last)
		return -ENOSPC;
	if (port >= d->events.count) {
		port = MAX(d->events.count, 1u);
		rc = ports_grow(d);
	}
	if (rc)
		return rc;
	d->events.port[port].state = state;
	d->events.port[port].vcpu = (uint8_t)vcpu;
	return (int)port;
}

static xen_ulong_t port_bit(uint32_t port)
{
	return 1UL << (port % 64);
}

/* Set one bit; was it set before? */
static bool set_bit(xen_ulong_t *word, xen_ulong_t bit)
{
	return atomic_fetch_or(word, bit) & bit;
}

/* The selector bit, the upcall, the kick. */
static void tell_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
	needs_lock(&d->events.lock)
{
	struct vcpu *v = d->vcpu[vcpu];

	if (!v)
		/*
		 * being built: the guest finds the bit when it registers or
		 * scans
		 */
		return;
	if (set_bit(&v->info->evtchn_pending_sel, port_bit(port / 64)))
		return;
	atomic_store(&v->info->evtchn_upcall_pending, 1);
	sched_kick(v);
}

static void tell_pollers(struct domain *d, uint32_t port)
	needs_lock(&d->events.lock)
{
	for (uint32_t i = 0; i < d->vcpu_count; i++)
		sched_poll_wake(d->vcpu[i], port);
}

void evtchn_raise(struct domain *d, uint32_t port)
{
	struct evtchn *c = evtchn_get(d, port);
	struct shared_info *s = d->shared_info;

	if (!c || c->state == PORT_FREE)
		return;
	if (set_bit(&s->evtchn_pending[port / 64], port_bit(port)))
		return;
	if (!(READ_ONCE(s->evtchn_mask[port / 64]) & port_bit(port)))
		tell_vcpu(d, port, c->vcpu);
	tell_pollers(d, port);
}

void evtchn_unmask_port(struct domain *d, uint32_t port)
{
	struct shared_info *s = d->shared_info;
	xen_ulong_t bit = port_bit(port), was;

	was = atomic_fetch_and(&s->evtchn_mask[port / 64], ~bit);
	if (was & bit && READ_ONCE(s->evtchn_pending[port / 64]) & bit)
		tell_vcpu(d, port, d->events.port[port].vcpu);
}

/* --- both ends (PORT2, PORT3) --- */

static uint32_t peer_of(struct domain *d, uint32_t port)
	needs_lock(&d->events.lock)
{
	struct evtchn *c = evtchn_get(d, port);

	if (!c || c->state != PORT_INTERDOMAIN || c->remote_dom == d->id)
		return DOMID_INVALID;
	return c->remote_dom;
}

/* d's lock is held, and its port leads to domain `id`. */
static __attribute__((noinline)) locks_unchecked struct domain *
lock_peer(struct domain *d, uint32_t port, uint32_t id) needs_lock(&d->events.lock)
{
	while (id != DOMID_INVALID) {
		struct domain *peer;

		spin_unlock(&d->events.lock);
		peer = domain_find((domid_hv_t)id);
		if (!peer) {
			/*
			 * The peer has gone, and closed its ports before that:
			 * our end has changed.
			 */
			spin_lock(&d->events.lock);
		} else {
			spin_lock_pair(&d->events.lock, &peer->events.lock);
			if (peer_of(d, port) == id)
				return peer;
			evtchn_unlock_ends(d, peer);
			spin_lock(&d->events.lock);
		}
		id = peer_of(d, port);
	}
	return NULL;
}

struct domain *evtchn_lock_ends(struct domain *d, uint32_t port)
{
	uint32_t id;

	spin_lock(&d->events.lock);
	id = peer_of(d, port);
	return likely(id == DOMID_INVALID) ? NULL : lock_peer(d, port, id);
}

locks_unchecked void evtchn_unlock_ends(struct domain *d, struct domain *peer)
{
	if (!peer) {
		spin_unlock(&d->events.lock);
		return;
	}
	spin_unlock_pair(&d->events.lock, &peer->events.lock);
	domain_put(peer);
}

/* --- closing --- */

/* The other end waits for a new peer from here (Xen's rule). Both locked. */
static void unlink_peer(struct domain *d, struct domain *peer,
			const struct evtchn *c) needs_lock(&d->events.lock)
{
	struct domain *far = peer ? peer : d;
	struct evtchn *other;

	spin_known_held(&far->events.lock);
	other = evtchn_get(far, c->remote_port);
	ASSERT(other && other->state == PORT_INTERDOMAIN &&
	       other->remote_dom == d->id); /* PORT2 */
	other->state = PORT_UNBOUND;
	other->remote_dom = d->id;
	other->remote_port = 0;
}

static void port_free(struct domain *d, uint32_t port, struct evtchn *c)
	needs_lock(&d->events.lock)
{
	memset(c, 0, sizeof(*c));
	atomic_fetch_and(&d->shared_info->evtchn_pending[port / 64], ~port_bit(port));
}

/* *pirq: the physical interrupt that has no port any more; else as it was. */
static int close_locked(struct domain *d, uint32_t port, struct domain *peer,
			bool by_guest, int *pirq) needs_lock(&d->events.lock)
{
	struct evtchn *c = evtchn_get(d, port);

	if (!c || c->state == PORT_FREE)
		return -EINVAL;
	if (by_guest && c->state == PORT_CONSOLE)
		return -EINVAL;
	if (c->state == PORT_INTERDOMAIN)
		unlink_peer(d, peer, c);
	if (c->state == PORT_VIRQ)
		d->vcpu[c->vcpu_of_virq]->virq_port[c->virq] = 0; /* PORT4 */
	if (c->state == PORT_PIRQ) {
		*pirq = c->virq;
		d->events.pirq[c->virq].port = 0; /* PORT6 */
	}
	port_free(d, port, c);
	return 0;
}

int evtchn_close(struct domain *d, uint32_t port, bool by_guest)
{
	struct domain *peer = evtchn_lock_ends(d, port);
	int pirq = -1, rc = close_locked(d, port, peer, by_guest, &pirq);

	evtchn_unlock_ends(d, peer);
	if (pirq >= 0)
		pirq_bound(d, (uint32_t)pirq);
	return rc;
}

static void ports_free(struct domain *d)
{
	struct evtchn *ports;
	uint32_t count;

	spin_lock(&d->events.lock);
	ports = d->events.port;
	count = d->events.count;
	d->events.port = NULL;
	WRITE_ONCE(d->events.count, 0);
	spin_unlock(&d->events.lock);
	obj_free(ports, ports_bytes(count));
	evtchn_pirq_fini(d);
}

/*
 * The domain runs no more, so only peers change its ports, and a free port
 * stays free: such ports are passed by without the lock.
 */
enum progress evtchn_reap(struct domain *d)
{
	uint32_t closed = 0, port = d->events.reaped, count = d->events.count;
	uint32_t end = MIN(count, port + REAP_SEEN);

	for (; port < end && closed < REAP_CLOSED; port++) {
		if (READ_ONCE(d->events.port[port].state) == PORT_FREE)
			continue;
		(void)evtchn_close(d, port, false);
		closed++;
	}
	d->events.reaped = port;
	if (port < count)
		return MORE;
	ports_free(d);
	d->events.reaped = 0;
	return DONE;
}

void evtchn_fini(struct domain *d)
{
	while (evtchn_reap(d) == MORE)
		;
}

/* --- what the rest of the hypervisor calls --- */

int evtchn_bind_console(struct domain *d)
{
	int port;

	spin_lock(&d->events.lock);
	port = evtchn_alloc(d, PORT_CONSOLE, 0);
	spin_unlock(&d->events.lock);
	return port;
}

void evtchn_set_pending(struct domain *d, uint32_t port)
{
	spin_lock(&d->events.lock);
	evtchn_raise(d, port);
	spin_unlock(&d->events.lock);
}

void evtchn_virq(struct vcpu *v, uint32_t virq)
{
	struct domain *d = v->domain;

	spin_lock(&d->events.lock);
	if (virq < ARRAY_COUNT(v->virq_port) && v->virq_port[virq])
		evtchn_raise(d, v->virq_port[virq]);
	spin_unlock(&d->events.lock);
}

void evtchn_virq_first(uint32_t virq)
{
	struct domain *d = domain_find(DOMID_FIRST);

	if (!d)
		return;
	evtchn_virq(d->vcpu[0], virq);
	domain_put(d);
}

bool evtchn_deliverable(const struct vcpu *v)
{
	const struct vcpu_info *info = v->info;

	return READ_ONCE(info->evtchn_upcall_pending) &&
	       !READ_ONCE(info->evtchn_upcall_mask);
}

bool evtchn_port_valid(const struct domain *d, uint32_t port)
{
	return port != 0 && port < READ_ONCE(d->events.count);
}

bool evtchn_port_pending(const struct domain *d, uint32_t port)
{
	return READ_ONCE(d->shared_info->evtchn_pending[port / 64]) &
	       port_bit(port);
}
