/* SPDX-License-Identifier: MIT */
/*
 * The event_channel_op hypercall: 2-level ABI, Xen's error numbers.  Arguments
 * are copied in once; a failure to copy a port out leaves the port allocated,
 * as on Xen (the guest may close it).
 *
 * A guest may name a foreign domain only in bind_interdomain, where the other
 * side has to have offered a port to it.  The first domain may offer ports of
 * others (alloc_unbound), look at them, and close all of them.
 */
#include <port.h>
#include <errno.h>

#include <xen/event_channel.h>

#include "dom/console.h"
#include "dom/evtchn_private.h"
#include "dom/privilege.h"
#include "dom/sched.h"
#include "dom/store.h"
#include "x86/guestcopy.h"

#define CLOSE_BATCH	64	/* ports between two looks at the clock */

/* above them: from which port on a reset goes on */
#define CMD_SHIFT	6
#define CMD_MASK	((1UL << CMD_SHIFT) - 1)

/*
 * The domain that `dom` names, with a reference: d itself or, if d is the first
 * domain, any.  -ESRCH; -EPERM, as Xen tells an unprivileged guest.
 */
static long whose(struct domain *d, domid_t dom, uint32_t cmd, struct domain **out)
{
	struct domain *other = domain_find(dom == DOMID_SELF ? d->id : dom);

	if (!other)
		return -ESRCH;
	if (other != d && privilege_check(d, PRIV_EVENT, cmd)) {
		domain_put(other);
		return -EPERM;
	}
	*out = other;
	return 0;
}

static uint32_t self_or(const struct domain *d, domid_t dom)
{
	return dom == DOMID_SELF ? d->id : dom;
}

static bool virq_is_global(uint32_t virq)
{
	return virq != VIRQ_TIMER && virq != VIRQ_DEBUG &&
	       virq != VIRQ_XENOPROF && virq != VIRQ_XENPMU;
}

static long op_alloc_unbound(struct domain *d, uint64_t arg)
{
	struct evtchn_alloc_unbound a;
	struct domain *of;
	long rc;

	if (copy_from_guest(&a, arg, sizeof(a)))
		return -EFAULT;
	rc = whose(d, a.dom, EVTCHNOP_alloc_unbound, &of);
	if (rc)
		return rc;
	spin_lock(&of->events.lock);
	/* The reaper passes through the lock (ctl/destroy.c, END6). */
	rc = READ_ONCE(of->state) < DOM_DYING ?
	     evtchn_alloc(of, PORT_UNBOUND, 0) : -EINVAL;
	if (rc > 0)
		of->events.port[rc].remote_dom = self_or(d, a.remote_dom);
	spin_unlock(&of->events.lock);
	domain_put(of);
	if (rc < 0)
		return rc;
	a.port = (evtchn_port_t)rc;
	return copy_to_guest(arg, &a, sizeof(a));
}

static void link_ends(struct domain *d, uint32_t port, struct domain *peer,
		      uint32_t peer_port)
	needs_lock(&d->events.lock, &peer->events.lock)
{
	struct evtchn *near = &d->events.port[port], *far = &peer->events.port[peer_port];

	near->state = far->state = PORT_INTERDOMAIN;
	near->remote_dom = peer->id;
	near->remote_port = peer_port;
	far->remote_dom = d->id;
	far->remote_port = port;
}

/*
 * Both domains are locked (they may be the same).  Port allocation first: it
 * may move d's array.
 */
static long bind_locked(struct domain *d, struct domain *peer,
			uint32_t peer_port)
	needs_lock(&d->events.lock, &peer->events.lock)
{
	int port = evtchn_alloc(d, PORT_UNBOUND, 0);
	struct evtchn *far = evtchn_get(peer, peer_port);

	if (port < 0)
		return port;
	if (!far || far->state != PORT_UNBOUND || far->remote_dom != d->id ||
	    (peer == d && peer_port == (uint32_t)port)) {
		memset(&d->events.port[port], 0, sizeof(struct evtchn));
		return -EINVAL;
	}
	link_ends(d, (uint32_t)port, peer, peer_port);
	/* for events that the peer sent before */
	evtchn_raise(d, (uint32_t)port);
	return port;
}

static long op_bind_interdomain(struct domain *d, uint64_t arg)
{
	struct evtchn_bind_interdomain b;
	struct domain *peer;
	long rc;

	if (copy_from_guest(&b, arg, sizeof(b)))
		return -EFAULT;
	peer = domain_find((domid_hv_t)self_or(d, b.remote_dom));
	if (!peer)
		return -ESRCH;
	spin_lock_pair(&d->events.lock, &peer->events.lock);
	rc = bind_locked(d, peer, b.remote_port);
	spin_unlock_pair(&d->events.lock, &peer->events.lock);
	domain_put(peer);
	if (rc < 0)
		return rc;
	b.local_port = (evtchn_port_t)rc;
	return copy_to_guest(arg, &b, sizeof(b));
}

static long bind_virq(struct domain *d, uint32_t virq, uint32_t vcpu)
{
	struct vcpu *v = d->vcpu[vcpu];
	int port = -EEXIST;

	spin_lock(&d->events.lock);
	if (!v->virq_port[virq])
		port = evtchn_alloc(d, PORT_VIRQ, vcpu);
	if (port > 0) {
		d->events.port[port].virq = (uint8_t)virq;
		d->events.port[port].vcpu_of_virq = (uint8_t)vcpu;
		v->virq_port[virq] = (uint32_t)port;
	}
	spin_unlock(&d->events.lock);
	return port;
}

static long op_bind_virq(struct domain *d, uint64_t arg)
{
	struct evtchn_bind_virq b;
	long rc;

	if (copy_from_guest(&b, arg, sizeof(b)))
		return -EFAULT;
	if (b.virq >= NR_VIRQS || (virq_is_global(b.virq) && b.vcpu))
		return -EINVAL;
	if (b.vcpu >= d->vcpu_count)
		return -ENOENT;
	rc = bind_virq(d, b.virq, b.vcpu);
	if (rc < 0)
		return rc;
	b.port = (evtchn_port_t)rc;
	return copy_to_guest(arg, &b, sizeof(b));
}

static long op_bind_ipi(struct domain *d, uint64_t arg)
{
	struct evtchn_bind_ipi b;
	int rc;

	if (copy_from_guest(&b, arg, sizeof(b)))
		return -EFAULT;
	if (b.vcpu >= d->vcpu_count)
		return -ENOENT;
	spin_lock(&d->events.lock);
	rc = evtchn_alloc(d, PORT_IPI, b.vcpu);
	spin_unlock(&d->events.lock);
	if (rc < 0)
		return rc;
	b.port = (evtchn_port_t)rc;
	return copy_to_guest(arg, &b, sizeof(b));
}

/* Of devices, which only the first domain has. */
static long op_bind_pirq(struct domain *d, uint64_t arg)
{
	struct evtchn_bind_pirq b;
	long rc;

	if (copy_from_guest(&b, arg, sizeof(b)))
		return -EFAULT;
	if (b.pirq >= PIRQS_MAX)
		return -EINVAL;
	rc = privilege_check(d, PRIV_EVENT, EVTCHNOP_bind_pirq);
	if (!rc)
		rc = evtchn_pirq_bind(d, b.pirq);
	if (rc < 0)
		return rc;
	b.port = (evtchn_port_t)rc;
	return copy_to_guest(arg, &b, sizeof(b));
}

static long op_close(struct domain *d, uint64_t arg)
{
	struct evtchn_close c;

	if (copy_from_guest(&c, arg, sizeof(c)))
		return -EFAULT;
	return evtchn_close(d, c.port, true);
}

/*
 * Both ends are locked.  1: the event is for the console or the store, which
 * take locks of their own.
 */
static long send_locked(struct domain *d, uint32_t port, struct domain *peer)
	needs_lock(&d->events.lock)
{
	const struct evtchn *c = evtchn_get(d, port);

	switch (c ? c->state : PORT_FREE) {
	case PORT_CONSOLE:
		return 1;
	case PORT_INTERDOMAIN:
		spin_known_held(&(peer ? peer : d)->events.lock);
		evtchn_raise(peer ? peer : d, c->remote_port);
		return 0;
	case PORT_IPI:
		evtchn_raise(d, port);
		return 0;
	case PORT_UNBOUND:
		return 0; /* into the void */
	default:
		return -EINVAL;
	}
}

static long op_send(struct domain *d, uint64_t arg)
{
	struct evtchn_send s;
	struct domain *peer;
	long rc;

	if (copy_from_guest(&s, arg, sizeof(s)))
		return -EFAULT;
	peer = evtchn_lock_ends(d, s.port);
	rc = send_locked(d, s.port, peer);
	evtchn_unlock_ends(d, peer);
	if (rc != 1)
		return rc;
	console_drain(d);
	store_serve(d);
	return 0;
}

static void status_fill(struct evtchn_status *s, const struct evtchn *c)
{
	memset(&s->u, 0, sizeof(s->u));
	s->vcpu = c ? c->vcpu : 0;
	s->status = EVTCHNSTAT_closed;
	switch (c ? (enum evtchn_state)c->state : PORT_FREE) {
	case PORT_FREE:
		break;
	case PORT_UNBOUND:
		s->status = EVTCHNSTAT_unbound;
		s->u.unbound.dom = (domid_t)c->remote_dom;
		break;
	case PORT_CONSOLE: /* the other end is in domain 0: us */
	case PORT_INTERDOMAIN:
		s->status = EVTCHNSTAT_interdomain;
		s->u.interdomain.dom = (domid_t)c->remote_dom;
		s->u.interdomain.port = c->remote_port;
		break;
	case PORT_VIRQ:
		s->status = EVTCHNSTAT_virq;
		s->u.virq = c->virq;
		break;
	case PORT_IPI:
		s->status = EVTCHNSTAT_ipi;
		break;
	case PORT_PIRQ:
		s->status = EVTCHNSTAT_pirq;
		s->u.pirq = c->virq;
		break;
	}
}

static long op_status(struct domain *d, uint64_t arg)
{
	struct evtchn_status s;
	struct domain *of;
	bool valid;
	long rc;

	if (copy_from_guest(&s, arg, sizeof(s)))
		return -EFAULT;
	rc = whose(d, s.dom, EVTCHNOP_status, &of);
	if (rc)
		return rc;
	spin_lock(&of->events.lock);
	valid = s.port < of->events.count; /* port 0 is there, and closed */
	status_fill(&s, evtchn_get(of, s.port));
	spin_unlock(&of->events.lock);
	domain_put(of);
	return valid ? copy_to_guest(arg, &s, sizeof(s)) : -EINVAL;
}

static long bind_vcpu(struct domain *d, uint32_t port, uint32_t vcpu)
	needs_lock(&d->events.lock)
{
	struct evtchn *c = evtchn_get(d, port);

	switch (c ? (enum evtchn_state)c->state : PORT_FREE) {
	case PORT_VIRQ:
		if (!virq_is_global(c->virq))
			return -EINVAL;
		break;
	case PORT_UNBOUND:
	case PORT_INTERDOMAIN:
	case PORT_CONSOLE:
	case PORT_PIRQ:
		break;
	case PORT_FREE:
	case PORT_IPI:
		return -EINVAL;
	}
	c->vcpu = (uint8_t)vcpu;
	return 0;
}

static long op_bind_vcpu(struct domain *d, uint64_t arg)
{
	struct evtchn_bind_vcpu b;
	long rc;

	if (copy_from_guest(&b, arg, sizeof(b)))
		return -EFAULT;
	if (b.vcpu >= d->vcpu_count)
		return -ENOENT;
	spin_lock(&d->events.lock);
	rc = bind_vcpu(d, b.port, b.vcpu);
	spin_unlock(&d->events.lock);
	return rc;
}

static long op_unmask(struct domain *d, uint64_t arg)
{
	struct evtchn_unmask u;
	bool valid;

	if (copy_from_guest(&u, arg, sizeof(u)))
		return -EFAULT;
	spin_lock(&d->events.lock);
	valid = evtchn_get(d, u.port) != NULL;
	if (valid)
		evtchn_unmask_port(d, u.port);
	spin_unlock(&d->events.lock);
	return valid ? 0 : -EINVAL;
}

/*
 * From *port on.  When time runs out the call goes on behind the last one that
 * it closed, so that a guest that opens ports meanwhile does not hold who
 * closes them.  Who says that he is further on than he was leaves ports open,
 * which are his or another's that he may close.
 */
static long close_all(struct domain *d, uint64_t *port)
{
	uint32_t closed = 0;

	for (; *port < READ_ONCE(d->events.count); ++*port) {
		if (closed == CLOSE_BATCH && sched_preempt_pending())
			return -ERESTART;
		closed %= CLOSE_BATCH;
		if (evtchn_close(d, (uint32_t)*port, true) == 0)
			closed++;
	}
	return 0;
}

static long op_reset(struct domain *d, uint64_t *cmd, uint64_t arg)
{
	uint64_t port = MAX(*cmd >> CMD_SHIFT, 1UL);
	struct evtchn_reset r;
	struct domain *of;
	long rc;

	if (copy_from_guest(&r, arg, sizeof(r)))
		return -EFAULT;
	rc = whose(d, r.dom, EVTCHNOP_reset, &of);
	if (rc)
		return rc;
	rc = close_all(of, &port);
	domain_put(of);
	*cmd = EVTCHNOP_reset | port << CMD_SHIFT;
	return rc;
}

/*
 * There is no FIFO ABI, and a kernel that hears so goes on with two levels.
 * First the arguments are checked, with Xen's errors.
 */
static long op_init_control(struct domain *d, uint64_t arg)
{
	struct evtchn_init_control c;

	if (copy_from_guest(&c, arg, sizeof(c)))
		return -EFAULT;
	if (c.vcpu >= d->vcpu_count)
		return -ENOENT;
	if (c.offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) ||
	    c.offset % 8)
		return -EINVAL;
	return -ENOSYS;
}

/* Needs a control block, which no guest has. */
static long op_expand_array(uint64_t arg)
{
	struct evtchn_expand_array e;

	return copy_from_guest(&e, arg, sizeof(e)) ? -EFAULT : -EOPNOTSUPP;
}

static long op_set_priority(struct domain *d, uint64_t arg)
{
	struct evtchn_set_priority p;

	if (copy_from_guest(&p, arg, sizeof(p)))
		return -EFAULT;
	return p.port < READ_ONCE(d->events.count) ? -ENOSYS : -EINVAL;
}

long op_event_channel(uint64_t *cmd, uint64_t arg)
{
	struct domain *d = current_vcpu()->domain;

	if ((*cmd & CMD_MASK) == EVTCHNOP_reset)
		return op_reset(d, cmd, arg);
	switch (*cmd) {
	case EVTCHNOP_alloc_unbound:
		return op_alloc_unbound(d, arg);
	case EVTCHNOP_bind_interdomain:
		return op_bind_interdomain(d, arg);
	case EVTCHNOP_bind_virq:
		return op_bind_virq(d, arg);
	case EVTCHNOP_bind_ipi:
		return op_bind_ipi(d, arg);
	case EVTCHNOP_bind_pirq:
		return op_bind_pirq(d, arg);
	case EVTCHNOP_close:
		return op_close(d, arg);
	case EVTCHNOP_send:
		return op_send(d, arg);
	case EVTCHNOP_status:
		return op_status(d, arg);
	case EVTCHNOP_bind_vcpu:
		return op_bind_vcpu(d, arg);
	case EVTCHNOP_unmask:
		return op_unmask(d, arg);
	case EVTCHNOP_init_control:
		return op_init_control(d, arg);
	case EVTCHNOP_expand_array:
		return op_expand_array(arg);
	case EVTCHNOP_set_priority:
		return op_set_priority(d, arg);
	default:
		return -ENOSYS;
	}
}
