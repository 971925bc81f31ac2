/* SPDX-License-Identifier: MIT */
/*
 * A short life with something of each kind that others may name: grants, ports,
 * a shared page.
 */
#include <gl/grant.h>
#include <gl/start.h>

#include <xen/event_channel.h>

#include "../attack.h"

static uint64_t frames[32];

void gl_main(void)
{
	struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 32 };
	struct evtchn_alloc_unbound port = { .dom = DOMID_SELF, .remote_dom = 1 };
	uint64_t va = must_alloc();

	op.frame_list.p = frames;
	(void)hypercall_grant_table_op(GNTTABOP_setup_table, &op, 1);
	(void)hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &port);
	memset((void *)va, 7, GL_PAGE_BYTES);
	(void)must_share(va);
	gl_shutdown(SHUTDOWN_poweroff);
}
