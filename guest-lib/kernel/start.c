/* SPDX-License-Identifier: MIT */
/*
 * From the builder's hand-over to gl_main(): the library's table of contents.
 */
#include <gl/console.h>
#include <gl/event.h>
#include <gl/hypercall.h>
#include <gl/memory.h>
#include <gl/sched.h>
#include <gl/start.h>
#include <gl/string.h>
#include <gl/trap.h>
#include <gl/vcpu.h>

struct start_info *gl_start_info;

void gl_start(struct start_info *si);

static void map_shared_info(void)
{
	uint64_t pte = gl_start_info->shared_info | GL_PTE_KERNEL;
	long rc = hypercall_update_va_mapping((uint64_t)&gl_shared_info, pte,
					      UVMF_INVLPG | UVMF_LOCAL);

	if (rc)
		gl_panic("shared info cannot be mapped: %ld", rc);
}

void gl_start(struct start_info *si)
{
	gl_start_info = si;
	gl_vcpu_init();		/* whose shared info, whose locks */
	map_shared_info();
	gl_console_init();	/* from here on we can say what is wrong */
	gl_trap_init();
	gl_event_init();	/* needs the traps' callback entry */
	gl_memory_init();	/* from here on every page has its address */
	gl_console_late_init();	/* its ring may lie beyond the boot mapping */
	gl_main();
	gl_shutdown(SHUTDOWN_poweroff);
}

domid_t gl_domid(void)
{
	struct evtchn_alloc_unbound alloc = {
		.dom = DOMID_SELF, .remote_dom = DOMID_SELF,
	};
	struct evtchn_status status = { .dom = DOMID_SELF };
	struct evtchn_close shut;
	domid_t id = DOMID_INVALID;

	if (hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc))
		return id;
	status.port = shut.port = alloc.port;
	if (!hypercall_event_channel_op(EVTCHNOP_status, &status) &&
	    status.status == EVTCHNSTAT_unbound)
		id = status.u.unbound.dom;
	hypercall_event_channel_op(EVTCHNOP_close, &shut);
	return id;
}
