/* SPDX-License-Identifier: MIT */
/*
 * The domctl hypercall: what the first domain asks of one domain.
 *
 * The order of the answers is Xen's, so that a guest gets the same ones: the
 * argument cannot be read (-EFAULT), it is of another version (-EACCES), there
 * is no such domain (-ESRCH), it is not for the caller (-EPERM).
 */
#include <port.h>
#include <errno.h>

#include <xen/domctl.h>
#include <xen/sched.h>

#include "ctl/cpu_policy.h"
#include "ctl/create.h"
#include "ctl/domain_info.h"
#include "ctl/settings.h"
#include "dom/die.h"
#include "dom/pause.h"
#include "dom/privilege.h"
#include "dom/sched.h"
#include "pv/above.h"
#include "pv/again.h"
#include "pv/pttree.h"
#include "pv/vcpu_context.h"
#include "x86/cpu.h"
#include "x86/guestcopy.h"

/*
 * Debian's kernel cannot do anything else on a CPU whose call goes on and on
 * (its preemptible hypercalls are gone where CONFIG_PREEMPT_DYNAMIC is set),
 * and calls it a soft lockup after 20 s.
 */
#define DESTROY_WAIT_NS	(5 * 1000000000UL)

/*
 * Not these: one makes a domain, the others take any number (a device without
 * a domain, memory that a debugger names).
 */
static bool names_domain(const struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_createdomain:
	case XEN_DOMCTL_gdbsx_guestmemio:
		return false;
	case XEN_DOMCTL_test_assign_device:
	case XEN_DOMCTL_vm_event_op:
		return op->domain != DOMID_INVALID;
	default:
		return true;
	}
}

/* Tools walk the domains with it: the first one from this number on. */
static long get_info(struct domain *d, struct xen_domctl *op)
{
	struct domain *next = d ? NULL : domain_from_id(op->domain);

	if (!d && op->domain >= DOMID_FIRST_RESERVED)
		return -EINVAL;
	if (!d && !next)
		return -ESRCH;
	domain_info_fill(d ?: next, &op->u.getdomaininfo);
	op->domain = op->u.getdomaininfo.domain;
	if (next)
		domain_put(next);
	return 0;
}

/* NULL: it has none of this number, or was not given them yet. */
static struct vcpu *vcpu_of(struct domain *d, uint32_t id)
{
	return id < d->vcpu_count && READ_ONCE(d->setup.has_vcpus) ?
	       d->vcpu[id] : NULL;
}

static long get_vcpu(struct domain *d, struct xen_domctl_getvcpuinfo *info)
{
	struct vcpu_runstate_info runstate;
	struct vcpu *v;
	enum run_state run;

	v = vcpu_of(d, info->vcpu);
	if (!v)
		return -ESRCH;
	sched_runstate(v, &runstate);
	run = READ_ONCE(v->run);
	info->online = run != RUN_OFFLINE;
	info->blocked = run == RUN_BLOCKED;
	info->running = run == RUN_RUNNING;
	info->cpu_time = runstate.time[RUNSTATE_running];
	info->cpu = READ_ONCE(v->cpu);
	return 0;
}

static long affinity(struct domain *d, struct xen_domctl *op)
{
	struct xen_domctl_vcpuaffinity *a = &op->u.vcpuaffinity;
	struct vcpu *v = vcpu_of(d, a->vcpu);

	if (!v)
		return -ESRCH;
	return op->cmd == XEN_DOMCTL_setvcpuaffinity ? settings_affinity_set(v, a) :
						       settings_affinity_get(v, a);
}

/*
 * As on Xen it returns when the domain has given back all its memory: until
 * then the call is made again, and the reaper gets its turn between.  But what
 * takes too long (a large domain, a busy machine) goes on without a caller, as
 * if pages of it were still in use.  since: when the call began, 0: now.
 */
static long destroy(struct domain *d, uint64_t since)
{
	if (d == current_vcpu()->domain)
		return -EINVAL;
	domain_destroy(d);
	if (since && now_ns() - since > DESTROY_WAIT_NS)
		return 0;
	sched_yield_cpu(current_vcpu());
	return -ERESTART;
}

/*
 * As on Xen it returns when none of the domain's vCPUs is on a CPU.
 * again: it was counted before.
 */
static long pause(struct domain *d, bool again)
{
	int rc;

	if (d == current_vcpu()->domain)
		return -EINVAL;
	rc = again ? 0 : pause_begin(d);
	if (rc || pause_whole(d) || !READ_ONCE(d->paused))
		return rc;
	sched_yield_cpu(current_vcpu());
	return -ERESTART;
}

/*
 * The first registers and tables of a vCPU; as on Xen it is up then, if the
 * tools say so.  Work on the domain's tables that was cut short is done here,
 * since the domain does not run.
 */
static long set_context(struct domain *d, const struct xen_domctl_vcpucontext *c)
{
	struct vcpu *v = vcpu_of(d, c->vcpu);
	bool online = false;
	int rc;

	if (d == current_vcpu()->domain || !v)
		return -EINVAL;
	while (pttree_settle(d) == MORE)
		if (sched_preempt_pending())
			return -ERESTART;
	rc = vcpu_context_load(v, (uintptr_t)c->ctxt.p, &online);
	if (!rc && online)
		sched_online(v);
	return rc == -EEXIST ? -EOPNOTSUPP : rc;
}

/*
 * The domain stands still for as long as it takes, as if it was paused.  As on
 * Xen, a vCPU that asks for its own is refused (here each of its domain).
 */
static long get_context(struct domain *d, const struct xen_domctl_vcpucontext *c,
			bool again)
{
	struct vcpu *v = vcpu_of(d, c->vcpu);
	long rc, ended;

	if (!v)
		return -EINVAL;
	rc = pause(d, again);
	if (rc)
		return rc;
	rc = vcpu_context_store(v, (uintptr_t)c->ctxt.p);
	ended = pause_end(d);
	return rc ?: ended;
}

/* A power button is for guests with firmware. */
static long send_trigger(struct domain *d, const struct xen_domctl_sendtrigger *t)
{
	struct vcpu *v = vcpu_of(d, t->vcpu);

	if (!v)
		return -ESRCH;
	switch (t->trigger) {
	case XEN_DOMCTL_SENDTRIGGER_NMI:
		sched_send_nmi(v);
		return 0;
	case XEN_DOMCTL_SENDTRIGGER_POWER:
	case XEN_DOMCTL_SENDTRIGGER_SLEEP:
		return -EINVAL;
	default:
		return -ENOSYS;
	}
}

/* What has no state of its own in the call. */
static long setting(struct domain *d, struct xen_domctl *op)
{
	switch (op->cmd) {
	case XEN_DOMCTL_getnodeaffinity:
		return settings_nodes_get(&op->u.nodeaffinity);
	case XEN_DOMCTL_setnodeaffinity:
		return settings_nodes_set(&op->u.nodeaffinity);
	case XEN_DOMCTL_scheduler_op:
		return settings_scheduler(d, &op->u.scheduler_op);
	case XEN_DOMCTL_settscinfo:
		return settings_clock(d, &op->u.tsc_info);
	case XEN_DOMCTL_set_address_size:
		return settings_width(d, op->u.address_size.size);
	case XEN_DOMCTL_get_address_size:
		op->u.address_size.size = 64;
		return 0;
	case XEN_DOMCTL_hypercall_init:
		return settings_stubs(d, MFN(op->u.hypercall_init.gmfn));
	case XEN_DOMCTL_get_cpu_policy:
		return cpu_policy_get(d, &op->u.cpu_policy);
	case XEN_DOMCTL_set_cpu_policy:
		return cpu_policy_set(d, &op->u.cpu_policy);
	default:
		return -ENOSYS;
	}
}

/* since: when the call was begun; 0: now */
static long domctl(struct domain *d, struct xen_domctl *op, uint64_t since)
{
	switch (op->cmd) {
	case XEN_DOMCTL_createdomain:
		return create_domain(&op->domain, &op->u.createdomain);
	case XEN_DOMCTL_max_vcpus:
		return create_vcpus(d, op->u.max_vcpus.max);
	case XEN_DOMCTL_max_mem:
		return create_limit(d, op->u.max_mem.max_memkb);
	case XEN_DOMCTL_setdomainhandle:
		return create_handle(d, op->u.setdomainhandle.handle);
	case XEN_DOMCTL_pausedomain:
		return pause(d, since);
	case XEN_DOMCTL_unpausedomain:
		return pause_end(d);
	case XEN_DOMCTL_setvcpucontext:
		return set_context(d, &op->u.vcpucontext);
	case XEN_DOMCTL_getvcpucontext:
		return get_context(d, &op->u.vcpucontext, since);
	case XEN_DOMCTL_sendtrigger:
		return send_trigger(d, &op->u.sendtrigger);
	case XEN_DOMCTL_getdomaininfo:
		return get_info(d, op);
	case XEN_DOMCTL_destroydomain:
		return destroy(d, since);
	case XEN_DOMCTL_getvcpuinfo:
		return get_vcpu(d, &op->u.getvcpuinfo);
	case XEN_DOMCTL_getvcpuaffinity:
	case XEN_DOMCTL_setvcpuaffinity:
		return affinity(d, op);
	default:
		return setting(d, op);
	}
}

/* Does it answer more than the error? */
static bool tells_why(const struct xen_domctl *op, long rc)
{
	return op->cmd == XEN_DOMCTL_set_cpu_policy && rc == -EINVAL;
}

/*
 * d: whom it names, NULL none; since: as above.  Who says so and did not begin
 * it is told that a domain is gone that never was.
 */
static long domctl_checked(struct domain *d, struct xen_domctl *op, uint64_t va,
			   uint64_t since)
{
	long rc;

	if (!d && since && op->cmd == XEN_DOMCTL_destroydomain)
		return privilege_check(current_vcpu()->domain, PRIV_DOMCTL,
				       op->cmd);
	if (!d && names_domain(op) && op->cmd != XEN_DOMCTL_getdomaininfo)
		return -ESRCH;
	rc = privilege_check(current_vcpu()->domain, PRIV_DOMCTL, op->cmd);
	if (!rc)
		rc = domctl(d, op, since);
	if ((!rc || tells_why(op, rc)) && copy_to_guest(va, op, sizeof(*op)))
		rc = -EFAULT;
	return rc;
}

/*
 * Whom the call names, with a reference; NULL: nobody, or not the one that it
 * began with.  *life: of the latter, if it goes on; then of whom it names.
 */
static struct domain *named(const struct xen_domctl *op, bool again,
			    uint64_t *life)
{
	struct domain *d = names_domain(op) ? domain_find(op->domain) : NULL;

	if (d && again && d->origin.life != *life) {	/* AGAIN2 */
		domain_put(d);
		return NULL;
	}
	if (d)
		*life = d->origin.life;
	return d;
}

static long domctl_at(uint64_t va, uint64_t since, uint64_t *life)
{
	struct xen_domctl op;
	struct domain *d;
	long rc;

	if (copy_from_guest(&op, va, sizeof(op)))
		return -EFAULT;
	if (op.interface_version != XEN_DOMCTL_INTERFACE_VERSION)
		return -EACCES;
	d = named(&op, since, life);
	rc = domctl_checked(d, &op, va, since);
	if (d)
		domain_put(d);
	return rc;
}

/*
 * Where it goes on it knows since when, and with whom; who lies harms himself
 * (pv/again.h).
 */
long op_domctl(struct hypercall_args *args)
{
	uint64_t since = again_place(args), life = again_life(args);
	long rc = domctl_at(args->a[0], since, &life);

	return again_end(args, rc, since ?: now_ns() | 1, life);
}
