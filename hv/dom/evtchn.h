/* SPDX-License-Identifier: MIT */
/*
 * Event channels, 2-level ABI.  Ports of a domain under its LOCK_EVENT; two
 * domains' locks by spin_lock_pair().
 *
 *   FREE -alloc_unbound-> UNBOUND -bind_interdomain(peer)-> INTERDOMAIN
 *        -close-> FREE (peer: UNBOUND)
 *   FREE -bind_virq-> VIRQ     FREE -bind_ipi-> IPI
 *   FREE -(hypervisor)-> CONSOLE    FREE -bind_pirq-> PIRQ
 */
#ifndef HV_DOM_EVTCHN_H
#define HV_DOM_EVTCHN_H

#include "dom/domain.h"

int evtchn_init(struct domain *d);		/* -ENOMEM */
/*
 * Close the ports of a domain that does not run, or never did, and the peers'
 * ends with them.  evtchn_reap() closes some of them.
 */
enum progress evtchn_reap(struct domain *d) must_check;
void evtchn_fini(struct domain *d);	/* all of them */
/*
 * A port whose other end is the hypervisor's console; returns the port or
 * -errno.
 */
int evtchn_bind_console(struct domain *d);
/*
 * Set the port pending and wake or kick its vCPU.  From any CPU; takes
 * LOCK_EVENT of d.
 */
void evtchn_set_pending(struct domain *d, uint32_t port);
/* Raise a per-vCPU VIRQ if bound. */
void evtchn_virq(struct vcpu *v, uint32_t virq);
/*
 * Raise one that tells of the machine: the first domain's, if there is one.  No
 * lock held.
 */
void evtchn_virq_first(uint32_t virq);
/* An event is pending and not masked: the vCPU should take an upcall. */
bool evtchn_deliverable(const struct vcpu *v);

/*
 * --- physical interrupts (evtchn_pirq.c): numbers below PIRQS_MAX.  All take
 * LOCK_EVENT. ---
 */
#define PIRQS_MAX	256
/* Room for d's; once for all: -ENOMEM. */
int evtchn_pirq_init(struct domain *d) must_check;
/* May d bind that one?  A port that it has stays. */
void evtchn_pirq_allow(struct domain *d, uint32_t pirq, bool allow);
/* Has it a port? */
bool evtchn_pirq_bound(struct domain *d, uint32_t pirq);
/* The interrupt came; false: it has no port. */
bool evtchn_pirq_raise(struct domain *d, uint32_t pirq);

bool evtchn_port_valid(const struct domain *d, uint32_t port);
bool evtchn_port_pending(const struct domain *d, uint32_t port);

/* -ERESTART: *cmd says where to go on. */
long op_event_channel(uint64_t *cmd, uint64_t arg);

#endif
