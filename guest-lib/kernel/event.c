/* SPDX-License-Identifier: MIT */
/* Event channels: binding, masking, dispatch. */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/start.h>

#define WORD_BITS 64

struct port_handler {
	gl_event_fn fn;
	void *data;
};

/* Written before a port is unmasked, read by the callback. */
static struct port_handler handlers[GL_PORTS];

static void set_bit(xen_ulong_t *words, evtchn_port_t port)
{
	__atomic_fetch_or(&words[port / WORD_BITS], 1UL << (port % WORD_BITS),
			  __ATOMIC_SEQ_CST);
}

static void clear_bit(xen_ulong_t *words, evtchn_port_t port)
{
	__atomic_fetch_and(&words[port / WORD_BITS],
			   ~(1UL << (port % WORD_BITS)), __ATOMIC_SEQ_CST);
}

static bool test_bit(const xen_ulong_t *words, evtchn_port_t port)
{
	return __atomic_load_n(&words[port / WORD_BITS], __ATOMIC_SEQ_CST) >>
	       (port % WORD_BITS) & 1;
}

void gl_event_init(void)
{
	for (unsigned int i = 0; i < WORD_BITS; i++)
		gl_shared_info.evtchn_mask[i] = ~0UL;
	gl_events_enable();
}

static void dispatch(evtchn_port_t port)
{
	clear_bit(gl_shared_info.evtchn_pending, port);
	if (port < GL_PORTS && handlers[port].fn)
		handlers[port].fn(port, handlers[port].data);
}

static void dispatch_word(unsigned int word)
{
	xen_ulong_t ready;

	while ((ready = __atomic_load_n(&gl_shared_info.evtchn_pending[word],
					__ATOMIC_SEQ_CST) &
			~gl_shared_info.evtchn_mask[word]))
		dispatch(word * WORD_BITS +
			 (evtchn_port_t)__builtin_ctzl(ready));
}

/* With events masked; the way out (iret hypercall) unmasks and looks again. */
void gl_event_upcall(void)
{
	struct vcpu_info *v = gl_vcpu_info();

	while (__atomic_exchange_n(&v->evtchn_upcall_pending, 0,
				   __ATOMIC_SEQ_CST)) {
		xen_ulong_t words = __atomic_exchange_n(&v->evtchn_pending_sel,
							0, __ATOMIC_SEQ_CST);

		for (; words; words &= words - 1)
			dispatch_word((unsigned int)__builtin_ctzl(words));
	}
}

bool gl_events_save(void)
{
	return !__atomic_exchange_n(&gl_vcpu_info()->evtchn_upcall_mask, 1,
				    __ATOMIC_SEQ_CST);
}

void gl_events_restore(bool on)
{
	struct vcpu_info *v = gl_vcpu_info();

	if (!on)
		return;
	__atomic_store_n(&v->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&v->evtchn_upcall_pending, __ATOMIC_SEQ_CST))
		hypercall_xen_version(XENVER_version, NULL); /* delivers */
}

void gl_event_handler_set(evtchn_port_t port, gl_event_fn fn, void *data)
{
	if (port >= GL_PORTS)
		gl_panic("event port %u is beyond the table", port);
	gl_event_mask(port);
	handlers[port] = (struct port_handler){ fn, data };
	gl_event_unmask(port);
}

void gl_event_mask(evtchn_port_t port)
{
	set_bit(gl_shared_info.evtchn_mask, port);
}

/*
 * An event that came while the port was masked has set no selector bit: set the
 * bit now.
 */
void gl_event_unmask(evtchn_port_t port)
{
	struct vcpu_info *v = gl_vcpu_info();
	bool on = gl_events_save();

	clear_bit(gl_shared_info.evtchn_mask, port);
	if (test_bit(gl_shared_info.evtchn_pending, port)) {
		set_bit(&v->evtchn_pending_sel, port / WORD_BITS);
		__atomic_store_n(&v->evtchn_upcall_pending, 1,
				 __ATOMIC_SEQ_CST);
	}
	gl_events_restore(on);
}

long gl_event_bind_virq(unsigned int virq, gl_event_fn fn, void *data)
{
	struct evtchn_bind_virq bind = { .virq = virq, .vcpu = gl_vcpu_id() };
	long rc = hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind);

	if (rc)
		return rc;
	gl_event_handler_set(bind.port, fn, data);
	return bind.port;
}

long gl_event_bind_ipi(gl_event_fn fn, void *data)
{
	struct evtchn_bind_ipi bind = { .vcpu = gl_vcpu_id() };
	long rc = hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind);

	if (rc)
		return rc;
	gl_event_handler_set(bind.port, fn, data);
	return bind.port;
}

long gl_event_alloc_unbound(domid_t remote, gl_event_fn fn, void *data)
{
	struct evtchn_alloc_unbound alloc = {
		.dom = DOMID_SELF, .remote_dom = remote,
	};
	long rc = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);

	if (rc)
		return rc;
	gl_event_handler_set(alloc.port, fn, data);
	return alloc.port;
}

long gl_event_send(evtchn_port_t port)
{
	struct evtchn_send send = { .port = port };

	return hypercall_event_channel_op(EVTCHNOP_send, &send);
}

long gl_event_close(evtchn_port_t port)
{
	struct evtchn_close shut = { .port = port };

	gl_event_mask(port);
	return hypercall_event_channel_op(EVTCHNOP_close, &shut);
}
