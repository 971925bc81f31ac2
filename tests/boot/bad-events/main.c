/* SPDX-License-Identifier: MIT */
/*
 * Attacks on event channels and registered areas: EV1, EV2, EV3, EV4, EV5
 * (boot vcpu-pairs has those of two vCPUs)
 */
#include "../attack.h"

#include <xen/event_channel.h>
#include <xen/vcpu.h>
#include <gl/trap.h>

#define PORTS	4096

static long channel(unsigned int op, void *arg)
{
	return hypercall_event_channel_op(op, arg);
}

static long alloc_port(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF,
					  .remote_dom = DOMID_SELF };
	long rc = channel(EVTCHNOP_alloc_unbound, &a);

	return rc ? rc : (long)a.port;
}

static long close_port(uint32_t port)
{
	return channel(EVTCHNOP_close, &(struct evtchn_close){ port });
}

/* EV1: ports that never were, at and behind each bound. */
static void test_bounds(void)
{
	static const uint32_t ports[] = { 0, 1000, PORTS - 1, PORTS, PORTS + 1,
					  1u << 17, 1u << 31, ~0u };

	for (unsigned int i = 0; i < 8; i++) {
		struct evtchn_status status = { .dom = DOMID_SELF,
						.port = ports[i] };
		evtchn_port_t polled = ports[i];
		struct sched_poll poll = { .nr_ports = 1, .timeout = 1 };

		set_xen_guest_handle(poll.ports, &polled);
		gl_test_equal(close_port(ports[i]), -XEN_EINVAL);
		gl_test_equal(channel(EVTCHNOP_send,
			&(struct evtchn_send){ ports[i] }), -XEN_EINVAL);
		gl_test_equal(channel(EVTCHNOP_unmask,
			&(struct evtchn_unmask){ ports[i] }), -XEN_EINVAL);
		gl_test_equal(channel(EVTCHNOP_bind_vcpu,
			&(struct evtchn_bind_vcpu){ ports[i], 0 }), -XEN_EINVAL);
		gl_test_equal(channel(EVTCHNOP_bind_interdomain,
			&(struct evtchn_bind_interdomain){ DOMID_SELF, ports[i],
							   0 }), -XEN_EINVAL);
		gl_test_check(channel(EVTCHNOP_status, &status) != 0 ||
			      status.status == EVTCHNSTAT_closed);
		/* those were opened once, on some hypervisors */
		if (i != 1 && i != 2)
			gl_test_check(hypercall_sched_op(SCHEDOP_poll, &poll) != 0);
	}
}

/* EV3: until there are no more; then all again. */
static void test_exhaustion(void)
{
	static uint32_t ports[PORTS];
	long count = 0, again = 0, port;

	for (unsigned int round = 0; round < 3; round++) {
		for (count = 0; count < PORTS; count++) {
			port = alloc_port();
			if (port < 0)
				break;
			ports[count] = port;
		}
		gl_test_equal(alloc_port(), -XEN_ENOSPC);
		gl_test_equal(alloc_port(), -XEN_ENOSPC);
		gl_test_equal(channel(EVTCHNOP_bind_ipi,
			&(struct evtchn_bind_ipi){ 0, 0 }), -XEN_ENOSPC);
		if (!round)
			again = count;
		gl_test_equal(count, again);
		gl_test_check(count > PORTS - 64 && count < PORTS);
		for (long i = 0; i < count; i++)
			gl_test_equal(close_port(ports[i]), 0);
		gl_test_equal(close_port(ports[0]), -XEN_EINVAL);
	}
}

/* EV2: each end closed, sent to and bound again, in each order. */
static void test_ends(void)
{
	for (unsigned int round = 0; round < 200; round++) {
		struct evtchn_bind_interdomain b = { .remote_dom = DOMID_SELF };
		long a = alloc_port();

		b.remote_port = a;
		gl_test_equal(channel(EVTCHNOP_bind_interdomain, &b), 0);
		gl_test_equal(channel(EVTCHNOP_bind_interdomain, &b),
			      -XEN_EINVAL);	/* taken */
		gl_test_equal(channel(EVTCHNOP_send,
			&(struct evtchn_send){ round & 1 ? a : b.local_port }), 0);
		gl_test_equal(close_port(round & 2 ? a : b.local_port), 0);
		gl_test_equal(channel(EVTCHNOP_send,
			&(struct evtchn_send){ round & 2 ? b.local_port : a }), 0);
		gl_test_equal(close_port(round & 2 ? b.local_port : a), 0);
		gl_test_equal(channel(EVTCHNOP_send,
			&(struct evtchn_send){ a }), -XEN_EINVAL);
	}
}

static long register_info(uint64_t mfn, uint32_t offset)
{
	struct vcpu_register_vcpu_info r = { .mfn = mfn, .offset = offset };

	return hypercall_vcpu_op(VCPUOP_register_vcpu_info, 0, &r);
}

/* EV5 */
static void test_info(void)
{
	uint64_t page = gl_page_alloc(), mfn = gl_virt_to_mfn(page);
	uint64_t table = gl_virt_to_mfn(gl_start_info->pt_base);

	for (uint32_t offset = 1; offset < 8; offset++)
		gl_test_equal(register_info(mfn, offset), -XEN_EINVAL);
	gl_test_equal(register_info(mfn, 4096 - 56), -XEN_EINVAL);
	gl_test_equal(register_info(mfn, 4096), -XEN_EINVAL);
	gl_test_equal(register_info(mfn, ~0u), -XEN_EINVAL);
	gl_test_equal(register_info(mfn, -(uint32_t)64), -XEN_EINVAL);
	gl_test_equal(register_info(table, 0), -XEN_EBUSY);
	gl_test_equal(register_info(NO_MFN, 0), -XEN_EINVAL);
	gl_test_equal(register_info(1UL << 52, 0), -XEN_EINVAL);
	gl_test_equal(register_info(gl_start_info->shared_info >> GL_PAGE_SHIFT,
				    0), -XEN_EPERM);
	/* Every other frame of the machine: not ours, or no RAM. */
	for (uint64_t f = 0; f < 0x10000; f += 7) {
		uint64_t pfn = NO_MFN;

		if (gl_probe_read(HV_BASE + f * 8, &pfn) &&
		    pfn < gl_start_info->nr_pages)
			continue;
		gl_test_check(register_info(f, 0) == -XEN_EPERM ||
			      register_info(f, 0) == -XEN_EINVAL);
	}
}

/*
 * EV4, EV2: with thousands of ports open; the console's stays, for we still
 * have a voice.
 */
static void test_reset(void)
{
	struct evtchn_reset reset = { .dom = DOMID_SELF };
	long count;

	for (count = 0; alloc_port() > 0; count++)
		;
	gl_test_equal(channel(EVTCHNOP_reset, &reset), 0);
	reset.dom = 7777;
	gl_test_equal(channel(EVTCHNOP_reset, &reset), -XEN_ESRCH);
	gl_test_check(alloc_port() > 0);
}

void gl_main(void)
{
	test_bounds();
	test_exhaustion();
	test_ends();
	test_info();
	test_reset();
	gl_test_done();
}
