/* SPDX-License-Identifier: MIT */
/* What evtchn.c and op_evtchn.c share among themselves. */
#ifndef HV_DOM_EVTCHN_PRIVATE_H
#define HV_DOM_EVTCHN_PRIVATE_H

#include "dom/evtchn.h"

enum evtchn_state {
	PORT_FREE, PORT_UNBOUND, PORT_INTERDOMAIN, PORT_VIRQ, PORT_IPI,
	PORT_CONSOLE, PORT_PIRQ,
};

/* One port; LOCK_EVENT of its domain.  All zero: FREE. */
struct evtchn {
	uint8_t state;		/* enum evtchn_state */
	uint8_t vcpu;		/* which vCPU is told */
	uint8_t virq;		/* PIRQ: which; VIRQ: which, */
	uint8_t vcpu_of_virq;	/* and whose virq_port[] names this port */
	/* UNBOUND: the domain that may bind; INTERDOMAIN: the one that did */
	uint32_t remote_dom;
	uint32_t remote_port;	/* INTERDOMAIN */
	uint32_t spare;
};

/* --- LOCK_EVENT of d held --- */
/* NULL: no such port */
struct evtchn *evtchn_get(struct domain *d, uint32_t port)
	needs_lock(&d->events.lock);
/* A port in that state; -ENOSPC, -ENOMEM. */
int evtchn_alloc(struct domain *d, enum evtchn_state state, uint32_t vcpu)
	needs_lock(&d->events.lock);
void evtchn_raise(struct domain *d, uint32_t port) needs_lock(&d->events.lock);
void evtchn_unmask_port(struct domain *d, uint32_t port)
	needs_lock(&d->events.lock);

/*
 * Lock d's ports and, if `port` leads to another domain, that one's, which is
 * returned with a reference (else NULL).
 */
struct domain *evtchn_lock_ends(struct domain *d, uint32_t port)
	takes_lock(&d->events.lock);
void evtchn_unlock_ends(struct domain *d, struct domain *peer)
	frees_lock(&d->events.lock);

/* What is known of a physical interrupt; LOCK_EVENT (PORT6). */
struct evtchn_pirq {
	uint16_t port;
	bool allowed;
};
/*
 * The port, or -EINVAL: not allowed; -EEXIST, -ENOSPC, -ENOMEM.  No lock held.
 */
int evtchn_pirq_bind(struct domain *d, uint32_t pirq) must_check;
void evtchn_pirq_fini(struct domain *d);

/* -EINVAL: not open, or (by_guest) the hypervisor's.  No lock held. */
int evtchn_close(struct domain *d, uint32_t port, bool by_guest);

#endif
