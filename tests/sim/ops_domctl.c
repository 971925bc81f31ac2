/* SPDX-License-Identifier: MIT */
/*
 * What the first domain sets of another one, and reads of it: the rest of
 * domctl, sysctl and memory_op.  Both may be at it at the same time.
 */
#include <errno.h>
#include <port.h>
#include <string.h>

#include <xen/domctl.h>
#include <xen/memory.h>
#include <xen/sysctl.h>

#include "pv/above.h"
#include "pv/hypercall.h"
#include "sim/ops.h"
#include "sim/sim.h"

#define MAP_AT		256u	/* in the arguments' page */
#define CAP		50u	/* percent */

static struct xen_domctl *arg(struct side *s)
{
	return args_of(s);
}

/* --- vCPUs --- */

static void max_vcpus(struct side *s)
{
	op_domctl_other(s, XEN_DOMCTL_max_vcpus)->u.max_vcpus.max = s->other->d->vcpu_count;
}

static void vcpu_info(struct side *s)
{
	s->other->d->setup.has_vcpus = true;
	op_domctl_other(s, XEN_DOMCTL_getvcpuinfo)->u.getvcpuinfo.vcpu = s->other->v->id;
}

/* It is what it says, all at one moment. */
static long run_vcpu_info(struct side *s)
{
	const struct xen_domctl_getvcpuinfo *i = &arg(s)->u.getvcpuinfo;
	long r = op_run_domctl(s);

	return r ? r : (i->running && i->blocked) || (i->running && !i->online);
}

/* One that runs keeps its CPU, and no other. */
static void affinity(struct side *s, unsigned int cmd)
{
	const struct vcpu *v = s->other->v;
	struct xen_domctl_vcpuaffinity *a = &op_domctl_other(s, cmd)->u.vcpuaffinity;

	s->other->d->setup.has_vcpus = true;
	a->vcpu = v->cpu < SIM_CPUS ? v->id : THIRD;
	a->flags = XEN_VCPUAFFINITY_HARD;
	a->cpumap_hard.bitmap.p = (void *)(args_va(s) + MAP_AT);
	a->cpumap_hard.nr_bits = 8;
	((uint8_t *)args_of(s))[MAP_AT] = 1u << v->cpu % SIM_CPUS;
}

static void affinity_set(struct side *s) { affinity(s, XEN_DOMCTL_setvcpuaffinity); }
static void affinity_get(struct side *s) { affinity(s, XEN_DOMCTL_getvcpuaffinity); }

/* --- what it may have --- */

static struct xen_domctl_scheduler_op *scheduler(struct side *s, unsigned int cmd)
{
	struct xen_domctl_scheduler_op *op =
		&op_domctl_other(s, XEN_DOMCTL_scheduler_op)->u.scheduler_op;

	op->sched_id = XEN_SCHEDULER_CREDIT2;
	op->cmd = cmd;
	return op;
}

static void weight_set(struct side *s)
{
	scheduler(s, XEN_DOMCTL_SCHEDOP_putinfo)->u.credit2 =
		(struct xen_domctl_sched_credit2){ .weight = 512, .cap = CAP / 2 };
}

/* And the weight as it is. */
static void cap_set(struct side *s)
{
	scheduler(s, XEN_DOMCTL_SCHEDOP_putinfo)->u.credit2.cap = CAP;
}

static void shares_get(struct side *s) { (void)scheduler(s, XEN_DOMCTL_SCHEDOP_getinfo); }

/* Both of one moment. */
static long run_shares_get(struct side *s)
{
	const struct xen_domctl_sched_credit2 *c = &arg(s)->u.scheduler_op.u.credit2;
	long r = op_run_domctl(s);

	return r ? r : c->weight * 1000 + c->cap;
}

static void claim(struct side *s)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = s->other->d->id };

	s->d->privileged = true;
	call_with(s, XENMEM_claim_pages, &r, sizeof(r));
}

/* --- what it is --- */

static void handle(struct side *s)
{
	struct xen_domctl *op = op_domctl_other(s, XEN_DOMCTL_setdomainhandle);

	memset(op->u.setdomainhandle.handle, 0x11 * (s->cpu + 1), sizeof(op->u.setdomainhandle.handle));
}

static void stubs(struct side *s)
{
	op_domctl_other(s, XEN_DOMCTL_hypercall_init)->u.hypercall_init.gmfn =
		s->other->mfn[P_OFFERED];
}

/* Of one that is being built: no leaf is taken away, nor has it any. */
static void policy_set(struct side *s)
{
	s->other->d->setup.made = true;
	(void)op_domctl_other(s, XEN_DOMCTL_set_cpu_policy);
}

static void policy_get(struct side *s)
{
	struct xen_domctl_cpu_policy *p = &op_domctl_other(s, XEN_DOMCTL_get_cpu_policy)->u.cpu_policy;

	p->nr_leaves = 64;
	p->leaves.p = (void *)fake_va(page + s->args_page + 1);
}

/* --- the machine --- */

static struct xen_sysctl *sysctl(struct side *s, unsigned int cmd)
{
	struct xen_sysctl *op = args_of(s);

	s->d->privileged = true;
	memset(op, 0, sizeof(*op));
	op->cmd = cmd;
	op->interface_version = XEN_SYSCTL_INTERFACE_VERSION;
	s->args = (struct hypercall_args){ .a = { args_va(s) } };
	return op;
}

static long run_sysctl(struct side *s)
{
	return state_call(op_sysctl, &s->args);
}

static void list(struct side *s)
{
	struct xen_sysctl_getdomaininfolist *l = &sysctl(s, XEN_SYSCTL_getdomaininfolist)->u.getdomaininfolist;

	l->max_domains = 4;
	l->buffer.p = (void *)fake_va(page + s->args_page + 1);
}

/* The other one is in it as a whole, or not. */
static long run_list(struct side *s)
{
	const struct xen_domctl_getdomaininfo *info = (void *)fake_page(s->d, page + s->args_page + 1);
	const struct xen_sysctl *op = args_of(s);
	long r = run_sysctl(s);
	unsigned int i, n = r ? 0 : op->u.getdomaininfolist.num_domains, torn = 0;

	for (i = 0; i < n; i++)
		torn += info[i].handle[0] != info[i].handle[15];
	return r ? r : torn;
}

static void heap(struct side *s) { (void)sysctl(s, XEN_SYSCTL_availheap); }
static void machine(struct side *s) { (void)sysctl(s, XEN_SYSCTL_physinfo); }

const struct op ops_domctl[] = {
	{ "domain-vcpus", max_vcpus, op_run_domctl, NULL, OP_FIRST },
	{ "domain-vcpu-info", vcpu_info, run_vcpu_info, NULL, OP_FIRST },
	{ "domain-affinity", affinity_set, op_run_domctl, NULL, OP_FIRST },
	{ "domain-affinity-get", affinity_get, op_run_domctl, NULL, OP_FIRST },
	{ "domain-weight", weight_set, op_run_domctl, NULL, OP_FIRST },
	{ "domain-cap", cap_set, op_run_domctl, NULL, OP_FIRST },
	{ "domain-shares", shares_get, run_shares_get, NULL, OP_FIRST },
	{ "domain-claim", claim, op_run_memory, NULL, OP_FIRST },
	{ "domain-handle", handle, op_run_domctl, NULL, OP_FIRST },
	{ "domain-stubs", stubs, op_run_domctl, NULL, OP_FIRST },
	{ "domain-policy", policy_set, op_run_domctl, NULL, OP_FIRST },
	{ "domain-policy-get", policy_get, op_run_domctl, NULL, OP_FIRST },
	{ "domain-list", list, run_list, NULL, OP_FIRST },
	{ "heap-free", heap, run_sysctl, NULL, OP_FIRST },
	{ "machine-info", machine, run_sysctl, NULL, OP_FIRST },
};
const unsigned int ops_domctl_count = ARRAY_COUNT(ops_domctl);
