/* SPDX-License-Identifier: MIT */
/*
 * DD8, DD11: every operation that takes a domain's number, with the numbers of
 * domains that are being born, live, and die at that moment on other CPUs.
 * Page 0 is mapped: what the hypervisor found missing in a half-made domain it
 * would take from there.
 */
#include <gl/grant.h>
#include <gl/start.h>
#include <gl/timer.h>

#include <xen/event_channel.h>
#include <xen/memory.h>
#include <xen/sched.h>

#include "../attack.h"

#define BATCH	32
#define AHEAD	24u	/* numbers beyond the last one seen */

static uint64_t page, list[BATCH], calls;
static volatile uint64_t *at_zero;

/* The answer to the last of a batch of maps: none was granted to us. */
static int map(unsigned int dom)
{
	static struct gnttab_map_grant_ref op[BATCH];

	for (unsigned int i = 0; i < BATCH; i++)
		op[i] = (struct gnttab_map_grant_ref){ .host_addr = page,
			.flags = GNTMAP_host_map, .ref = 100, .dom = dom };
	(void)hypercall_grant_table_op(GNTTABOP_map_grant_ref, op, BATCH);
	gl_test_check(op[BATCH - 1].status < 0);
	return op[0].status;
}

static void copy(unsigned int dom)
{
	struct gnttab_copy op[2] = {
		{ .source.u.ref = 9, .source.domid = dom, .len = 64,
		  .dest.u.gmfn = gl_virt_to_mfn(page), .dest.domid = DOMID_SELF,
		  .flags = GNTCOPY_source_gref },
		{ .dest.u.ref = 9, .dest.domid = dom, .len = 64,
		  .source.u.gmfn = gl_virt_to_mfn(page), .source.domid = DOMID_SELF,
		  .flags = GNTCOPY_dest_gref },
	};

	(void)hypercall_grant_table_op(GNTTABOP_copy, op, 2);
	gl_test_check(op[0].status < 0 && op[1].status < 0);
}

static void transfer(unsigned int dom)
{
	/* Mapped, so it stays ours whoever is asked to take it. */
	struct gnttab_transfer op = { .mfn = gl_virt_to_mfn(page), .domid = dom,
				      .ref = 20 };

	(void)hypercall_grant_table_op(GNTTABOP_transfer, &op, 1);
	gl_test_check(op.status < 0);
}

static void grant_questions(unsigned int dom)
{
	struct gnttab_setup_table setup = { .dom = dom, .nr_frames = 1 };
	struct gnttab_query_size size = { .dom = dom };
	struct gnttab_get_version version = { .dom = dom };
	struct gnttab_get_status_frames status = { .dom = dom, .nr_frames = 1 };

	setup.frame_list.p = list;
	status.frame_list.p = list;
	(void)hypercall_grant_table_op(GNTTABOP_setup_table, &setup, 1);
	gl_test_check(setup.status < 0);
	(void)hypercall_grant_table_op(GNTTABOP_query_size, &size, 1);
	(void)hypercall_grant_table_op(GNTTABOP_get_version, &version, 1);
	(void)hypercall_grant_table_op(GNTTABOP_get_status_frames, &status, 1);
}

static void events(unsigned int dom)
{
	struct evtchn_bind_interdomain bind = { .remote_dom = dom,
						.remote_port = 3 };
	struct evtchn_alloc_unbound unbound = { .dom = dom, .remote_dom = 1 };
	struct evtchn_status status = { .dom = dom, .port = 1 };
	struct evtchn_reset reset = { .dom = dom };

	if (!hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind)) {
		struct evtchn_send send = { .port = bind.local_port };
		struct evtchn_close close = { .port = bind.local_port };

		(void)hypercall_event_channel_op(EVTCHNOP_send, &send);
		gl_test_equal(hypercall_event_channel_op(EVTCHNOP_close, &close),
			      0);
	}
	gl_test_check(hypercall_event_channel_op(EVTCHNOP_alloc_unbound,
						 &unbound) < 0);
	(void)hypercall_event_channel_op(EVTCHNOP_status, &status);
	gl_test_check(hypercall_event_channel_op(EVTCHNOP_reset, &reset) < 0);
}

static void memory(unsigned int dom)
{
	static const unsigned int ops[] = {
		XENMEM_increase_reservation, XENMEM_decrease_reservation,
		XENMEM_populate_physmap,
	};
	struct xen_memory_reservation res = { .nr_extents = 1, .domid = dom };
	domid_t id = dom;

	for (unsigned int i = 0; i < 3; i++) {
		list[0] = gl_virt_to_mfn(page);
		set_xen_guest_handle(res.extent_start, list);
		gl_test_check(hypercall_memory_op(ops[i], &res) <= 0);
	}
	(void)hypercall_memory_op(XENMEM_current_reservation, &id);
	(void)hypercall_memory_op(XENMEM_maximum_reservation, &id);
	(void)hypercall_memory_op(XENMEM_maximum_gpfn, &id);
}

static void tables(unsigned int dom)
{
	struct mmu_update req = { .ptr = gl_virt_to_mfn(page) << 12 };
	struct mmuext_op op = { .cmd = MMUEXT_PIN_L1_TABLE };
	struct sched_remote_shutdown kill = { .domain_id = dom };

	op.arg1.mfn = gl_virt_to_mfn(page);
	gl_test_check(hypercall_mmu_update(&req, 1, NULL, dom) < 0);
	gl_test_check(hypercall_mmuext_op(&op, 1, NULL, dom) < 0);
	gl_test_check(raw_call(__HYPERVISOR_update_va_mapping_otherdomain, page,
			       0, 0, dom, 0) < 0);
	gl_test_check(hypercall_sched_op(SCHEDOP_remote_shutdown, &kill) < 0);
}

static void all_of(unsigned int dom)
{
	(void)map(dom);
	copy(dom);
	transfer(dom);
	grant_questions(dom);
	events(dom);
	memory(dom);
	tables(dom);
	calls++;
}

static void zero_page_map(void)
{
	uint64_t va = must_alloc();

	memset((void *)va, 0, GL_PAGE_BYTES);
	gl_test_equal(map_at(0, gl_virt_to_mfn(va), GL_PTE_KERNEL), 0);
	at_zero = (volatile uint64_t *)va;
}

void gl_main(void)
{
	uint64_t end = gl_now_ns() + gl_cmdline_u64("ms", 4000) * 1000000UL;
	unsigned int last = 3, seen = 0;

	page = must_alloc();
	zero_page_map();
	while (gl_now_ns() < end && !gl_test_failures) {
		/*
		 * The youngest ones, by the quickest call; then everything with
		 * one of them.
		 */
		for (unsigned int k = 0; k < 4; k++)
			(void)map(last + k);
		for (unsigned int k = AHEAD; k; k--)
			if (map(last + k) != GNTST_bad_domain) {
				last += k;
				seen++;
				break;
			}
		all_of(last + calls % 4);
	}
	for (unsigned int i = 0; i < GL_PAGE_BYTES / 8; i++)
		gl_test_equal(at_zero[i], 0);
	gl_printf("births: %lu rounds, %u numbers seen\n", calls, seen);
	gl_test_check(seen > 0);
	audit("births");
	gl_test_done();
}
