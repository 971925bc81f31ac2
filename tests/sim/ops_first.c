/* SPDX-License-Identifier: MIT */
/*
 * Operations of the first domain on another one: foreign entries, memory in its
 * name, domctl.  The side's own domain has the privilege then; the other one is
 * its guest.
 */
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/xsm/flask_op.h>

#include "dom/above.h"
#include "dom/die.h"
#include "pv/above.h"
#include "pv/hypercall.h"
#include "sim/ops.h"
#include "sim/sim.h"

static void be_first(struct side *s)
{
	s->d->privileged = true;
}

/* --- foreign entries --- */

static uint64_t entry_at(struct side *s, unsigned int what)
{
	return maddr_n(virt_to_maddr(fake_pte(s->d, page + what)));
}

static void update(struct side *s, uint64_t ptr, uint64_t val, uint64_t whom)
{
	struct mmu_update u = { ptr, val };

	be_first(s);
	memcpy(args_of(s), &u, sizeof(u));
	s->args = (struct hypercall_args){ .a = { args_va(s), 1, 0, whom } };
}

static void map_of_other(struct side *s, unsigned int what, uint64_t flags)
{
	update(s, entry_at(s, P_PLACE), s->other->mfn[what] << PAGE_SHIFT | flags,
	       s->other->d->id);
}

void op_foreign_map(struct side *s) { map_of_other(s, P_OFFERED, G_RW); }
void op_foreign_map_ro(struct side *s) { map_of_other(s, P_OFFERED, G_RO); }
void op_foreign_map_table(struct side *s) { map_of_other(s, P_TABLE, G_RO); }

/* A share of the other one's, which is broken for it (FOR3). */
void op_foreign_map_shared(struct side *s)
{
	op_break_first(s->other);
	map_of_other(s, P_BOTH, G_RW);
}

static long call_update(struct hypercall_args *args)
{
	return op_mmu_update(args);
}

long op_run_foreign(struct side *s)
{
	return state_call(call_update, &s->args);
}

/* One that is there already goes. */
void op_foreign_unmap(struct side *s)
{
	unsigned int me = sim_cpu;

	sim_cpu = s->cpu;
	op_foreign_map(s);
	/* The other side may have done it. */
	(void)op_mmu_update(&s->args);
	sim_cpu = me;
	update(s, entry_at(s, P_PLACE), 0, DOMID_SELF);
}

void op_foreign_name(struct side *s)
{
	update(s, s->other->mfn[P_OFFERED] << PAGE_SHIFT | MMU_MACHPHYS_UPDATE,
	       4711, s->other->d->id);
}

static void ext_of_other(struct side *s, unsigned int cmd, unsigned int what)
{
	struct mmuext_op op = { .cmd = cmd, .arg1.mfn = s->other->mfn[what] };

	be_first(s);
	memcpy(args_of(s), &op, sizeof(op));
	s->args = (struct hypercall_args){
		.a = { args_va(s), 1, 0, s->other->d->id },
	};
}

void op_foreign_pin(struct side *s) { ext_of_other(s, MMUEXT_PIN_L1_TABLE, P_BLANK); }
void op_foreign_unpin(struct side *s) { ext_of_other(s, MMUEXT_UNPIN_TABLE, P_TABLE); }
void op_foreign_clear(struct side *s) { ext_of_other(s, MMUEXT_CLEAR_PAGE, P_OFFERED); }

long op_run_foreign_ext(struct side *s)
{
	return state_call(op_mmuext, &s->args);
}

/* --- memory in its name --- */

static void reservation(struct side *s, unsigned int cmd, uint64_t first)
{
	struct xen_memory_reservation r = {
		.nr_extents = 1, .domid = s->other->d->id,
	};
	uint64_t list = fake_va(page + s->args_page + 1);

	be_first(s);
	*(uint64_t *)fake_page(s->d, page + s->args_page + 1) = first;
	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)list);
	memcpy(args_of(s), &r, sizeof(r));
	s->args = (struct hypercall_args){ .a = { cmd, args_va(s) } };
}

void op_foreign_populate(struct side *s)
{
	reservation(s, XENMEM_populate_physmap, page + P_HOLE);
}

void op_foreign_give(struct side *s)
{
	reservation(s, XENMEM_decrease_reservation, s->other->mfn[P_SPARE]);
}

/* Its grant table grows. */
void op_foreign_grants(struct side *s)
{
	struct xen_mem_acquire_resource r = {
		.domid = s->other->d->id, .type = XENMEM_resource_grant_table,
		.frame = 1, .nr_frames = 1,
		.frame_list.p = (void *)fake_va(page + s->args_page + 1),
	};

	be_first(s);
	memcpy(args_of(s), &r, sizeof(r));
	s->args = (struct hypercall_args){ .a = { XENMEM_acquire_resource, args_va(s) } };
}

/* Two ranges, each time others. */
void op_foreign_set_map(struct side *s)
{
	struct xen_foreign_memory_map m = {
		.domid = s->other->d->id,
		.map = { .nr_entries = 2, .buffer.p = (void *)(args_va(s) + OP_MAP_AT) },
	};
	struct op_map_entry *e = op_map_entries(s);

	be_first(s);
	memcpy(args_of(s), &m, sizeof(m));
	e[0] = (struct op_map_entry){ .bytes = 0x1000, .type = 1 };
	e[1] = (struct op_map_entry){ .start = 0x1000, .bytes = 0x200000, .type = 1 };
	s->args = (struct hypercall_args){ .a = { XENMEM_set_memory_map, args_va(s) } };
}

long op_run_foreign_memory(struct side *s)
{
	return state_call(op_memory, &s->args);
}

/* --- domctl --- */

static struct xen_domctl *domctl(struct side *s, uint32_t cmd, domid_t dom)
{
	struct xen_domctl *op = args_of(s);

	be_first(s);
	memset(op, 0, sizeof(*op));
	op->cmd = cmd;
	op->domain = dom;
	op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
	s->args = (struct hypercall_args){ .a = { args_va(s) } };
	return op;
}

struct xen_domctl *op_domctl_other(struct side *s, uint32_t cmd)
{
	return domctl(s, cmd, s->other->d->id);
}

long op_run_domctl(struct side *s)
{
	return state_call(op_domctl, &s->args);
}

#define NEW_DOMAIN	70	/* the number that all ask for */

void op_create(struct side *s)
{
	domctl(s, XEN_DOMCTL_createdomain, NEW_DOMAIN)->u.createdomain =
		(struct xen_domctl_createdomain){
			.max_vcpus = 1, .max_evtchn_port = 1023,
			.max_grant_frames = -1, .max_maptrack_frames = -1,
			.grant_opts = 2,
		};
}

/* It goes again, and leaves nothing. */
void op_create_end(struct side *s)
{
	struct domain *d = domain_find(NEW_DOMAIN);

	if (!d)
		return;
	domain_end(d);
	domain_put(d);
	while (!domain_is_gone(d))
		CHECK(reaper_step());
}

/* No page more than it has; and room for one. */
void op_max_mem(struct side *s)
{
	op_domctl_other(s, XEN_DOMCTL_max_mem)->u.max_mem.max_memkb =
		(s->other->d->pages.total - 2) * (PAGE_SIZE / 1024);
}

void op_max_mem_more(struct side *s)
{
	op_domctl_other(s, XEN_DOMCTL_max_mem)->u.max_mem.max_memkb =
		(s->other->d->pages.max + 8) * (PAGE_SIZE / 1024);
}

void op_domain_info(struct side *s) { (void)op_domctl_other(s, XEN_DOMCTL_getdomaininfo); }

void op_set_context(struct side *s)
{
	struct vcpu_guest_context *c = (void *)fake_page(s->d, page + s->args_page + 1);
	struct xen_domctl *op = op_domctl_other(s, XEN_DOMCTL_setvcpucontext);

	s->other->d->setup.has_vcpus = true;
	memset(c, 0, sizeof(*c));
	c->flags = VGCF_in_kernel;
	c->user_regs.rip = 0x9000;
	c->ctrlreg[3] = mfn_n(s->other->v->kernel_l4) << PAGE_SHIFT;
	op->u.vcpucontext.vcpu = THIRD;
	op->u.vcpucontext.ctxt.p = (void *)fake_va(page + s->args_page + 1);
}

/* All that a tool may know of it, into the side's own page. */
void op_get_context(struct side *s)
{
	struct xen_domctl *op = op_domctl_other(s, XEN_DOMCTL_getvcpucontext);

	s->other->d->setup.has_vcpus = true;
	op->u.vcpucontext.vcpu = s->other->v->id;
	op->u.vcpucontext.ctxt.p = (void *)fake_va(page + s->args_page + 1);
}

void op_trigger(struct side *s)
{
	op_domctl_other(s, XEN_DOMCTL_sendtrigger)->u.sendtrigger =
		(struct xen_domctl_sendtrigger){
			.trigger = XEN_DOMCTL_SENDTRIGGER_NMI, .vcpu = THIRD,
		};
}

/*
 * And the end of the pause, else its guest's CPU would wait for ever.  No
 * vCPU of its is on a CPU meanwhile.
 */
void op_pause(struct side *s) { (void)op_domctl_other(s, XEN_DOMCTL_pausedomain); }

long op_run_pause(struct side *s)
{
	struct xen_domctl *op = args_of(s);
	long r = state_call(op_domctl, &s->args);
	bool on;

	if (r)
		return r;
	on = READ_ONCE(s->other->d->state) == DOM_RUNNING && READ_ONCE(s->other->d->cpu_mask);
	op->cmd = XEN_DOMCTL_unpausedomain;
	s->args = (struct hypercall_args){ .a = { args_va(s) } };
	r = state_call(op_domctl, &s->args);
	return on ? -EBUSY : r;
}

/* The reaper has some turns; its later steps are the operations die-N. */
void op_destroy(struct side *s) { (void)op_domctl_other(s, XEN_DOMCTL_destroydomain); }

long op_run_destroy(struct side *s)
{
	unsigned int i;
	long r = -ESRCH;

	for (i = 0; i < 4 && this_cpu()->current; i++) {
		r = op_domctl(&s->args);
		state_exit();
		if (r != -ERESTART)
			break;
		state_reap();
	}
	return this_cpu()->current ? r : -ESRCH;
}

/* A share group that the tools name. */
void op_label(struct side *s)
{
	struct xen_flask_op *op = args_of(s);
	char *text = (char *)fake_page(s->d, page + s->args_page + 1);

	be_first(s);
	memset(op, 0, sizeof(*op));
	memcpy(text, "new", 3);
	op->cmd = FLASK_CONTEXT_TO_SID;
	op->interface_version = XEN_FLASK_INTERFACE_VERSION;
	op->u.sid_context.size = 3;
	op->u.sid_context.context.p = (void *)fake_va(page + s->args_page + 1);
	s->args = (struct hypercall_args){ .a = { args_va(s) } };
}

long op_run_label(struct side *s)
{
	return state_call(op_xsm, &s->args);
}

/* --- a guest that stops, and stays for the tools --- */

void op_shut(struct side *s)
{
	domain_keep_shut(true);
}

static long call_shut(struct hypercall_args *args)
{
	domain_shutdown(current_vcpu()->domain, SHUTDOWN_poweroff);
	return 0;
}

long op_run_shut(struct side *s)
{
	return state_call(call_shut, &s->args);
}

/* --- ends --- */

static void reap(struct side *s)
{
	struct domain *d = s->d;

	if (!d)
		return;
	s->d = NULL;
	if (!domain_is_gone(d))
		domain_end(d);
	while (!domain_is_gone(d))
		CHECK(reaper_step());
	fake_forget(d);
}

void op_reap_other(struct side *s) { reap(s->other); }
void op_reap(struct side *s) { reap(s); }
