/* SPDX-License-Identifier: MIT */
/*
 * Event channels, the two-level kind.  Handlers run from the event callback
 * with events masked; the port's pending bit is cleared before, so an event
 * that comes meanwhile is handled after.
 */
#ifndef GL_EVENT_H
#define GL_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <xen/event_channel.h>

#include <gl/decls.h>

GL_DECLS_BEGIN

#define GL_PORTS 1024	/* that can have a handler */

typedef void (*gl_event_fn)(evtchn_port_t port, void *data);

void gl_event_init(void);
void gl_event_upcall(void);

/*
 * Each binds, sets the handler (which may be NULL), and unmasks. Returns the
 * port, or -errno.  A VIRQ or IPI is the calling vCPU's, and so are its
 * handler's runs; others are vCPU 0's.
 */
long gl_event_bind_virq(unsigned int virq, gl_event_fn fn, void *data);
long gl_event_bind_ipi(gl_event_fn fn, void *data);
long gl_event_alloc_unbound(domid_t remote, gl_event_fn fn, void *data);
/* For a port that exists already, such as the console's. */
void gl_event_handler_set(evtchn_port_t port, gl_event_fn fn, void *data);

/* An interdomain or unbound port's events go to that vCPU. 0 or -errno. */
long gl_event_bind_vcpu(evtchn_port_t port, unsigned int vcpu);

void gl_event_mask(evtchn_port_t port);
void gl_event_unmask(evtchn_port_t port);
long gl_event_send(evtchn_port_t port);
long gl_event_close(evtchn_port_t port);

/*
 * Mask events of the whole vCPU, or restore: gl_events_save() masks them and
 * returns whether they were on.
 */
bool gl_events_save(void);
void gl_events_restore(bool on);
static inline void gl_events_enable(void)
{
	gl_events_restore(true);
}

GL_DECLS_END

#endif
